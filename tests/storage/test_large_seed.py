"""The large seed, small: whatever its size, log, tables and counters agree."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gateway.activities.chat.messages import CHAT_EVENTS
from gateway.activities.rooms.messages import ROOM_EVENTS
from gateway.core.errors import UsernameTaken
from gateway.storage.connection import Connection
from gateway.storage.database import DatabaseSettings, direct_connection
from gateway.storage.large_seed.cast import ARCHIVE, BUSIEST, HALL, people, room_id, rooms, somebody
from gateway.storage.large_seed.sizes import SeedSize
from gateway.storage.large_seed.talk import Rows, Talk
from gateway.storage.large_seed.words import FREQUENT_WORD
from gateway.storage.large_seed.writing import COLUMNS, settle, write_large_seed
from gateway.storage.migrations import migrate_up
from gateway.storage.users import register_guest
from tests.support.databases import migrated_database

TINY = SeedSize(
    users=400,
    rooms=40,
    messages=12_000,
    hall_members=150,
    archive_messages=3_000,
    busiest_rooms=10,
)
EVENTS = {event.type: event for event in (*CHAT_EVENTS, *ROOM_EVENTS)}


@pytest.fixture(scope="module")
async def planted(postgres_url: str) -> AsyncIterator[Connection]:
    """A connection to a database with a tiny large seed, which the tests only read."""
    url = await migrated_database(postgres_url)
    async with direct_connection(DatabaseSettings(url)) as conn:
        assert await write_large_seed(conn, TINY, "hash")
        yield conn


async def test_there_is_as_much_of_everything_as_was_said(planted: Connection) -> None:
    """People, rooms, messages, and the three that stand out."""
    for table in ("users", "rooms", "messages"):
        assert await _count(planted, table) == getattr(TINY, table)
    members = "select count(*) from room_users where room_id = $1"
    assert await planted.fetchval(members, room_id(HALL)) == TINY.hall_members
    messages = "select message_count from rooms where id = $1"
    assert await planted.fetchval(messages, room_id(ARCHIVE)) == TINY.archive_messages
    memberships = await planted.fetch(
        "select user_id from room_users group by user_id having count(*) >= $1", TINY.busiest_rooms
    )
    assert somebody(BUSIEST).id in {row["user_id"] for row in memberships}


async def test_there_is_something_of_every_kind(planted: Connection) -> None:
    """Edits, reactions, mentions, receipts, replies, tombstones and images; frequent words."""
    for table in COLUMNS:
        assert await _count(planted, table) > 0
    for condition in (
        "reply_to is not null",
        "deleted_at is not null",
        "message_type = 'image'",
        f"search @@ '{FREQUENT_WORD}'",
    ):
        assert await _count(planted, f"messages where {condition}") > 20


async def test_planted_events_are_events_of_the_protocol(planted: Connection) -> None:
    """Every payload is valid for its type, with no field missing or left over."""
    rows = await planted.fetch("select type, payload from room_events")
    for row in rows:
        event = EVENTS[row["type"]].model_validate_json(row["payload"])
        assert event.model_dump(mode="json") == orjson.loads(row["payload"])
    assert {row["type"] for row in rows} == {
        *("member.joined", "member.role_changed", "chat.message", "chat.edited", "chat.deleted"),
        *("chat.marked", "reaction.added"),
    }


async def _count(conn: Connection, what: str) -> int:
    return await conn.fetchval(f"select count(*) from {what}")  # noqa: S608 - the test's own words


DISAGREEMENTS = {
    "a log with gaps, or one that does not end at last_seq": """
        select r.id from rooms r join room_events e on e.room_id = r.id
        group by r.id
        having count(*) <> r.last_seq or max(e.seq) <> r.last_seq or min(e.seq) <> 1""",
    "a log that goes back in time, or into the future": """
        select from (
            select created_at - lag(created_at) over (partition by room_id order by seq) as step,
                created_at
            from room_events
        ) e where step <= interval '0' or created_at > now()""",
    "a message count that counts something else": """
        select from rooms r
        where message_count <> (select count(*) from messages m where m.room_id = r.id)""",
    "a message whose number is not its place": """
        select from (
            select number, row_number() over (partition by room_id order by seq) as place
            from messages
        ) m where number <> place""",
    "a message that its event tells differently": """
        select from messages m
        full join (select * from room_events where type = 'chat.message') e
            on e.room_id = m.room_id and e.seq = m.seq
        where (e.payload ->> 'id')::uuid is distinct from m.id
            or (e.payload ->> 'number')::bigint is distinct from m.number
            or e.actor is distinct from m.user_id
            or e.created_at is distinct from m.created_at
            or (e.payload ->> 'reply_to')::uuid is distinct from m.reply_to
            or (e.payload ->> 'attachment')::jsonb is distinct from m.attachment
            or array(select json_array_elements_text(e.payload -> 'mentions')::uuid)
                is distinct from m.mentions
            or e.payload ->> 'content' is distinct from coalesce(
                (select content from message_edits d where d.message_id = m.id), m.content)""",
    "an edit that its event tells differently": """
        select from messages m
        join message_edits d on d.message_id = m.id
        left join room_events e
            on e.room_id = m.room_id and e.seq = d.seq and e.type = 'chat.edited'
        where (e.payload ->> 'message_id')::uuid is distinct from m.id
            or e.payload ->> 'content' is distinct from m.content
            or e.created_at is distinct from m.edited_at""",
    "an edited message without its edit": """
        select from messages m
        where is_edited <> exists (select from message_edits d where d.message_id = m.id)""",
    "a tombstone that no event tells of, or that still says something": """
        select from messages m
        left join room_events e on e.room_id = m.room_id and e.type = 'chat.deleted'
            and (e.payload ->> 'message_id')::uuid = m.id
        where (m.deleted_at is distinct from e.created_at)
            or m.deleted_at is not null and (content, mentions) <> ('', '{}')""",
    "a reaction that is in the log or in the table only": """
        select from message_reactions r
        join messages m on m.id = r.message_id
        full join (select * from room_events where type = 'reaction.added') e
            on e.room_id = m.room_id and e.actor = r.user_id
            and (e.payload ->> 'message_id')::uuid = m.id and e.payload ->> 'emoji' = r.emoji
        where r.message_id is null or e.seq is null""",
    "mentions that are not those of the message": """
        select from messages m
        where array(select user_id from message_mentions n where n.message_id = m.id
                    and n.seq = m.seq and n.room_id = m.room_id order by user_id)
            <> array(select unnest(m.mentions) order by 1)""",
    "a mention of a stranger": """
        select from message_mentions n
        where not exists (
            select from room_users u where u.room_id = n.room_id and u.user_id = n.user_id)""",
    "a reply to a reply, or to another room": """
        select from messages m join messages r on r.id = m.reply_to
        where r.reply_to is not null or r.room_id <> m.room_id or r.seq >= m.seq""",
    "a member whose role or coming the log does not tell": """
        select from room_users m
        full join (
            select distinct on (room_id, payload -> 'user' ->> 'id')
                room_id, (payload -> 'user' ->> 'id')::uuid as user_id, payload ->> 'role' as role
            from room_events where type in ('member.joined', 'member.role_changed')
            order by room_id, payload -> 'user' ->> 'id', seq desc
        ) e on e.room_id = m.room_id and e.user_id = m.user_id
        where e.role is distinct from m.role""",
    "a room without an admin, or made by somebody else": """
        select from rooms r
        where not exists (select from room_users m where m.room_id = r.id
                          and m.user_id = r.created_by and m.role = 'admin')""",
    "a read count that is not the number of messages up to the marker": """
        select from room_users m
        where read_count <> (select count(*) from messages
                             where room_id = m.room_id and seq <= m.last_read_seq)""",
    "a marker behind one's own message, or beyond the log": """
        select from room_users m join rooms r on r.id = m.room_id
        where last_read_seq > r.last_seq or last_read_seq < (
            select max(seq) from messages where room_id = m.room_id and user_id = m.user_id)""",
    "a marker that somebody was told of differently": """
        select from room_events e
        left join message_read_receipts s on s.room_id = e.room_id and s.user_id = e.actor
            and s.seq = (e.payload ->> 'up_to')::bigint
        join room_users m on m.room_id = e.room_id and m.user_id = e.actor
        where e.type = 'chat.marked' and (
            s.read_at is distinct from e.created_at or m.last_read_seq < s.seq)""",
}


@pytest.mark.parametrize("disagreement", DISAGREEMENTS)
async def test_log_tables_and_counters_agree(planted: Connection, disagreement: str) -> None:
    """What the log tells and what the tables say is the same."""
    assert await planted.fetch(DISAGREEMENTS[disagreement]) == []


async def test_planting_twice_adds_nothing_the_second_time(planted: Connection) -> None:
    """The second run says that it is there."""
    assert not await write_large_seed(planted, TINY, "hash")
    await settle(planted)
    assert await _count(planted, "messages") == TINY.messages


async def test_the_same_every_time() -> None:
    """Ids, texts and whatever happens follow from the size alone; times end now."""
    assert _all_rows(TINY) == _all_rows(TINY)


def _all_rows(size: SeedSize) -> dict[str, list[Any]]:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    rows, everybody = Rows(), people(size)
    for room in rooms(size):
        for _ in Talk(room, [everybody[number] for number in room.members], rows, now).go_on():
            pass
    return {table: getattr(rows, table) for table in COLUMNS}


async def test_an_interrupted_run_leaves_nothing(empty: Connection) -> None:
    """However far it came."""
    await migrate_up(empty)
    told = []

    def interrupt(messages: int) -> None:
        told.append(messages)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await write_large_seed(empty, TINY, "hash", interrupt)
    assert told[0] > 0
    for table in ("users", "rooms", *COLUMNS):
        assert await _count(empty, table) == 0


async def test_a_taken_name_is_said_and_nothing_is_added(empty: Connection) -> None:
    """Somebody may be called like one of a hundred thousand."""
    await migrate_up(empty)
    await register_guest(empty, username=somebody(7).name, avatar_url=None)
    with pytest.raises(UsernameTaken):
        await write_large_seed(empty, TINY, "hash")
    assert await _count(empty, "users") == 1
