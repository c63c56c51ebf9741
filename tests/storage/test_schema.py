from pathlib import Path

import asyncpg
import pytest

from gateway.storage.connection import Connection
from tests.storage.schema_description import describe

EXPECTED = Path(__file__).parent / "schema.txt"

TABLES = [
    "audit_log",
    "message_edits",
    "message_mentions",
    "message_reactions",
    "message_read_receipts",
    "messages",
    "personal_invitations",
    "poker.players",
    "poker.rounds",
    "poker.sessions",
    "poker.stories",
    "poker.votes",
    "room_bans",
    "room_events",
    "room_invitations",
    "room_mutes",
    "room_users",
    "rooms",
    "sessions",
    "sync_events",
    "sync_participants",
    "sync_sessions",
    "user_connections",
    "users",
]

DELETE_RULES = {
    "message_edits.message_id": "cascade",
    "message_mentions.message_id": "cascade",
    "message_mentions.user_id": "cascade",
    "message_reactions.message_id": "cascade",
    "message_reactions.user_id": "cascade",
    "room_bans.banned_by": "set null",
    "room_bans.room_id": "cascade",
    "room_bans.user_id": "cascade",
    "message_read_receipts.message_id": "cascade",
    "message_read_receipts.user_id": "cascade",
    "messages.reply_to": "set null",
    "messages.room_id": "cascade",
    "messages.user_id": "set null",
    "personal_invitations.invited_by": "set null",
    "personal_invitations.room_id": "cascade",
    "personal_invitations.user_id": "cascade",
    "poker.players.session_id": "cascade",
    "poker.players.user_id": "set null",
    "poker.rounds.session_id": "cascade",
    "poker.rounds.story_id": "cascade",
    "poker.sessions.current_story_id": "set null",
    "poker.sessions.host_id": "set null",
    "poker.sessions.room_id": "cascade",
    "poker.stories.session_id": "cascade",
    "poker.votes.player_id": "cascade",
    "poker.votes.session_id": "cascade",
    "poker.votes.story_id": "cascade",
    "room_invitations.created_by": "cascade",
    "room_invitations.room_id": "cascade",
    "room_mutes.room_id": "cascade",
    "room_mutes.user_id": "cascade",
    "room_users.last_read_message_id": "set null",
    "room_users.room_id": "cascade",
    "room_users.user_id": "cascade",
    "rooms.created_by": "set null",
    "sync_participants.session_id": "cascade",
    "sync_sessions.room_id": "set null",
    "user_connections.user_id": "cascade",
}


async def test_the_schema_is_the_one_written_down(conn: Connection) -> None:
    """Every table, column, default, constraint, index and enum is as in schema.txt."""
    assert await describe(conn) == EXPECTED.read_text(encoding="utf-8")


async def test_every_table_is_there(conn: Connection) -> None:
    """The migrations make the tables of the design and no others but their own."""
    rows = await conn.fetch(
        "select oid::regclass::text from pg_class where relkind = 'r' "
        "and relnamespace in ('public'::regnamespace, 'poker'::regnamespace)"
    )
    assert sorted(row[0] for row in rows) == sorted([*TABLES, "schema_migrations"])


async def test_what_a_deletion_takes_with_it(conn: Connection) -> None:
    """Every foreign key has the delete rule of the design."""
    rows = await conn.fetch(
        "select conrelid::regclass || '.' || attname as column, confdeltype::text as rule "
        "from pg_constraint join pg_attribute on attrelid = conrelid and attnum = conkey[1] "
        "where contype = 'f'"
    )
    rules = {"c": "cascade", "n": "set null"}
    assert {row["column"]: rules[row["rule"]] for row in rows} == DELETE_RULES


async def test_a_deleted_room_takes_its_log_with_it(conn: Connection) -> None:
    """And no other room's, though no foreign key ties the log to the rooms."""
    gone, other = [
        await conn.fetchval("insert into rooms (name) values ('Lobby') returning id")
        for _ in range(2)
    ]
    for room in (gone, other):
        await conn.execute(
            "insert into room_events (room_id, seq, type, payload) values ($1, 1, 'said', '{}')",
            room,
        )
    await conn.execute("delete from rooms where id = $1", gone)
    assert [row[0] for row in await conn.fetch("select room_id from room_events")] == [other]


async def test_every_foreign_key_has_an_index(conn: Connection) -> None:
    """Deleting a referenced row never scans the table that refers to it."""
    missing = await conn.fetch(
        "select conrelid::regclass::text, conname from pg_constraint where contype = 'f' "
        "and not exists (select from pg_index where indrelid = conrelid "
        "and indkey[0] = conkey[1] and (indpred is null "
        "or pg_get_expr(indpred, indrelid) like '%IS NOT NULL%'))"
    )
    assert missing == []


async def test_clock_tables_are_described(conn: Connection) -> None:
    """The audit trail of clocks explains itself: every table and column has a comment."""
    silent = await conn.fetch(
        "select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid "
        "where c.relname in ('sync_sessions', 'sync_events') and a.attnum >= 0 "
        "and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)"
    )
    assert silent == []


FORBIDDEN = {
    "users_registered_can_sign_in": "insert into users (username) values ('ada')",
    "messages_type_known": (
        "insert into messages (room_id, content, seq, message_type) "
        "values (gen_random_uuid(), '', 1, 'video')"
    ),
    "room_users_role_known": (
        "insert into room_users (room_id, user_id, role) "
        "values (gen_random_uuid(), gen_random_uuid(), 'owner')"
    ),
    "votes_confidence_range": (
        "insert into poker.votes (story_id, player_id, session_id, value, confidence) "
        "values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '5', 6)"
    ),
}


@pytest.mark.parametrize("constraint", FORBIDDEN)
async def test_checks_refuse_what_the_rules_forbid(conn: Connection, constraint: str) -> None:
    """A row against the rules is refused by the constraint named for it."""
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await conn.execute(FORBIDDEN[constraint])
    assert refused.value.constraint_name == constraint


async def test_a_guest_needs_no_password(conn: Connection) -> None:
    """A guest is a name."""
    await conn.execute("insert into users (username, is_guest) values ('katherine', true)")


async def test_a_room_has_one_game_at_a_time(conn: Connection) -> None:
    """A second active game of a room is refused; a finished one does not count."""
    room = await conn.fetchval("insert into rooms (name) values ('Lobby') returning id")
    game = (
        "insert into poker.sessions (room_id, name, is_active, expires_at) "
        "values ($1, 'Sprint', $2, now())"
    )
    await conn.execute(game, room, False)
    await conn.execute(game, room, True)
    with pytest.raises(asyncpg.UniqueViolationError):
        await conn.execute(game, room, True)
