"""Typed functions for queries/invitations.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from gateway.core.ids import RoomId, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated.tables import PersonalInvitationRow
from gateway.storage.sql import affected_rows, sql_of, the_row

_SQL: Final = sql_of("invitations")


class InvitedPeopleRow(NamedTuple):
    id: UUID
    created_at: datetime
    expires_at: datetime
    user_id: UserId
    username: str
    avatar_url: str | None
    inviter_id: UUID | None
    inviter_name: str | None
    inviter_avatar_url: str | None


class LinksIntoRow(NamedTuple):
    token_hash: str
    created_at: datetime
    expires_at: datetime
    max_uses: int | None
    uses: int
    inviter_id: UUID
    inviter_name: str
    inviter_avatar_url: str | None


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


async def end_invitations(
    conn: Connection,
    *,
    room_id: RoomId,
    user_id: UserId,
) -> list[UserId]:
    """Under the lock of the room, of somebody who may invite no more, or is a member no more: the links
    they made, and the invitations by person that they made or have. Not those of members, who may
    accept again. Tells whose inboxes show less. Indexes on room_id, primary key of room_users.
    """
    answer = await conn.fetch(
        _SQL["end_invitations"],
        room_id,
        user_id,
    )
    return [record[0] for record in answer]


async def invited_people(
    conn: Connection,
    *,
    room_id: RoomId,
    most: int,
) -> list[InvitedPeopleRow]:
    """Who is invited into a room and not in it yet, the newest first. Index on room_id, primary keys;
    each person looked up by themselves, whatever the planner believes about the tables.
    """
    answer = await conn.fetch(
        _SQL["invited_people"],
        room_id,
        most,
    )
    return [InvitedPeopleRow(*record) for record in answer]


async def links_into(
    conn: Connection,
    *,
    room_id: RoomId,
    most: int,
) -> list[LinksIntoRow]:
    """The links into a room that are still good, the newest first. Index on room_id, primary key."""
    answer = await conn.fetch(
        _SQL["links_into"],
        room_id,
        most,
    )
    return [LinksIntoRow(*record) for record in answer]


async def withdraw_personal_invitation(
    conn: Connection,
    *,
    invitation_id: UUID,
    room_id: RoomId,
) -> UserId | None:
    """Tells whose it was. Primary key."""
    answer: UserId | None = await conn.fetchval(
        _SQL["withdraw_personal_invitation"],
        invitation_id,
        room_id,
    )
    return answer


async def withdraw_link(
    conn: Connection,
    *,
    room_id: RoomId,
    hash_start: str,
) -> int:
    """By the beginning of its token's hash. Index on room_id."""
    answer = await conn.execute(
        _SQL["withdraw_link"],
        room_id,
        hash_start,
    )
    return affected_rows(answer)


async def delete_expired_links(conn: Connection) -> int:
    """A day late: until then, who repeats what let them in is told that they are in. Locked ones are
    left for the next time: their room's transaction may lock others that this would. Index on
    expires_at.
    """
    answer = await conn.execute(_SQL["delete_expired_links"])
    return affected_rows(answer)


async def delete_expired_personal_invitations(conn: Connection) -> int:
    """As delete_expired_links."""
    answer = await conn.execute(_SQL["delete_expired_personal_invitations"])
    return affected_rows(answer)
