"""Inboxes of one instance, on a real PostgreSQL and a real Redis; the clients have no sockets."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import orjson
import pytest

from gateway.activities.rooms.inbox import InboxOpen
from gateway.backplane import keys
from gateway.backplane.settings import RedisSettings
from gateway.core.errors import DatabaseUnavailable
from gateway.core.identity import Identity
from gateway.core.ids import RoomId
from gateway.core.protocol.base import Command, WireModel
from gateway.core.publication import Kind, Publication
from gateway.embedded import EmbeddedServers
from gateway.runtime import inboxes as module
from gateway.runtime.connection import Connection
from gateway.runtime.inboxes import Inboxes
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from tests.support.backplane import Links, running_links
from tests.support.ledgers import new_person, new_room
from tests.support.waiting import WAIT_SECONDS


class Client:
    """A connection that notes what it is sent."""

    def __init__(self) -> None:
        self.is_open = True
        self.is_paused = False
        self.state: dict[str, Any] = {}
        self.notices: list[dict[str, Any]] = []

    def reply(self, _command: Command, body: WireModel) -> None:
        """Take the whole inbox."""
        self.state = body.model_dump(mode="json")
        self.notices.clear()

    def send(self, message: bytes) -> None:
        """Take a change."""
        self.notices.append(orjson.loads(message)["data"])

    def rooms(self) -> dict[str, dict[str, Any]]:
        """Return what the client knows."""
        known = {room["id"]: room for room in self.state["rooms"]}
        for notice in self.notices:
            known |= {room["id"]: room for room in notice["rooms"]}
            known = {key: room for key, room in known.items() if key not in notice["gone"]}
        return known


class Instance:
    """The inboxes of an instance, and whether it believes that it hears the others."""

    def __init__(self, database: Database, links: Links, supervisor: Supervisor) -> None:
        self.hears = True
        self.inboxes = Inboxes(
            database, links.publisher, links.subscriber, supervisor, lambda: self.hears
        )

    async def open(self, client: Client, person: Identity) -> None:
        """Open somebody's inbox."""
        command = InboxOpen(id=1, type="inbox.open")
        await self.inboxes.open(cast("Connection", client), person, command)


@asynccontextmanager
async def running_instance(
    database: Database, settings: RedisSettings
) -> AsyncIterator[tuple[Instance, Links]]:
    """Run it for the block."""
    supervisor = Supervisor()
    async with running_links(settings) as links:
        await links.ups.get()
        instance = Instance(database, links, supervisor)
        supervisor.service("inboxes", instance.inboxes.run())
        yield instance, links
        await supervisor.stop()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pause be short."""
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.1)


@pytest.fixture
def redis_settings(servers: EmbeddedServers) -> RedisSettings:
    """The Redis of all tests; each has rooms and people of its own."""
    return RedisSettings(url=servers.redis_url)


@pytest.fixture
async def running(
    database: Database, redis_settings: RedisSettings
) -> AsyncIterator[tuple[Instance, Links]]:
    """An instance."""
    async with running_instance(database, redis_settings) as both:
        yield both


@pytest.fixture
async def ada(database: Database) -> Identity:
    """Somebody."""
    return await new_person(database)


@pytest.fixture
async def room(database: Database, ada: Identity) -> RoomId:
    """A room of theirs."""
    return await new_room(database, ada)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something has become so; what is asked for counts readings and has no event."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.01)


async def rename(database: Database, room_id: RoomId, name: str) -> None:
    """Change what members see, and tell nobody."""
    async with database.connection() as conn:
        await conn.execute("update rooms set name = $2 where id = $1", room_id, name)


def shows(client: Client, room_id: RoomId, name: str) -> bool:
    """Whether the client knows the room by that name."""
    return client.rooms().get(str(room_id), {}).get("name") == name


async def test_a_publication_of_another_instance_is_a_reason_to_look(
    running: tuple[Instance, Links], database: Database, ada: Identity, room: RoomId
):
    """One of events; who types changes no inbox."""
    instance, links = running
    client = Client()
    await instance.open(client, ada)
    await until(lambda: instance.inboxes.reads > 0)
    await rename(database, room, "New")
    reads = instance.inboxes.reads
    channel = keys.room_channel(room)
    links.publisher.publish(channel, Publication(Kind.TYPING, b"{}").encode())
    links.publisher.publish(channel, Publication(Kind.EVENTS, b"").encode())
    await until(lambda: shows(client, room, "New"))
    assert instance.inboxes.reads > reads


async def test_a_message_for_a_person_is_a_reason_to_look(
    running: tuple[Instance, Links], database: Database, ada: Identity, room: RoomId
):
    """At the room that it names, or at everything."""
    instance, links = running
    client = Client()
    await instance.open(client, ada)
    await rename(database, room, "New")
    links.publisher.publish(keys.user_channel(ada.user_id), room.bytes)
    await until(lambda: shows(client, room, "New"))
    await rename(database, room, "Newer")
    links.publisher.publish(keys.user_channel(ada.user_id), b"")
    await until(lambda: shows(client, room, "Newer"))


async def test_who_does_not_read_is_told_the_difference_when_they_do(
    running: tuple[Instance, Links], database: Database, ada: Identity, room: RoomId
):
    """And nothing is kept for them meanwhile; another device is told at once."""
    instance, _ = running
    slow, quick = Client(), Client()
    for client in (slow, quick):
        await instance.open(client, ada)
    slow.is_paused = True
    for number in range(3):
        await rename(database, room, f"Name {number}")
        instance.inboxes.room_changed(room)
        await until(functools.partial(shows, quick, room, f"Name {number}"))
    assert slow.notices == []
    slow.is_paused = False
    instance.inboxes.resumed(cast("Connection", slow))
    await until(lambda: shows(slow, room, "Name 2"))
    assert len(slow.notices) == 1
    assert slow.rooms() == quick.rooms()


async def test_while_others_are_not_heard_all_is_read_from_time_to_time(
    running: tuple[Instance, Links],
    database: Database,
    ada: Identity,
    room: RoomId,
    monkeypatch: pytest.MonkeyPatch,
):
    """Nobody says that anything has changed."""
    monkeypatch.setattr(module, "DEAF_FULL_SECONDS", 0.2)
    instance, _ = running
    client = Client()
    await instance.open(client, ada)
    await until(lambda: instance.inboxes.reads > 0)
    instance.hears = False
    await rename(database, room, "New")
    await until(lambda: shows(client, room, "New"))


async def test_who_closes_is_told_nothing_and_nothing_is_heard_for_them(
    running: tuple[Instance, Links], database: Database, ada: Identity, room: RoomId
):
    """The last of a person's connections ends the subscriptions."""
    instance, links = running
    clients = [Client(), Client()]
    for client in clients:
        await instance.open(client, ada)
    assert instance.inboxes.opened == 2
    for client in clients:
        instance.inboxes.close(cast("Connection", client))
        instance.inboxes.close(cast("Connection", client))
    assert instance.inboxes.opened == 0
    assert not links.subscriber._subscriptions
    await until(lambda: not (instance.inboxes._rooms or instance.inboxes._whole))
    await rename(database, room, "New")
    instance.inboxes.room_changed(room)
    instance.inboxes.look_again(room, [ada.user_id])
    assert not instance.inboxes._rooms
    assert not instance.inboxes._places


