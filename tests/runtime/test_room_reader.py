"""How rooms stand for many who come in at the same time."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from gateway.activities.protocol import RoomState
from gateway.core.errors import UnknownRoom
from gateway.core.identity import Identity
from gateway.core.ids import Position, RoomId, Seq
from gateway.core.resume import Resume
from gateway.runtime.room import Room
from gateway.runtime.room_reader import Reading, RoomReader
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from tests.support.ledgers import new_person, new_room, open_book, reveal, say, start_story, vote


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[RoomReader]:
    """Reads from the test's database."""
    supervisor = Supervisor()
    yield RoomReader(database, supervisor)
    await supervisor.stop()


async def read(
    reader: RoomReader, *visits: tuple[RoomId, Identity, Position | None]
) -> list[Reading | BaseException | None]:
    """Come in at the same time."""
    readings = [reader.read(*visit) for visit in visits]
    return await asyncio.gather(*readings, return_exceptions=True)


def state(reading: Reading | BaseException | None) -> RoomState:
    """Return what is sent to somebody who gets the whole state."""
    assert isinstance(reading, Reading)
    assert reading.resume is Resume.SNAPSHOT
    standing = reading.standing
    room = Room(standing.id, Position(standing.epoch, reading.seq), lambda _: None, lambda _: None)
    answer = reading.complete(room)
    assert isinstance(answer, RoomState)
    return answer


async def test_each_gets_the_room_as_they_may_see_it(database: Database, reader: RoomReader):
    """Promise P4: of the cards on the table everybody sees their own, in one reading for all."""
    ada, grace, alan, stranger = [
        await new_person(database, name) for name in ("Ada", "Grace", "Alan", "Stranger")
    ]
    room = await new_room(database, ada, grace, alan)
    other = await new_room(database, ada)
    private = await new_room(database, grace, is_private=True)
    async with open_book(database) as book:
        await book.all_at_once(
            start_story(room, ada, "Story"),
            vote(room, ada, "½"),
            vote(room, grace, "☕"),
            say(other, ada, "Hello"),
        )
        async with database.connection() as conn:
            epoch = await conn.fetchval("select epoch from rooms where id = $1", room)
        ada_sees, grace_sees, alan_sees, none, hidden, nowhere, replay, again = await read(
            reader,
            (room, ada, None),
            (room, grace, None),
            (room, alan, None),
            (room, stranger, None),
            (private, ada, None),
            (RoomId(uuid4()), ada, None),
            (room, alan, Position(epoch, Seq(1))),
            (room, alan, Position(epoch, Seq(3))),
        )
        cards = {"½": ada_sees, "☕": grace_sees}
        for card, reading in cards.items():
            table = state(reading).poker
            assert table is not None
            assert table.your_card == card
            assert len(table.voted) == 2
            shown = table.model_copy(update={"deck": (), "your_card": None}).model_dump_json()
            assert not [hidden_card for hidden_card in cards if hidden_card in shown]
        unvoted = state(alan_sees).poker
        assert unvoted is not None
        assert unvoted.your_card is None
        assert none is None
        assert isinstance(hidden, UnknownRoom)
        assert isinstance(nowhere, UnknownRoom)
        assert isinstance(replay, Reading)
        assert isinstance(again, Reading)
        assert (replay.resume, again.resume) == (Resume.REPLAY, Resume.UP_TO_DATE)
        await book.all_at_once(reveal(room, ada))
        tables = [state(one).poker for one in await read(reader, (room, alan, None))]
        assert [vote.card for table in tables if table for vote in table.votes or ()] == ["½", "☕"]


async def test_each_room_has_its_own_messages_and_table(database: Database, reader: RoomReader):
    """Whoever reads beside them, the same person on two connections included."""
    ada = await new_person(database)
    rooms = [await new_room(database, ada) for _ in range(3)]
    async with open_book(database) as book:
        await book.all_at_once(
            *(say(room, ada, f"{n} {m}") for n, room in enumerate(rooms[:2]) for m in range(60)),
            start_story(rooms[2], ada, "Story"),
        )
    visits = [(room, ada, None) for room in (*rooms, rooms[0])]
    states = [state(reading) for reading in await read(reader, *visits)]
    said = [[message.content for message in one.chat.messages] for one in states]
    assert said == [[f"{n} {m}" for m in range(10, 60)] for n in (0, 1)] + [[], said[0]]
    assert [one.chat.has_more for one in states] == [True, True, False, True]
    assert [one.poker is not None for one in states] == [False, False, True, False]


async def test_the_seat_of_a_deleted_account_stays_at_the_table(
    database: Database, reader: RoomReader
):
    """And whoever is called so now has another one."""
    ada, grace = await new_person(database), await new_person(database, "Grace")
    room = await new_room(database, ada, grace)
    async with open_book(database) as book:
        await book.all_at_once(start_story(room, ada, "Story"), vote(room, grace, "5"))
        async with database.connection() as conn:
            await conn.execute("delete from users where id = $1", grace.user_id)
        namesake = await new_person(database, "Grace")
        namesake = Identity(
            namesake.user_id, grace.name, None, is_guest=True, session_id=namesake.session_id
        )
        async with database.connection() as conn:
            await conn.execute(
                "insert into room_users (room_id, user_id) values ($1, $2)", room, namesake.user_id
            )
        await book.all_at_once(vote(room, namesake, "8"))
    table = state((await read(reader, (room, ada, None)))[0]).poker
    assert table is not None
    assert len({player.id for player in table.voted}) == 2
