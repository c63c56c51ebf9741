"""Typed functions for queries/invitations.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from gateway.core.ids import RoomId, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated.tables import PersonalInvitationRow
from gateway.storage.sql import affected_rows, sql_of, the_row

_SQL: Final = sql_of("invitations")


async def find_invitation(
    conn: Connection,
    *,
    token_hash: str,
) -> RoomId | None:
    """The room an invitation leads to, be it still good or not: that is decided by lock_invitation,
    under the room's lock. Primary key.
    """
    answer: RoomId | None = await conn.fetchval(
        _SQL["find_invitation"],
        token_hash,
    )
    return answer


async def invite_person(
    conn: Connection,
    *,
    room_id: RoomId,
    user_id: UserId,
    invited_by: UUID,
    expires_at: datetime,
) -> PersonalInvitationRow:
    """Somebody into a room, under the lock of its row; again: for longer. Unique index (user_id,
    room_id).
    """
    answer = await conn.fetchrow(
        _SQL["invite_person"],
        room_id,
        user_id,
        invited_by,
        expires_at,
    )
    return PersonalInvitationRow(*the_row(answer))


async def find_personal_invitation(
    conn: Connection,
    *,
    invitation_id: UUID,
    user_id: UserId,
) -> PersonalInvitationRow | None:
    """Somebody's own. Primary key."""
    answer = await conn.fetchrow(
        _SQL["find_personal_invitation"],
        invitation_id,
        user_id,
    )
    return None if answer is None else PersonalInvitationRow(*answer)


async def decline_invitation(
    conn: Connection,
    *,
    invitation_id: UUID,
    user_id: UserId,
) -> int:
    """Somebody's own. Primary key."""
    answer = await conn.execute(
        _SQL["decline_invitation"],
        invitation_id,
        user_id,
    )
    return affected_rows(answer)


async def withdraw_invitation(
    conn: Connection,
    *,
    room_id: RoomId,
    user_id: UserId,
) -> int:
    """Whoever is put out of a room needs another one. Unique index (user_id, room_id)."""
    answer = await conn.execute(
        _SQL["withdraw_invitation"],
        room_id,
        user_id,
    )
    return affected_rows(answer)
