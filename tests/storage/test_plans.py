"""Plans on some thousand rows: no named query reads a whole table."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest

from gateway.storage.connection import Connection
from gateway.storage.database import DatabaseSettings, direct_connection
from gateway.storage.resources import QUERIES
from gateway.storage.sql import Query, read_queries
from gateway.storage.transactions import transaction
from tests.support.databases import migrated_database

pytestmark = pytest.mark.slow

# Each room has four members, four events, four messages and one game.
FILL = """
    -- The rows fit each other; checking that would take longer than writing them.
    set session_replication_role = replica;

    insert into users (username, email, password_hash)
    select 'user' || n, 'user' || n || '@example.com', '' from generate_series(1, 4000) n;
    insert into user_connections (user_id, instance_id)
    select id, 'instance ' || row_number() over () % 40 from users;

    insert into rooms (name, is_private, is_archived, created_by)
    select 'room ' || n % 2500, n % 10 = 0, n % 11 = 0, u.id
    from generate_series(1, 3000) n join users u on u.username = 'user' || n;

    create temporary table places as
    select r.id as room_id, u.id as user_id, gen_random_uuid() as message_id, seq
    from (select id, row_number() over () as n from rooms) r
    cross join generate_series(1, 4) seq
    join (select id, row_number() over () as n from users) u
        on u.n = (r.n * 7 + seq * 13) % 4000 + 1;

    insert into room_users (room_id, user_id) select room_id, user_id from places;
    insert into messages (id, room_id, user_id, content, seq)
    select message_id, room_id, user_id, 'hello', seq from places;
    insert into room_events (room_id, seq, type, actor, key, payload)
    select room_id, seq, 'chat.message', user_id, 'key' || seq, '{}' from places;
    insert into room_invitations (token_hash, room_id, created_by, expires_at)
    select md5(id::text), id, created_by, now() + interval '1 day' from rooms;
    insert into message_reactions (message_id, user_id, emoji)
    select message_id, user_id, '👍' from places;
    insert into message_mentions (user_id, room_id, seq, message_id)
    select user_id, room_id, seq, message_id from places;
    insert into room_bans (room_id, user_id) select room_id, user_id from places;
    insert into message_edits (message_id, seq, content) select message_id, 1, '' from places;
    insert into message_read_receipts (message_id, user_id, room_id, seq)
    select message_id, user_id, room_id, seq from places;
    insert into personal_invitations (room_id, user_id, invited_by, expires_at)
    select r.id, p.user_id, r.created_by, now() + interval '1 day'
    from rooms r join places p on p.room_id = r.id and p.seq = 1;
    insert into sessions (sid, sess, expire)
    select md5(id::text), jsonb_build_object('user_id', id), now() + interval '1 day' from users;
    insert into poker.sessions (room_id, name, expires_at)
    select id, 'game', now() from rooms;
    insert into poker.stories (session_id, title)
    select id, 'story' from poker.sessions;
    insert into poker.players (session_id, name, user_id)
    select g.id, p.user_id, p.user_id from poker.sessions g join places p on p.room_id = g.room_id;
    insert into poker.votes (story_id, player_id, session_id, value)
    select s.id, p.id, p.session_id, '5'
    from poker.stories s join poker.players p on p.session_id = s.session_id;
    insert into poker.rounds (story_id, session_id, round_number, votes, statistics)
    select s.id, s.session_id, n, '[]', '{}' from poker.stories s, generate_series(1, 2) n;
    analyze;
