"""Typed functions for queries/retention.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from datetime import datetime
from typing import Final, NamedTuple

from gateway.core.ids import RoomId, Seq
from gateway.storage.connection import Connection
from gateway.storage.sql import affected_rows, sql_of

_SQL: Final = sql_of("retention")


class LockDueRoomRow(NamedTuple):
    id: RoomId
    log_start: Seq
    last_seq: Seq
    keeps_since: datetime


async def find_due_rooms(
    conn: Connection,
    *,
    max_rooms: int,
) -> list[RoomId]:
    """Rooms whose oldest event is older than they keep. Partial index rooms_retention_idx, then one look
    into the log for each.
    """
    answer = await conn.fetch(
        _SQL["find_due_rooms"],
        max_rooms,
    )
    return [record[0] for record in answer]


async def lock_due_room(
    conn: Connection,
    *,
    room_id: RoomId,
) -> LockDueRoomRow | None:
    """A room in which something may be deleted. One that somebody else is at is left alone: it will be
    found again. Primary key.
    """
    answer = await conn.fetchrow(
        _SQL["lock_due_room"],
        room_id,
    )
    return None if answer is None else LockDueRoomRow(*answer)


async def find_last_due(
    conn: Connection,
    *,
    room_id: RoomId,
    log_start: Seq,
    max_events: int,
    keeps_since: datetime,
) -> Seq | None:
    """The last of the oldest events that the room does not keep. Primary key of room_events."""
    answer: Seq | None = await conn.fetchval(
        _SQL["find_last_due"],
        room_id,
        log_start,
        max_events,
        keeps_since,
    )
    return answer


async def delete_before(
    conn: Connection,
    *,
    room_id: RoomId,
    log_start: Seq,
    last_due: Seq,
) -> int:
    """Deletes events and messages up to last_due, and counts them as read by everybody. What belongs to
    the messages goes with them. Primary key of room_events, index messages (room_id, seq).
    """
    answer = await conn.execute(
        _SQL["delete_before"],
        room_id,
        log_start,
        last_due,
    )
    return affected_rows(answer)
