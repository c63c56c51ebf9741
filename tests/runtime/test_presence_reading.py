"""Who is in a room, as Redis tells it: read by a join, and again after something was missed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest
from redis.asyncio import Redis

from gateway.backplane import keys
from gateway.backplane.client import open_client
from gateway.backplane.leases import Leases
from gateway.backplane.publisher import Publisher
from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable, InternalError
from gateway.core.ids import InstanceId, Position, RoomId, Seq, UserId
from gateway.core.protocol.base import PersonHere
from gateway.core.publication import Kind, Publication
from gateway.core.roster import Change
from gateway.embedded import EmbeddedServers
from gateway.runtime.end_of_turn import EndOfTurn
from gateway.runtime.hub import Hub
from gateway.runtime.log_reader import LogReader
from gateway.runtime.presence import MISSED_ROOMS, Presence
from gateway.runtime.reconciler import Reconciler
from gateway.runtime.room import Room
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from tests.support.backplane import Links, running_links
from tests.support.listener import Listener
from tests.support.waiting import soon

HERE, ELSEWHERE = InstanceId("reader"), InstanceId("writer")
ADA, GRACE = (PersonHere(id=UUID(int=number), name=f"P{number}") for number in (1, 2))


@pytest.fixture
def settings(servers: EmbeddedServers) -> RedisSettings:
    """Where Redis is."""
    return RedisSettings(url=servers.redis_url)


@pytest.fixture
async def links(settings: RedisSettings) -> AsyncIterator[Links]:
    """An instance's links, up."""
    async with running_links(settings) as links:
        await soon(links.ups.get())
        yield links


@pytest.fixture
async def redis(settings: RedisSettings) -> AsyncIterator[Redis]:
    """A client, and another instance that lives."""
    client = open_client(settings)
    elsewhere = Leases(client, settings, ELSEWHERE)
    await elsewhere.renew()
    yield client
    await elsewhere.give_up()
    await client.aclose()


@pytest.fixture
def rooms() -> dict[RoomId, Room]:
    """The rooms that are open here."""
    return {}


@pytest.fixture
def presence(
    settings: RedisSettings, links: Links, redis: Redis, rooms: dict[RoomId, Room]
) -> Presence:
    """The presence of an instance."""
    return Presence(HERE, redis, settings, links.publisher, rooms, EndOfTurn())


async def write(redis: Redis, room_id: RoomId, *people: PersonHere) -> None:
    """Have the other instance say in Redis who is there."""
    for person in people:
        field = f"{ELSEWHERE}:{person.id}"
        await redis.hset(keys.room_presence(room_id), field, person.model_dump_json())


def came(person: PersonHere) -> Publication:
    """Return what the other instance publishes when somebody comes."""
    return Publication(Kind.PRESENCE, Change(instance_id=ELSEWHERE, here=(person,)).encode())


def open_rooms(rooms: dict[RoomId, Room], number: int) -> Sequence[Room]:
    """Have so many rooms open."""
    opened = [Listener().room for _ in range(number)]
    rooms |= {room.id: room for room in opened}
    return opened


UNREADABLE = (
    (f"{ELSEWHERE}:1", "{}"),
    (f"{ELSEWHERE}:2", b"\xff"),
    (b"\xff:\xff", b"\xff"),
    ("", "[]"),
)


async def test_what_cannot_be_read_of_one_person_hides_nobody_else(
    presence: Presence, redis: Redis, rooms: dict[RoomId, Room]
):
    """In a room that is opened, and in one that is read again."""
    (room,) = open_rooms(rooms, 1)
    for field, value in UNREADABLE:
        await redis.hset(keys.room_presence(room.id), field, value)
    await write(redis, room.id, ADA)
    await presence.opened(room)
    assert room.roster.people == (ADA,)
    await write(redis, room.id, GRACE)
    presence.missed(room.id)
    await presence.read_missed()
    assert set(room.roster.people) == {ADA, GRACE}


async def test_a_room_may_be_read_twice_at_once(
    presence: Presence, redis: Redis, rooms: dict[RoomId, Room]
):
    """As when it is opened anew while an older reading is under way; what is heard counts."""
    (old,) = open_rooms(rooms, 1)
    await write(redis, old.id, ADA)
    presence.missed(old.id)
    reading = asyncio.gather(presence.read_missed())
    await asyncio.sleep(0)
    del rooms[old.id]
    new = Room(old.id, Position(1, Seq(0)), lambda _: None, lambda _: None)
    opening = asyncio.gather(presence.opened(new), presence.opened(new))
    await asyncio.sleep(0)
    presence.heard(new, came(GRACE))
    await asyncio.gather(reading, opening)
    assert set(new.roster.people) == {ADA, GRACE}
    assert not presence._readings


async def test_missed_rooms_are_read_many_at_a_time(
    presence: Presence,
    redis: Redis,
    rooms: dict[RoomId, Room],
    monkeypatch: pytest.MonkeyPatch,
):
    """A thousand of them are a matter of round trips."""
    trips = []
    pipeline = redis.pipeline

    def count(*, transaction: bool) -> object:
        trips.append(transaction)
        return pipeline(transaction=transaction)

    monkeypatch.setattr(redis, "pipeline", count)
    opened = open_rooms(rooms, 2 * MISSED_ROOMS + 1)
    for room in (*opened, Listener().room):  # one that is closed by now
        await write(redis, room.id, ADA)
        presence.missed(room.id)
    await presence.read_missed()
    assert all(UserId(ADA.id) in room.roster for room in opened)
    assert len(trips) == 3
    await presence.read_missed()
    assert len(trips) == 3


async def test_the_first_failure_leaves_the_missed_rooms_for_later(
    presence: Presence,
    redis: Redis,
    rooms: dict[RoomId, Room],
    monkeypatch: pytest.MonkeyPatch,
):
    """Redis that is away is tried once, and not for every room."""
    opened = open_rooms(rooms, 2 * MISSED_ROOMS)
    for room in opened:
        await write(redis, room.id, ADA)
        presence.missed(room.id)
    monkeypatch.setattr(Publisher, "is_up", False)
    with pytest.raises(BackplaneUnavailable):
        await presence.read_missed()
    monkeypatch.undo()
    await presence.read_missed()
    assert all(UserId(ADA.id) in room.roster for room in opened)


class Broken:
    """Keeps nothing: it fails with whatever room is opened."""

    def __init__(self) -> None:
        self.tries = 0

    async def opened(self, room: Room) -> None:
        """Fail."""
        self.tries += 1
        raise ValueError(room.id)

    def heard(self, room: Room, publication: Publication) -> None:
        """Never happens."""

    def missed(self, room_id: RoomId) -> None:
        """Nothing is."""


async def test_a_room_that_cannot_be_opened_is_refused(links: Links, database: Database):
    """Once, and not tried for ever."""
    rooms: dict[RoomId, Room] = {}
    supervisor = Supervisor()
    reader = LogReader(database)
    reconciler = Reconciler(database, reader, rooms, supervisor, hears=lambda: True)
    broken = Broken()
    observers = {Kind.PRESENCE: broken}
    hub = Hub(database, links.subscriber, reconciler, supervisor, observers, rooms, EndOfTurn())
    async with database.connection() as conn:
        room_id = await conn.fetchval("insert into rooms (name) values ('Lobby') returning id")
    for tries in (1, 2):
        with pytest.raises(InternalError):
            await soon(hub.expect(room_id, Listener()))
        assert broken.tries == tries
    await supervisor.stop()
    assert supervisor.failed_jobs == 2
    assert not rooms
