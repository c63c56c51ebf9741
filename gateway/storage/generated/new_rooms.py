"""Typed functions for queries/new_rooms.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from typing import Final

from gateway.core.ids import RoomId, UserId
from gateway.storage.connection import Connection
from gateway.storage.sql import affected_rows, sql_of

_SQL: Final = sql_of("new_rooms")


async def begin_log(
    conn: Connection,
    *,
    type: str,
    actor: UserId,
    payload: str,
    room_id: RoomId,
) -> int:
    """Event 1 of a room made in this same transaction, so nobody else can write to its log yet.
    Primary keys.
    """
    answer = await conn.execute(
        _SQL["begin_log"],
        type,
        actor,
        payload,
        room_id,
    )
    return affected_rows(answer)