"""

NAMED = [
    pytest.param(query, id=f"{path.stem}.{query.name}")
    for path in sorted(QUERIES.glob("*.sql"))
    for query in read_queries(path)
]


WHOLE_ON_PURPOSE = {"log.start_epoch"}  # every room, once after a restored backup


@pytest.fixture(scope="module")
async def filled(postgres_url: str) -> AsyncIterator[Connection]:
    """A connection to a database with thousands of rows, on which plans know no values."""
    url = await migrated_database(postgres_url)
    async with direct_connection(DatabaseSettings(url)) as conn:
        await conn.execute(FILL)
        # What a prepared statement gets after five executions, in the pool's connections.
        await conn.execute("set plan_cache_mode = force_generic_plan")
        yield conn


@pytest.fixture(scope="module")
async def small(postgres_url: str) -> AsyncIterator[Connection]:
    """A connection to a database whose tables have a page or two, and are known to have."""
    async with direct_connection(DatabaseSettings(await migrated_database(postgres_url))) as conn:
        await conn.execute(FILL.replace("000", ""))
        yield conn


async def _plan(conn: Connection, query: Query) -> dict[str, Any]:
    await conn.execute(f"prepare planned as {query.sql}")
    try:
        values = f"({', '.join('null' for _ in query.parameters)})" if query.parameters else ""
        text = await conn.fetchval(f"explain (format json) execute planned{values}")
    finally:
        await conn.execute("deallocate planned")
    return orjson.loads(text)[0]["Plan"]


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _indexes(node: dict[str, Any]) -> set[str]:
    return {found["Index Name"] for found in _nodes(node) if "Index Name" in found}


@pytest.mark.parametrize("query", [query for query in NAMED if query.id not in WHOLE_ON_PURPOSE])
async def test_no_query_reads_a_whole_table(filled: Connection, query: Query) -> None:
    """Every access to a table goes through an index."""
    scans = [n for n in _nodes(await _plan(filled, query)) if n["Node Type"] == "Seq Scan"]
    assert [scan["Relation Name"] for scan in scans] == []


HOT = {
    *("log.lock_rooms", "log.find_standing", "log.append_events", "log.read_rooms_for"),
    *("messages.insert_messages", "messages.newest_messages", "messages.find_roots"),
    *("messages.find_members", "messages.read_marks", "messages.move_markers"),
    *("rooms.add_members", "rooms.read_bans"),
    *("inbox.read_memberships", "inbox.read_invitations"),
    *("poker.active_games", "poker.votes_of", "poker.cast_votes"),
}


@pytest.mark.parametrize("query", [query for query in NAMED if query.id in HOT])
async def test_a_plan_from_when_tables_were_small_stays_right(
    small: Connection, query: Query
) -> None:
    """What a busy room's commands and joins run looks each key up, however the tables grow."""
    async with transaction(small):
        plan = await _plan(small, query)
    scans = [node for node in _nodes(plan) if node["Node Type"].endswith("Scan")]
    whole = [n.get("Relation Name") for n in scans if "Relation Name" in n and not _looks_up(n)]
    assert whole == []


def _looks_up(node: dict[str, Any]) -> bool:
    """Whether a scan of a table knows what it looks for, by itself or by what is below it."""
    return any("Index Cond" in below or "TID Cond" in below for below in _nodes(node))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("users.get_user_by_email", "users_email_key"),
        ("rooms.list_public_rooms", "rooms_directory_idx"),
        ("rooms.oldest_public_room", "rooms_name_idx"),
        ("history.messages_before", "messages_room_id_seq_key"),
        ("history.messages_after", "messages_room_id_seq_key"),
        ("history.seq_at", "messages_room_id_seq_key"),
        ("history.message_ends", "messages_room_id_seq_key"),
        ("history.replies_after", "messages_reply_to_idx"),
        ("history.search_messages", "messages_search_idx"),
        ("history.list_members", "room_users_joined_at_idx"),
        ("history.list_bans", "room_bans_pkey"),
        ("history.read_receipts", "message_read_receipts_marker_idx"),
        ("inbox.read_memberships", "room_users_user_id_idx"),
        ("inbox.read_memberships", "messages_deleted_idx"),
        ("sessions.find_sessions", "sessions_pkey"),
        ("sessions.find_ended_sessions", "sessions_pkey"),
        ("accounts.end_other_sessions", "sessions_user_id_idx"),
        ("accounts.list_sessions", "sessions_user_id_idx"),
        ("accounts.end_session", "sessions_user_id_idx"),
        ("users.find_external_users", "users_external_id_key"),
        ("sessions.delete_expired_sessions", "sessions_expire_idx"),
    ],
)
async def test_a_query_uses_the_index_made_for_it(
    filled: Connection, query: str, index: str
) -> None:
    """An index that no plan uses would only cost."""
    [found] = [param.values[0] for param in NAMED if param.id == query]
    assert index in _indexes(await _plan(filled, found))


@pytest.mark.parametrize(
    "query",
    [
        *("rooms.list_public_rooms", "history.messages_before", "history.messages_after"),
        *("history.seq_at", "history.replies_after", "history.list_members"),
    ],
)
async def test_a_page_is_not_sorted(filled: Connection, query: str) -> None:
    """The index gives the order, so a page costs the page and not the whole list."""
    [found] = [param.values[0] for param in NAMED if param.id == query]
    assert "Sort" not in {node["Node Type"] for node in _nodes(await _plan(filled, found))}
