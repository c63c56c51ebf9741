"""Typed functions for queries/inbox.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from gateway.core.ids import RoomId, Seq, UserId
from gateway.storage.connection import Connection
from gateway.storage.sql import sql_of

_SQL: Final = sql_of("inbox")


class ReadMembershipsRow(NamedTuple):
    user_id: UserId
    id: UUID
    name: str
    description: str | None
    is_private: bool
    is_archived: bool
    last_seq: Seq
    role: str
    last_read_seq: int
    unread: int
    mentions: int


class ReadInvitationsRow(NamedTuple):
    id: UUID
    user_id: UserId
    expires_at: datetime
    room_id: RoomId
    name: str
    description: str | None
    is_private: bool
    inviter_id: UUID | None
    inviter_name: str | None
    inviter_avatar_url: str | None


async def read_memberships(
    conn: Connection,
    *,
    people: Sequence[UUID],
    pair_users: Sequence[UUID],
    pair_rooms: Sequence[UUID],
) -> list[ReadMembershipsRow]:
    """All rooms of people, and single rooms of others; who is not a member has no row. Unread are the
    messages after the marker without those deleted by people, the first thousand of them, or by
    retention. Index on room_users (user_id), primary keys,
    messages_deleted_idx; each looked up by itself, whatever the planner believes about the tables,
    hence the limits. Nobody is in a hundred thousand rooms. Where nothing is unread the counts are
    not looked for.
    """
    answer = await conn.fetch(
        _SQL["read_memberships"],
        people,
        pair_users,
        pair_rooms,
    )
    return [ReadMembershipsRow(*record) for record in answer]


async def read_invitations(
    conn: Connection,
    *,
    people: Sequence[UUID],
    max_invitations: int,
) -> list[ReadInvitationsRow]:
    """The newest invitations of people into rooms that they are not in, as long as they are good.
    Unique index (user_id, room_id), primary keys.
    """
    answer = await conn.fetch(
        _SQL["read_invitations"],
        people,
        max_invitations,
    )
    return [ReadInvitationsRow(*record) for record in answer]
