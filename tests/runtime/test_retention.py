"""What rooms do not keep is deleted, on a real PostgreSQL."""

import asyncio
from uuid import uuid4

import pytest

from gateway.activities.chat.messages import ChatRead, ChatSend, ReactionAdd
from gateway.core.identity import Identity
from gateway.core.ids import Position, RoomId, Seq
from gateway.core.resume import Resume
from gateway.runtime import retention as retention_module
from gateway.runtime.retention import Retention
from gateway.runtime.room_reader import RoomReader
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from tests.activities.talk import Talk
from tests.support.ledgers import new_person, new_room, open_book


async def old_talk(
    database: Database, *people: Identity, messages: int = 10, old: int = 6, days: int | None = 30
) -> RoomId:
    """Make a room that keeps so many days, of whose events the first are older."""
    room_id = await new_room(database, *people)
    async with open_book(database) as book:
        talk = Talk(database, book, room_id)
        for number in range(messages):
            await talk.say(people[0], f"Message {number}")
    async with database.connection() as conn:
        await conn.execute("update rooms set retention_days = $2 where id = $1", room_id, days)
        await conn.execute(
            "update room_events set created_at = now() - interval '31 days' "
            "where room_id = $1 and seq <= $2",
            room_id,
            old,
        )
    return room_id


async def seqs(database: Database, table: str, room_id: RoomId) -> list[int]:
    """Return the numbers that a table has of a room."""
    async with database.connection() as conn:
        rows = await conn.fetch(
            f"select seq from {table} where room_id = $1 order by seq",  # noqa: S608 - our tables
            room_id,
        )
    return [row["seq"] for row in rows]


async def test_what_is_older_goes_and_the_rest_stays(database: Database):
    """Messages and log alike; another room, which keeps everything, stays whole."""
    ada = await new_person(database)
    room_id = await old_talk(database, ada)
    forever = await old_talk(database, ada, days=None)
    assert await Retention(database).delete_due() == 6
    for table in ("room_events", "messages"):
        assert await seqs(database, table, room_id) == [7, 8, 9, 10]
        assert await seqs(database, table, forever) == [*range(1, 11)]
    assert await Retention(database).delete_due() == 0


async def test_what_nobody_can_read_any_more_is_not_unread(database: Database):
    """Who had read farther keeps their marker."""
    ada, grace, alan = [await new_person(database, name) for name in ("Ada", "Grace", "Alan")]
    room_id = await old_talk(database, ada, grace, alan)
    async with open_book(database) as book:
        talk = Talk(database, book, room_id)
        await talk.do(ChatRead, alan, seq=8)
        await Retention(database).delete_due()
        assert (await talk.unread(grace), await talk.unread(alan)) == (4, 2)
        await talk.do(ChatSend, ada, content="And on")
        assert (await talk.message_count(), await talk.unread(grace)) == (11, 5)


async def test_whoever_comes_back_from_before_gets_a_snapshot(database: Database):
    """Never a part of what they missed."""
    ada = await new_person(database)
    room_id = await old_talk(database, ada)
    await Retention(database).delete_due()
    supervisor = Supervisor()
    reader = RoomReader(database, supervisor)
    answers = {}
    for since in (0, 5, 6, 9, 10):
        reading = await reader.read(room_id, ada, Position(1, Seq(since)))
        assert reading is not None
        answers[since] = reading.resume
    await supervisor.stop()
    assert answers == {
        0: Resume.SNAPSHOT,
        5: Resume.SNAPSHOT,
        6: Resume.REPLAY,
        9: Resume.REPLAY,
        10: Resume.UP_TO_DATE,
    }


async def test_a_log_may_go_altogether_and_goes_on(database: Database):
    """The numbers do not begin anew, and a thread's root may be gone."""
    ada = await new_person(database)
    room_id = await old_talk(database, ada, old=10)
    assert await Retention(database).delete_due() == 10
    async with open_book(database) as book:
        talk = Talk(database, book, room_id)
        assert (await talk.do(ChatSend, ada, content="And on")).seq == 11
        (message,) = await talk.rows("select * from messages where room_id = $1", room_id)
        await talk.do(ReactionAdd, ada, message_id=str(message["id"]), emoji="👍")
    assert await seqs(database, "room_events", room_id) == [11, 12]
    assert message["number"] == 11


async def test_many_instances_delete_once_and_little_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """Together they get through with everything."""
    monkeypatch.setattr(retention_module, "MAX_EVENTS", 2)
    ada = await new_person(database)
    rooms = [await old_talk(database, ada) for _ in range(3)]
    deleted = await asyncio.gather(*(Retention(database).delete_due() for _ in range(4)))
    deleted.append(await Retention(database).delete_due())
    assert sum(deleted) == 18
    for room_id in rooms:
        assert await seqs(database, "messages", room_id) == [7, 8, 9, 10]


async def test_a_room_that_is_being_written_is_left_for_the_next_time(database: Database):
    """Nobody waits for anybody."""
    ada = await new_person(database, uuid4().hex)
    room_id = await old_talk(database, ada)
    async with database.transaction() as conn:
        await conn.execute("select from rooms where id = $1 for no key update", room_id)
        assert await Retention(database).delete_due() == 0
    assert await Retention(database).delete_due() == 6
