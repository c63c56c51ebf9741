"""Who is written down as connected, on a real PostgreSQL and Redis; the clock is the test's."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from gateway.backplane.client import open_client
from gateway.backplane.leases import Leases
from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable, DatabaseUnavailable
from gateway.core.ids import InstanceId, UserId
from gateway.embedded import EmbeddedServers
from gateway.runtime import whereabouts as whereabouts_module
from gateway.runtime.presence import LINGER_SECONDS
from gateway.runtime.supervision import Supervisor
from gateway.runtime.whereabouts import MAX_WRITTEN, Whereabouts
from gateway.storage.database import Database, DatabaseSettings
from gateway.storage.generated import whereabouts as queries
from tests.support.waiting import WAIT_SECONDS


class Instance:
    """An instance, as far as it writes down who is connected to it."""

    def __init__(self, database: Database, redis: Redis, settings: RedisSettings) -> None:
        self.id = InstanceId(uuid4().hex)
        self.seconds = 100.0
        self.leases = Leases(redis, settings, self.id)
        self._tabs: Counter[UserId] = Counter()
        self.whereabouts = Whereabouts(
            self.id, database, self.leases, self._tabs.keys(), lambda: self.seconds
        )

    def connect(self, *people: UserId) -> None:
        """Have people open a connection each."""
        for user_id in people:
            self._tabs[user_id] += 1
            self.whereabouts.came(user_id)

    def disconnect(self, *people: UserId, for_good: bool = False) -> None:
        """Have people lose a connection each."""
        for user_id in people:
            self._tabs[user_id] -= 1
            if not self._tabs[user_id]:
                del self._tabs[user_id]
            self.whereabouts.went(user_id, for_good=for_good)

    async def write_later(self, seconds: float = LINGER_SECONDS) -> None:
        """Let time pass and write."""
        self.seconds += seconds
        await self.whereabouts.write()


class Seen(NamedTuple):
    """What is written of a person."""

    is_online: bool
    last_seen: datetime


@pytest.fixture
def redis_settings(servers: EmbeddedServers) -> RedisSettings:
    """Where Redis is."""
    return RedisSettings(url=servers.redis_url)


@pytest.fixture
async def redis(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    """A client of it."""
    client = open_client(redis_settings)
    yield client
    await client.aclose()


@pytest.fixture
def new_instance(
    database: Database, redis: Redis, redis_settings: RedisSettings
) -> Callable[[], Instance]:
    """Make instances beside each other."""
    return lambda: Instance(database, redis, redis_settings)


@pytest.fixture
async def one(new_instance: Callable[[], Instance]) -> Instance:
    """An instance with a lease."""
    instance = new_instance()
    await instance.leases.renew()
    return instance


@pytest.fixture
async def two(new_instance: Callable[[], Instance]) -> Instance:
    """Another one."""
    instance = new_instance()
    await instance.leases.renew()
    return instance


async def new_people(database: Database, number: int) -> list[UserId]:
    """Return so many guests."""
    async with database.connection() as conn:
        rows = await conn.fetch(
            "insert into users (username, is_guest) "
            "select gen_random_uuid()::text, true from generate_series(1, $1) returning id",
            number,
        )
    return [row["id"] for row in rows]


@pytest.fixture
async def ada(database: Database) -> UserId:
    """Somebody."""
    return (await new_people(database, 1))[0]


async def seen(database: Database, user_id: UserId) -> Seen:
    """Return what is written of a person."""
    async with database.connection() as conn:
        row = await conn.fetchrow("select is_online, last_seen from users where id = $1", user_id)
    assert row is not None
    return Seen(*row)


async def test_who_comes_is_online_until_their_last_connection_has_ended(
    database: Database, one: Instance, ada: UserId
):
    """And not at once when it broke: they may come back."""
    before = await seen(database, ada)
    one.connect(ada, ada)
    await one.whereabouts.write()
    assert await seen(database, ada) == Seen(is_online=True, last_seen=before.last_seen)
    one.disconnect(ada)
    await one.write_later()
    one.disconnect(ada)
    await one.write_later(LINGER_SECONDS / 2)
    assert (await seen(database, ada)).is_online
    await one.write_later(LINGER_SECONDS / 2)
    after = await seen(database, ada)
    assert not after.is_online
    assert after.last_seen > before.last_seen


async def test_who_says_goodbye_is_gone_at_once(database: Database, one: Instance, ada: UserId):
    """Without a linger, as in rooms."""
    one.connect(ada)
    await one.whereabouts.write()
    one.disconnect(ada, for_good=True)
    await one.whereabouts.write()
    assert not (await seen(database, ada)).is_online


async def test_a_reload_is_not_written(
    database: Database, one: Instance, ada: UserId, monkeypatch: pytest.MonkeyPatch
):
    """Whoever is back within the linger was never gone, and costs no statement."""
    one.connect(ada)
    await one.whereabouts.write()
    monkeypatch.setattr(queries, "lock_users", None)  # nobody may call it
    one.disconnect(ada)
    await one.write_later(LINGER_SECONDS / 2)
    one.connect(ada)
    await one.write_later()
    assert not one.whereabouts.is_waiting
    assert (await seen(database, ada)).is_online


async def test_a_visit_between_two_writes_is_seen(database: Database, one: Instance, ada: UserId):
    """Though the person was never written to be online."""
    before = await seen(database, ada)
    one.connect(ada)
    one.disconnect(ada)
    await one.write_later()
    assert (await seen(database, ada)).last_seen > before.last_seen


async def test_who_is_elsewhere_too_stays_online(
    database: Database, one: Instance, two: Instance, ada: UserId
):
    """The last instance counts: a deploy does not flicker."""
    one.connect(ada)
    await one.whereabouts.write()
    one.disconnect(ada)
    two.connect(ada)
    await two.whereabouts.write()
    await one.whereabouts.close()
    assert (await seen(database, ada)).is_online
    two.disconnect(ada)
    await two.whereabouts.close()
    assert not (await seen(database, ada)).is_online


async def test_a_crowd_costs_a_transaction_a_thousand(
    database: Database, one: Instance, monkeypatch: pytest.MonkeyPatch
):
    """With three statements each, whether they come or go."""
    locks = []
    lock_users = queries.lock_users

    async def count(*arguments: object, **named: object) -> object:
        locks.append(named)
        return await lock_users(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "lock_users", count)
    crowd = await new_people(database, 2 * MAX_WRITTEN + 1)
    one.connect(*crowd)
    await one.whereabouts.write()
    assert len(locks) == 3
    assert (await seen(database, crowd[-1])).is_online
    one.disconnect(*crowd[1:])
    await one.write_later()
    assert len(locks) == 5
    assert [(await seen(database, who)).is_online for who in crowd[:2]] == [True, False]


async def test_two_instances_that_write_of_the_same_crowd_do_not_deadlock(
    database: Database, one: Instance, two: Instance
):
    """In whichever order people came to them; what is written in the end is right."""
    crowd = await new_people(database, 300)
    one.connect(*crowd)
    two.connect(*reversed(crowd))
    for _ in range(5):
        await asyncio.gather(one.whereabouts.write(), two.whereabouts.write())
        one.disconnect(*crowd, for_good=True)
        two.disconnect(*crowd[:100], for_good=True)
        await asyncio.gather(one.whereabouts.write(), two.whereabouts.write())
        is_online = [(await seen(database, who)).is_online for who in (crowd[0], crowd[-1])]
        assert is_online == [False, True]
        one.connect(*crowd)
        two.connect(*crowd[:100])


async def test_what_cannot_be_written_is_written_later(
    runtime_database_url: str, database: Database, one: Instance, ada: UserId
):
    """PostgreSQL may be away for as long as it likes."""
    lost = await Database.open(DatabaseSettings(runtime_database_url))
    await lost.close()
    one.whereabouts._database = lost
    one.connect(ada)
    with pytest.raises(DatabaseUnavailable):
        await one.whereabouts.write()
    await one.whereabouts.close()  # says so, and goes on
    one.whereabouts._database = database
    await one.whereabouts.write()
    assert (await seen(database, ada)).is_online


async def test_a_deleted_person_is_no_trouble(database: Database, one: Instance, ada: UserId):
    """Connected as they may be."""
    one.connect(ada)
    async with database.connection() as conn:
        await conn.execute("delete from users where id = $1", ada)
    await one.whereabouts.write()
    await one.whereabouts.sweep()
    assert not one.whereabouts.is_waiting
    one.disconnect(ada)
    await one.write_later()
    assert not one.whereabouts.is_waiting


async def test_the_people_of_a_dead_instance_are_offline_and_whoever_is_elsewhere_is_not(
    database: Database, new_instance: Callable[[], Instance], one: Instance, two: Instance
):
    """Once it has had no lease twice; any number of the living may see to it at once."""
    dead = new_instance()
    await dead.leases.renew()
    gone, elsewhere = await new_people(database, 2)
    dead.connect(gone, elsewhere)
    one.connect(elsewhere)
    await asyncio.gather(dead.whereabouts.write(), one.whereabouts.write())
    for instance in (one, two):
        await instance.whereabouts.sweep()
    await dead.leases.give_up()
    before = await seen(database, gone)
    for instance in (one, two):
        await instance.whereabouts.sweep()
    assert await seen(database, gone) == before
    await asyncio.gather(one.whereabouts.sweep(), two.whereabouts.sweep())
    after = await seen(database, gone)
    assert not after.is_online
    assert after.last_seen > before.last_seen
    assert (await seen(database, elsewhere)).is_online


async def test_who_was_taken_for_dead_writes_its_people_anew(
    database: Database, one: Instance, two: Instance, ada: UserId
):
    """Once it has a lease again; before, the others would only remove them again."""
    one.connect(ada)
    await one.whereabouts.write()
    await one.leases.give_up()
    for _ in range(2):
        await two.whereabouts.sweep()
    assert not (await seen(database, ada)).is_online
    await one.whereabouts.sweep()
    assert not one.whereabouts.is_waiting
    await one.leases.renew()
    await one.whereabouts.sweep()
    await one.whereabouts.write()
    assert (await seen(database, ada)).is_online


async def test_nothing_is_written_before_there_is_a_lease(
    database: Database,
    new_instance: Callable[[], Instance],
    ada: UserId,
    monkeypatch: pytest.MonkeyPatch,
):
    """The others would take the instance for dead."""
    monkeypatch.setattr(whereabouts_module, "WRITE_SECONDS", 0.01)
    monkeypatch.setattr(whereabouts_module, "SWEEP_SECONDS", 0)
    young = new_instance()
    young.connect(ada)
    sweeps = asyncio.Queue[None]()
    sweep = young.whereabouts.sweep

    async def note() -> None:
        await sweep()
        sweeps.put_nowait(None)

    monkeypatch.setattr(young.whereabouts, "sweep", note)
    supervisor = Supervisor()
    supervisor.service("whereabouts", young.whereabouts.run())
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            for _ in range(3):
                await sweeps.get()
            assert not (await seen(database, ada)).is_online
            await young.leases.renew()
            while not (await seen(database, ada)).is_online:
                await sweeps.get()
    finally:
        await supervisor.stop()


@asynccontextmanager
async def silent_redis() -> AsyncIterator[RedisSettings]:
    """A Redis that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        yield RedisSettings(url=f"redis://127.0.0.1:{listener.getsockname()[1]}/0")


async def test_a_redis_that_says_nothing_holds_up_neither_what_is_written_nor_the_stop(
    database: Database, one: Instance, ada: UserId
):
    """Its own patience of half a minute is not waited for."""
    async with silent_redis() as settings:
        client = open_client(settings)
        one.whereabouts._leases = Leases(client, settings, one.id)
        one.connect(ada)
        sweep = asyncio.gather(one.whereabouts.sweep())
        await asyncio.sleep(0.1)
        await one.whereabouts.write()
        assert not sweep.done()
        assert (await seen(database, ada)).is_online
        await sweep
        async with asyncio.timeout(settings.command_seconds * settings.command_retries):
            with pytest.raises(BackplaneUnavailable):
                await one.whereabouts._leases.give_up()
        await client.aclose()
