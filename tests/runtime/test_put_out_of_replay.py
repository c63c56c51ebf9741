"""Who is put out while they are told what they missed hears up to their end, and no more."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.activities.rooms.messages import MemberKick
from gateway.core.close_codes import CloseCode
from gateway.core.ids import ConnectionId, Position, RoomId, Seq, UserId
from gateway.core.publication import Kind, Publication
from gateway.runtime.catch_up import CatchUp
from gateway.runtime.log_reader import LogReader
from gateway.runtime.room import Room
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from tests.activities.talk import Talk
from tests.support.frames import payloads
from tests.support.ledgers import become_member, new_person, new_room, open_book
from tests.support.waiting import soon


class Tab:
    """A connection on its way in, whose socket takes everything."""

    takes_deflate = False
    is_open = True
    is_paused = False
    is_catching_up = False
    id = ConnectionId("tab")

    def __init__(self, room: Room, user_id: UserId) -> None:
        self.user_id = user_id
        self.rooms = {room.id: room}
        self.told: list[bytes] = []
        self.let_in = asyncio.Event()
        self.out = asyncio.Event()

    def write(self, frames: bytes) -> None:
        """Note the events."""
        self.told += payloads(frames)

    def send(self, message: bytes) -> None:
        """Take the notice that it has caught up."""
        assert b'"behind"' in message
        self.let_in.set()

    def put_out(self, room_id: RoomId) -> None:
        """Leave the room."""
        self.rooms.pop(room_id).remove(self)
        self.out.set()

    def start_over(self, code: CloseCode) -> None:
        """Never happens here."""
        raise AssertionError(code)

    def close(self, code: CloseCode, reason: str) -> None:
        """Never happens here."""
        raise AssertionError(code, reason)


@pytest.fixture
async def catch_up(database: Database) -> AsyncIterator[CatchUp]:
    """What brings connections up to the live events."""
    supervisor = Supervisor()
    yield CatchUp(LogReader(database), supervisor)
    await supervisor.stop()


async def kicked(database: Database, *, is_back: bool = False) -> tuple[Talk, UserId]:
    """Make a room of whose log Grace may hear up to 3, where she is kicked."""
    ada, grace = await new_person(database, "Ada"), await new_person(database, "Grace")
    async with open_book(database) as book:
        talk = Talk(database, book, await new_room(database, ada, grace))
        await talk.set_role(ada, "admin")
        for text in ("one", "two"):
            await talk.say(ada, text)
        await talk.do(MemberKick, ada, user_id=str(grace.user_id))
        if is_back:
            await book.ledger.submit(become_member(talk.room_id, grace))
        await talk.say(ada, "secret")
    return talk, grace.user_id


def open_room(talk: Talk, seq: int) -> Room:
    """Open the room, of which so much has been delivered here."""
    return Room(talk.room_id, Position(1, Seq(seq)), lambda _: None, lambda _: None)


@pytest.mark.parametrize("delivered", [2, 3, 4])
async def test_kicked_during_a_resume(database: Database, catch_up: CatchUp, *, delivered: int):
    """However far the room is: the state was read when they were a member, after event 2."""
    talk, grace = await kicked(database)
    room = open_room(talk, delivered)
    tab = Tab(room, grace)
    catch_up.follow(tab, room, Seq(0), Seq(2))  # type: ignore[arg-type]  # a stand-in
    if delivered == 2:
        await asyncio.sleep(0.2)
        reader = LogReader(database)
        stretch = await reader.read_after(talk.room_id, Seq(2), Seq(4))
        assert stretch is not None
        room.receive(Publication(Kind.EVENTS, stretch.frames, stretch.first, stretch.last))
        room.flush()
    await soon(tab.out.wait())
    assert len(tab.told) == 3
    assert b"secret" not in b"".join(tab.told)
    assert room.is_empty


async def test_kicked_while_reading_slowly(database: Database, catch_up: CatchUp):
    """The live events that were held are dropped when the socket is full again: not the end."""
    talk, grace = await kicked(database)
    room = open_room(talk, 4)
    tab = Tab(room, grace)
    room.park_at(tab, Seq(1))
    catch_up.resumed(tab)  # type: ignore[arg-type]  # a stand-in
    await soon(tab.out.wait())
    assert b"secret" not in b"".join(tab.told)


async def test_who_has_come_back_since_stays(database: Database, catch_up: CatchUp):
    """Their replay holds the end of the old membership."""
    talk, grace = await kicked(database, is_back=True)
    room = open_room(talk, 5)
    tab = Tab(room, grace)
    catch_up.follow(tab, room, Seq(0), Seq(5))  # type: ignore[arg-type]  # a stand-in
    await soon(tab.let_in.wait())
    assert len(tab.told) == 5
    assert not tab.out.is_set()
    assert not room.is_empty
