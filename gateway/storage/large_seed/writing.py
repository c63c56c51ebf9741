"""Puts the large seed into the database: all of it, or nothing."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from gateway.storage.connection import Connection
from gateway.storage.generated import rooms as room_queries
from gateway.storage.generated import seed as queries
from gateway.storage.large_seed.cast import (
    HALL,
    RoomPlan,
    Somebody,
    people,
    room_id,
    rooms,
    user_id,
)
from gateway.storage.large_seed.sizes import SeedSize
from gateway.storage.large_seed.talk import Rows, Talk
from gateway.storage.users import taken_mapped

_BATCH: Final = 10_000
"""Events, written at once: some ten megabytes of memory."""

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "room_events": ("room_id", "seq", "type", "actor", "payload", "created_at"),
    "messages": (
        *("id", "room_id", "user_id", "content", "seq", "number", "message_type", "attachment"),
        *("reply_to", "mentions", "is_edited", "edited_at", "deleted_at"),
        *("created_at", "updated_at"),
    ),
    "message_edits": ("message_id", "seq", "content", "edited_at"),
    "message_reactions": ("message_id", "user_id", "emoji", "created_at"),
    "message_mentions": ("user_id", "room_id", "seq", "message_id"),
    "message_read_receipts": ("message_id", "user_id", "room_id", "seq", "read_at"),
    "room_users": (
        *("room_id", "user_id", "role", "last_read_message_id", "read_count", "last_read_seq"),
        "joined_at",
    ),
}
"""The tables in the order in which they are written: what others refer to comes first."""

_USER_COLUMNS: Final = ("id", "email", "username", "is_guest", "password_hash")
_ROOM_COLUMNS: Final = (
    *("id", "name", "description", "is_private", "is_archived", "created_by"),
    *("created_at", "updated_at"),
)

_SETTLE: Final = f"vacuum (analyze) users, rooms, {', '.join(COLUMNS)}"


async def write_large_seed(
    conn: Connection,
    size: SeedSize,
    password_hash: str,
    report: Callable[[int], None] = lambda _messages: None,
) -> bool:
    """Add everything in one transaction; return whether it was missing.

    ``report`` is called with the number of messages written so far. Whatever
    ends it early (a signal, a lost connection, a taken name), nothing of it is
    there. Raises ``EmailTaken`` or ``UsernameTaken`` when somebody else has a
    name of the example's.
    """
    now = datetime.now(UTC)
    async with conn.transaction():
        await queries.lock_seed(conn)
        if await room_queries.get_room(conn, room_id=room_id(HALL)):
            return False
        everybody = people(size)
        with taken_mapped():
            await _write_users(conn, everybody, password_hash)
        plans = list(rooms(size))
        await _write_rooms(conn, plans, now)
        await _write_talk(conn, plans, everybody, now, report)
    return True


async def settle(conn: Connection) -> None:
    """Do at once what PostgreSQL would do by itself minutes after so much was written.

    It sorts in what waits in the search index, notes which pages everybody may
    see, and learns how the values are spread.
    """
    await conn.execute(_SETTLE)


async def _write_users(conn: Connection, everybody: list[Somebody], password_hash: str) -> None:
    await conn.copy_records_to_table(
        "users",
        columns=_USER_COLUMNS,
        records=(
            (who.id, who.email, who.name, who.email is None, password_hash if who.email else None)
            for who in everybody
        ),
    )


async def _write_rooms(conn: Connection, plans: Sequence[RoomPlan], now: datetime) -> None:
    """Write the rooms as they are before anything happens: their totals come later."""
    await conn.copy_records_to_table(
        "rooms",
        columns=_ROOM_COLUMNS,
        records=(
            (
                *(room.id, room.name, f"Everything about {room.name.lower()}."),
                *(room.is_private, room.is_archived, user_id(room.members[0])),
                *(now - room.age, now - room.age),
            )
            for room in plans
        ),
    )


async def _write_talk(
    conn: Connection,
    plans: Sequence[RoomPlan],
    everybody: Sequence[Somebody],
    now: datetime,
    report: Callable[[int], None],
) -> None:
    messages = 0
    rows = Rows()
    for room in plans:
        talk = Talk(room, [everybody[number] for number in room.members], rows, now)
        for _ in talk.go_on():
            if len(rows.room_events) >= _BATCH:
                messages += len(rows.messages)
                await _write_rows(conn, rows)
                report(messages)
                rows.clear()
    await _write_rows(conn, rows)
    report(messages + len(rows.messages))


async def _write_rows(conn: Connection, rows: Rows) -> None:
    for table, columns in COLUMNS.items():
        await conn.copy_records_to_table(table, columns=columns, records=getattr(rows, table))
    if rows.totals:
        ids, last_seqs, message_counts, times = zip(*rows.totals, strict=True)
        await queries.seed_totals(
            conn, ids=ids, last_seqs=last_seqs, message_counts=message_counts, times=times
        )
