"""Reading the log in stretches, on a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.core.frames import text_frame
from gateway.core.ids import RoomId, Seq
from gateway.core.protocol.encode import encode_event
from gateway.runtime.log_reader import PAGE_EVENTS, LogReader, LogTrimmedError
from gateway.storage.database import Database
from tests.support.frames import payloads
from tests.support.ledgers import new_person, new_room, open_book, read_log, say

EVENTS = 2 * PAGE_EVENTS + 10

# Every character that a key may have, 64 at a time; the upper planes do not differ from each other.
CHARACTERS = [chr(n) for n in range(1, 0x10100) if not 0xD800 <= n < 0xE000]
KEYS = ["".join(CHARACTERS[n : n + 64]) for n in range(0, len(CHARACTERS), 64)]
MOMENTS = [
    datetime(2026, 11, 21, 9, 30, 0, 5, tzinfo=UTC),
    datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2028, 2, 29, tzinfo=UTC),
]


@pytest.fixture
async def room(database: Database) -> RoomId:
    """A room with a log of more than two pages."""
    ada = await new_person(database)
    room_id = await new_room(database, ada)
    async with open_book(database) as book:
        await book.all_at_once(*(say(room_id, ada, f"Message {n}") for n in range(EVENTS)))
    return room_id


async def read_all(
    database: Database, room: RoomId, after: int, until: int, stretch_bytes: int
) -> list[bytes]:
    """Read stretch by stretch to the end."""
    reader = LogReader(database, stretch_bytes)
    events: list[bytes] = []
    while stretch := await reader.read_after(room, Seq(after), Seq(until)):
        some = payloads(stretch.frames)
        assert (stretch.first, stretch.last) == (after + 1, after + len(some))
        assert len(some) == 1 or len(stretch.frames) <= stretch_bytes
        events += some
        after = stretch.last
    return events


@pytest.mark.parametrize("after", [0, 1, PAGE_EVENTS - 1, PAGE_EVENTS, PAGE_EVENTS + 1, EVENTS])
@pytest.mark.parametrize("until", [0, EVENTS, 2 * EVENTS])
@pytest.mark.parametrize("stretch_bytes", [1, 1_000, 1_000_000])
async def test_stretches_laid_end_to_end_are_the_log(
    database: Database, room: RoomId, after: int, until: int, stretch_bytes: int
):
    """From any position, whatever fits into one; an event too big for it comes alone."""
    log = await read_log(database, room)
    assert await read_all(database, room, after, until, stretch_bytes) == log[after:]


async def test_a_replay_is_the_bytes_of_the_live_event(database: Database):
    """Which PostgreSQL puts together, and ``encode_event`` did: whatever the key and the time."""
    ada = (await new_person(database)).user_id
    room = await new_room(database)
    payload = '{"content": "\\u0041 \\"é\\" \\\\", "b":1.0, "b": null}'
    events = [(ada, key, MOMENTS[0]) for key in KEYS]
    events += [(by, None, at) for by in (ada, None) for at in MOMENTS]
    async with database.connection() as conn:
        await conn.executemany(
            "insert into room_events (room_id, seq, type, actor, key, payload, created_at)"
            " values ($1, $2, 'chat.message', $3, $4, $5, $6)",
            [(room, seq, by, key, payload, at) for seq, (by, key, at) in enumerate(events, 1)],
        )
    live = [
        text_frame(encode_event("chat.message", room, Seq(seq), at, by, key, payload.encode()))
        for seq, (by, key, at) in enumerate(events, 1)
    ]
    reader = LogReader(database, stretch_bytes=1)
    for after, frame in enumerate(live):
        stretch = await reader.read_after(room, Seq(after), Seq(len(live)))
        assert stretch is not None
        assert stretch.frames == frame


async def test_readers_at_different_positions_are_sent_the_same_bytes(
    database: Database, room: RoomId
):
    """From the second stretch on: not equal ones, but the same ones."""
    reader = LogReader(database, stretch_bytes=1_000)
    one = await reader.read_after(room, Seq(0), Seq(EVENTS))
    assert one is not None
    other = await reader.read_after(room, Seq(1), Seq(EVENTS))
    assert other is not None
    assert (other.first, other.last) == (2, one.last)
    assert payloads(other.frames) == payloads(one.frames)[1:]
    nexts = [await reader.read_after(room, some.last, Seq(EVENTS)) for some in (one, other)]
    assert nexts[0] is nexts[1]


async def test_a_page_that_has_grown_is_read_anew(database: Database, room: RoomId):
    """The last one is kept as it was, and the log goes on."""
    reader = LogReader(database)
    assert await reader.read_after(room, Seq(EVENTS), Seq(EVENTS + 1)) is None
    ada = await new_person(database)
    async with database.connection() as conn:
        await conn.execute(
            "insert into room_users (room_id, user_id) values ($1, $2)", room, ada.user_id
        )
    async with open_book(database) as book:
        await book.ledger.submit(say(room, ada, "More"))
    stretch = await reader.read_after(room, Seq(EVENTS), Seq(EVENTS + 1))
    assert stretch is not None
    assert stretch.last == EVENTS + 1


async def test_a_crowd_that_comes_back_shares_one_reading(database: Database, room: RoomId):
    """As after the death of an instance; and what is in the log never changes."""
    reader = LogReader(database)
    stretches = await asyncio.gather(
        *(reader.read_after(room, Seq(0), Seq(EVENTS)) for _ in range(200))
    )
    assert len({stretch for stretch in stretches if stretch}) == 1
    async with database.connection() as conn:
        await conn.execute("delete from room_events where room_id = $1", room)
    assert await reader.read_after(room, Seq(0), Seq(EVENTS)) == stretches[0]
    reader.clear()
    assert await reader.read_after(room, Seq(0), Seq(EVENTS)) is None


async def test_a_log_whose_beginning_is_gone_says_so(database: Database, room: RoomId):
    """Only the state helps then; a part of what was missed never does."""
    async with database.connection() as conn:
        await conn.execute("delete from room_events where room_id = $1 and seq <= 5", room)
    reader = LogReader(database, stretch_bytes=1)
    with pytest.raises(LogTrimmedError):
        await reader.read_after(room, Seq(4), Seq(EVENTS))
    stretch = await reader.read_after(room, Seq(5), Seq(EVENTS))
    assert stretch is not None
    assert stretch.last == 6


async def test_a_stretch_ends_where_it_is_told_to(database: Database, room: RoomId):
    """At any of its events, and not beyond."""
    log = await read_log(database, room)
    stretch = await LogReader(database).read_after(room, Seq(2), Seq(EVENTS))
    assert stretch is not None
    for seq in (3, 10, stretch.last, EVENTS):
        part = stretch.until(Seq(seq))
        assert (part.first, part.last) == (3, min(seq, stretch.last))
        assert payloads(part.frames) == log[2 : part.last]


async def test_forgotten_pages_are_read_anew(database: Database, room: RoomId):
    """Also when they were being read at that very moment."""
    reader = LogReader(database)
    assert await reader.read_after(room, Seq(0), Seq(1)) is not None

    async def redact() -> None:
        async with database.connection() as conn:
            await conn.execute(
                "update room_events set payload = '{}' where room_id = $1 and seq = 1", room
            )
        reader.forget(room)

    await asyncio.gather(redact(), reader.read_after(room, Seq(PAGE_EVENTS), Seq(EVENTS)))
    stretch = await reader.read_after(room, Seq(0), Seq(1))
    assert stretch is not None
    assert b"Message 0" not in stretch.frames
