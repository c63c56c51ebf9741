"""Plans with thousands of rows of everything: no named query reads a whole table."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest

from gateway.storage.connection import Connection
from gateway.storage.database import DatabaseSettings, direct_connection
from gateway.storage.large_seed.sizes import MEDIUM, SeedSize
from gateway.storage.large_seed.writing import write_large_seed
from gateway.storage.resources import QUERIES
from gateway.storage.sql import Query, read_queries
from gateway.storage.transactions import transaction
from tests.support.databases import migrated_database

pytestmark = pytest.mark.slow

FILL = """
    -- The rows fit each other; checking that would take longer than writing them.
    set session_replication_role = replica;

    -- What is rare in the seed: as much of it as there are messages.
    insert into message_edits (message_id, seq, content)
    select id, seq, content from messages on conflict do nothing;
    insert into message_reactions (message_id, user_id, emoji)
    select id, user_id, 'x' from messages on conflict do nothing;
    insert into message_mentions (user_id, room_id, seq, message_id)
    select user_id, room_id, seq, id from messages on conflict do nothing;
    insert into message_read_receipts (message_id, user_id, room_id, seq)
    select id, user_id, room_id, seq from messages on conflict do nothing;
    update messages set deleted_at = created_at where number % 20 = 0;
    update room_events set key = seq::text where type = 'chat.message';

    -- What the seed leaves out.
    insert into user_connections (user_id, instance_id)
    select id, 'instance ' || row_number() over () % 40 from users;
    insert into room_bans (room_id, user_id) select room_id, user_id from room_users;
    insert into room_mutes (room_id, user_id, until)
    select room_id, user_id, now() + interval '1 day' from room_users;
    insert into personal_invitations (room_id, user_id, invited_by, expires_at)
    select room_id, user_id, user_id, now() + interval '1 day' from room_users;
    insert into room_invitations (token_hash, room_id, created_by, expires_at)
    select md5(id::text), id, created_by, now() + interval '1 day' from rooms;
    insert into sessions (sid, sess, expire)
    select md5(id::text), jsonb_build_object('user_id', id), now() + interval '1 day' from users;
    insert into poker.sessions (room_id, name, expires_at)
    select id, 'game', now() from rooms;
    insert into poker.stories (session_id, title)
    select id, 'story' from poker.sessions;
    insert into poker.players (session_id, name, user_id)
    select g.id, m.user_id, m.user_id
    from poker.sessions g join room_users m on m.room_id = g.room_id;
    insert into poker.votes (story_id, player_id, session_id, value)
    select s.id, p.id, p.session_id, '5'
    from poker.stories s join poker.players p on p.session_id = s.session_id;
    insert into poker.rounds (story_id, session_id, round_number, votes, statistics)
    select s.id, s.session_id, n, '[]', '{}' from poker.stories s, generate_series(1, 2) n;
"""

FEW = SeedSize(users=10, rooms=4, messages=30, hall_members=6, archive_messages=10, busiest_rooms=3)

NAMED = [
    pytest.param(query, id=f"{path.stem}.{query.name}")
    for path in sorted(QUERIES.glob("*.sql"))
    for query in read_queries(path)
]


WHOLE_ON_PURPOSE = {"log.start_epoch"}  # every room, once after a restored backup

WHOLE_INDEX = {
    "instances_with_people": "one row of it at a time, each the first after the one before",
    "find_due_rooms": "a partial index, which has nothing but the rooms in question",
}
"""Why a query may go along an index without looking anything up there."""

MANY_ROWS = 1_500
"""So many that PostgreSQL would rather not read them all for one."""


@pytest.fixture(scope="module")
async def filled(postgres_url: str) -> AsyncIterator[Connection]:
    """A connection to a database with thousands of rows, on which plans know no values."""
    url = await migrated_database(postgres_url)
    async with direct_connection(DatabaseSettings(url)) as conn:
        await write_large_seed(conn, MEDIUM, "hash")
        await _fill(conn)
        # What a prepared statement gets after five executions, in the pool's connections.
        await conn.execute("set plan_cache_mode = force_generic_plan")
        yield conn


@pytest.fixture(scope="module")
async def small(postgres_url: str) -> AsyncIterator[Connection]:
    """A connection to a database whose tables have a page or two, and are known to have."""
    async with direct_connection(DatabaseSettings(await migrated_database(postgres_url))) as conn:
        await write_large_seed(conn, FEW, "hash")
        await _fill(conn)
        yield conn


async def _fill(conn: Connection) -> None:
    await conn.execute(FILL)
    await conn.execute("vacuum analyze")


async def _plan(conn: Connection, query: Query) -> dict[str, Any]:
    await conn.execute(f"prepare planned as {query.sql}")
    try:
        values = f"({', '.join('null' for _ in query.parameters)})" if query.parameters else ""
        text = await conn.fetchval(f"explain (verbose, format json) execute planned{values}")
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
    """Every access to a table goes through an index, and knows what it looks for there."""
    assert _read_whole(await _plan(filled, query), query) == []


async def test_the_tables_of_all_queries_have_many_rows(filled: Connection) -> None:
    """Of an empty table every plan is as good as any other: whoever adds one fills it above."""
    plans = [await _plan(filled, param.values[0]) for param in NAMED]
    used = {
        f"{node['Schema']}.{node['Relation Name']}"
        for plan in plans
        for node in _nodes(plan)
        if "Relation Name" in node and node["Node Type"] != "ModifyTable"
    }
    found = await filled.fetch(
        "select relnamespace::regnamespace || '.' || relname as name, reltuples"
        " from pg_class where relkind = 'r'"
    )
    rows = {row["name"]: row["reltuples"] for row in found}
    assert {table for table in used if rows[table] < MANY_ROWS} == set()


@pytest.mark.parametrize("query", [query for query in NAMED if query.id not in WHOLE_ON_PURPOSE])
async def test_a_plan_from_when_tables_were_small_stays_right(
    small: Connection, query: Query
) -> None:
    """In a transaction every statement looks each key up, however the tables have grown since."""
    async with transaction(small):
        plan = await _plan(small, query)
    assert _read_whole(plan, query) == []


def _read_whole(plan: dict[str, Any], query: Query) -> list[str]:
    """Return the tables that are gone through."""
    scans = [node for node in _nodes(plan) if node["Node Type"].endswith("Scan")]
    return [
        node["Relation Name"]
        for node in scans
        if "Relation Name" in node
        and not _looks_up(node)
        and not (query.name in WHOLE_INDEX and "Index Name" in node)
    ]


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
        ("invitations.delete_expired_links", "room_invitations_expires_at_idx"),
        (
            "invitations.delete_expired_personal_invitations",
            "personal_invitations_expires_at_idx",
        ),
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