async def test_a_client_that_is_gone_before_the_answer_leaves_nothing(
    running: tuple[Instance, Links], ada: Identity, room: RoomId
):
    """Nobody would ever close its inbox."""
    instance, _ = running
    client = Client()
    client.is_open = False
    await instance.open(client, ada)
    assert instance.inboxes.opened == 0
    assert client.state == {}


async def test_more_people_than_are_read_at_once_are_read_one_after_another(
    running: tuple[Instance, Links], database: Database, monkeypatch: pytest.MonkeyPatch
):
    """Nobody is forgotten."""
    monkeypatch.setattr(module, "MAX_PEOPLE", 2)
    monkeypatch.setattr(module, "MAX_PLACES", 2)
    instance, _ = running
    people = [await new_person(database) for _ in range(5)]
    room_id = await new_room(database, *people)
    clients = [Client() for _ in people]
    for client, person in zip(clients, people, strict=True):
        await instance.open(client, person)
    await rename(database, room_id, "New")
    instance.inboxes.room_changed(room_id)
    await until(lambda: all(shows(client, room_id, "New") for client in clients))
    await rename(database, room_id, "Newer")
    instance.inboxes.look_at_all()
    await until(lambda: all(shows(client, room_id, "Newer") for client in clients))


async def test_what_could_not_be_read_is_read_when_postgresql_is_back(
    running: tuple[Instance, Links],
    database: Database,
    ada: Identity,
    room: RoomId,
    monkeypatch: pytest.MonkeyPatch,
):
    """And opening an inbox meanwhile says why not."""
    instance, _ = running
    client = Client()
    await instance.open(client, ada)
    await until(lambda: instance.inboxes.reads > 0)

    @asynccontextmanager
    async def away() -> AsyncIterator[None]:
        raise DatabaseUnavailable("The database does not answer.")
        yield

    failures = 0

    def count() -> AbstractAsyncContextManager[None]:
        nonlocal failures
        failures += 1
        return away()

    monkeypatch.setattr(module, "MAX_SHARE", 1e-9)  # a failure is no reading that took long
    with monkeypatch.context() as outage:
        outage.setattr(database, "connection", count)
        with pytest.raises(DatabaseUnavailable):
            await instance.open(Client(), ada)
        instance.inboxes.room_changed(room)
        instance.inboxes.mark(None, [ada.user_id])
        await until(lambda: failures > 2)
        monkeypatch.setattr(module, "MAX_PAUSE_SECONDS", 0)  # nor does a long one end it all
    await rename(database, room, "New")
    await until(lambda: shows(client, room, "New"))
