"""Typed functions for queries/members.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from datetime import datetime
from typing import Final, NamedTuple

from gateway.core.ids import RoomId, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated.tables import RoomRow
from gateway.storage.sql import affected_rows, sql_of, the_row

_SQL: Final = sql_of("members")


class FindPersonRow(NamedTuple):
    id: UserId
    username: str
    avatar_url: str | None
    role: str | None
    muted_until: datetime | None


async def find_person(
    conn: Connection,
    *,
    room_id: RoomId,
    user_id: UserId,
) -> FindPersonRow | None:
    """Somebody, and their role in the room: null for who is not a member. Primary keys."""
    answer = await conn.fetchrow(
        _SQL["find_person"],
        room_id,
        user_id,
    )
    return None if answer is None else FindPersonRow(*answer)


async def count_admins(
    conn: Connection,
    *,
    room_id: RoomId,
) -> int:
    """Primary key, all of the room's: rare."""
    answer = await conn.fetchrow(
        _SQL["count_admins"],
        room_id,
    )
    first: int = the_row(answer)[0]
    return first


async def set_role(
    conn: Connection,
    *,
    role: str,
    room_id: RoomId,
    user_id: UserId,
) -> int:
    """Primary key."""
    answer = await conn.execute(
        _SQL["set_role"],
        role,
        room_id,
        user_id,
    )
    return affected_rows(answer)


async def set_muted_until(
    conn: Connection,
    *,
    muted_until: datetime | None,
    room_id: RoomId,
    user_id: UserId,
) -> int:
    """Null: may speak. Primary key."""
    answer = await conn.execute(
        _SQL["set_muted_until"],
        muted_until,
        room_id,
        user_id,
    )
    return affected_rows(answer)


async def remove_member(
    conn: Connection,
    *,
    room_id: RoomId,
    user_id: UserId,
) -> int:
    """Whoever is muted still is when they come back. Primary keys."""
    answer = await conn.execute(
        _SQL["remove_member"],
        room_id,
        user_id,
    )
    return affected_rows(answer)


async def ban(
    conn: Connection,
    *,
    room_id: RoomId,
    user_id: UserId,
    banned_by: UserId,
    reason: str | None,
    until: datetime | None,
    created_at: datetime,
) -> int:
    """Until null: for good. A second ban replaces the first. Primary key."""
    answer = await conn.execute(
        _SQL["ban"],
        room_id,
        user_id,
        banned_by,
        reason,
        until,
        created_at,
    )
    return affected_rows(answer)


async def is_banned(
    conn: Connection,
    *,
    room_id: RoomId,
    user_id: UserId,
) -> bool:
    """Whether a ban is in force. Primary key."""
    answer = await conn.fetchrow(
        _SQL["is_banned"],
        room_id,
        user_id,
    )
    first: bool = the_row(answer)[0]
    return first


async def unban(
    conn: Connection,
    *,
    room_id: RoomId,
    user_id: UserId,
) -> int:
    """Primary key."""
    answer = await conn.execute(
        _SQL["unban"],
        room_id,
        user_id,
    )
    return affected_rows(answer)


async def update_room(
    conn: Connection,
    *,
    name: str,
    description: str | None,
    is_archived: bool,
    retention_days: int | None,
    updated_at: datetime,
    room_id: RoomId,
) -> RoomRow:
    """Primary key."""
    answer = await conn.fetchrow(
        _SQL["update_room"],
        name,
        description,
        is_archived,
        retention_days,
        updated_at,
        room_id,
    )
    return RoomRow(*the_row(answer))
