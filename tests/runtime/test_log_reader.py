"""Reading the log in stretches, on a real PostgreSQL."""

import asyncio

import pytest

from gateway.core.ids import RoomId, Seq
from gateway.runtime.log_reader import PAGE_EVENTS, LogReader, LogTrimmedError
from gateway.storage.database import Database
from tests.support.frames import payloads
from tests.support.ledgers import new_person, new_room, open_book, read_log, say

EVENTS = 2 * PAGE_EVENTS + 10


@pytest.fixture
async def room(database: Database) -> RoomId:
    """A room with a log of more than two pages."""
    ada = await new_person(database)
    room_id = await new_room(database, ada)
    async with open_book(database) as book:
        await book.all_at_once(*(say(room_id, ada, f"Message {n}") for n in range(EVENTS)))
    return room_id


async def read_all(reader: LogReader, room: RoomId, after: int, max_bytes: int) -> list[bytes]:
    """Read stretch by stretch to the end."""
    events: list[bytes] = []
    while stretch := await reader.read_after(room, Seq(after), max_bytes):
        some = payloads(stretch.frames)
        assert stretch.last == after + len(some)
        assert len(some) == 1 or len(stretch.frames) <= max_bytes
        events += some
        after = stretch.last
    return events


@pytest.mark.parametrize("after", [0, 1, PAGE_EVENTS - 1, PAGE_EVENTS, PAGE_EVENTS + 1, EVENTS])
@pytest.mark.parametrize("max_bytes", [1, 1_000, 1_000_000])
async def test_stretches_laid_end_to_end_are_the_log(
    database: Database, room: RoomId, after: int, max_bytes: int
):
    """From any position, whatever fits into one; an event too big for it comes alone."""
    log = await read_log(database, room)
    assert await read_all(LogReader(database), room, after, max_bytes) == log[after:]


async def test_a_page_that_has_grown_is_read_anew(database: Database, room: RoomId):
    """The last one is kept as it was, and the log goes on."""
    reader = LogReader(database)
    assert await reader.read_after(room, Seq(EVENTS), 1_000) is None
    ada = await new_person(database)
    async with database.connection() as conn:
        await conn.execute(
            "insert into room_users (room_id, user_id) values ($1, $2)", room, ada.user_id
        )
    async with open_book(database) as book:
        await book.ledger.submit(say(room, ada, "More"))
    stretch = await reader.read_after(room, Seq(EVENTS), 1_000)
    assert stretch is not None
    assert stretch.last == EVENTS + 1


async def test_a_crowd_that_comes_back_shares_one_reading(database: Database, room: RoomId):
    """As after the death of an instance; and what is in the log never changes."""
    reader = LogReader(database)
    stretches = await asyncio.gather(
        *(reader.read_after(room, Seq(0), 100_000) for _ in range(200))
    )
    assert len({stretch for stretch in stretches if stretch}) == 1
    async with database.connection() as conn:
        await conn.execute("delete from room_events where room_id = $1", room)
    assert await reader.read_after(room, Seq(0), 100_000) == stretches[0]
    reader.clear()
    assert await reader.read_after(room, Seq(0), 100_000) is None


async def test_a_log_whose_beginning_is_gone_says_so(database: Database, room: RoomId):
    """Only the state helps then; a part of what was missed never does."""
    async with database.connection() as conn:
        await conn.execute("delete from room_events where room_id = $1 and seq <= 5", room)
    reader = LogReader(database)
    with pytest.raises(LogTrimmedError):
        await reader.read_after(room, Seq(4), 1_000)
    stretch = await reader.read_after(room, Seq(5), 1)
    assert stretch is not None
    assert stretch.last == 6
