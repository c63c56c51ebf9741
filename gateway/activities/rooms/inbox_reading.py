"""Reads what inboxes show, for many people at once."""

from collections.abc import Iterable, Sequence
from typing import Final, cast

from gateway.activities.rooms.inbox import InboxState
from gateway.activities.rooms.messages import Role
from gateway.activities.rooms.views import MyRoom, PersonalInvitation, RoomView
from gateway.core.ids import RoomId, UserId
from gateway.core.protocol.base import Person
from gateway.storage.connection import Connection
from gateway.storage.generated import inbox as inbox_queries
from gateway.storage.generated.inbox import ReadInvitationsRow, ReadMembershipsRow

MAX_INVITATIONS: Final = 100
"""Invitations of one person that are shown, the newest."""

Place = tuple[UserId, RoomId]
"""A person and a room that they may be a member of."""

Memberships = dict[Place, ReadMembershipsRow]
"""What people see of their rooms; where they are no members there is nothing."""


async def read_memberships(
    conn: Connection, people: Sequence[UserId], places: Iterable[Place] = ()
) -> Memberships:
    """Read all rooms of ``people``, and single rooms of others."""
    pairs = list(places)
    rows = await inbox_queries.read_memberships(
        conn,
        people=people,
        pair_users=[user_id for user_id, _ in pairs],
        pair_rooms=[room_id for _, room_id in pairs],
    )
    return {(row.user_id, RoomId(row.id)): row for row in rows}


async def read_invitations(
    conn: Connection, people: Sequence[UserId]
) -> dict[UserId, tuple[PersonalInvitation, ...]]:
    """Read who invites each of these people, the newest invitation first."""
    found: dict[UserId, list[PersonalInvitation]] = {user_id: [] for user_id in people}
    if not people:
        return {}
    for row in await inbox_queries.read_invitations(
        conn, people=people, max_invitations=MAX_INVITATIONS
    ):
        found[row.user_id].append(_invitation(row))
    return {user_id: tuple(invitations) for user_id, invitations in found.items()}


def view(row: ReadMembershipsRow) -> MyRoom:
    """Return a membership as the person sees it."""
    return MyRoom(
        id=row.id,
        name=row.name,
        description=row.description,
        is_private=row.is_private,
        role=cast("Role", row.role),
        is_archived=row.is_archived,
        unread=row.unread,
        mentions=row.mentions,
        read_up_to=row.last_read_seq,
        last_seq=row.last_seq,
    )


def views(rows: Iterable[ReadMembershipsRow]) -> tuple[MyRoom, ...]:
    """Return one person's rooms in the order of their names, without regard to case."""
    return tuple(sorted(map(view, rows), key=lambda room: (room.name.lower(), room.id)))


def state(
    rows: Iterable[ReadMembershipsRow], invitations: tuple[PersonalInvitation, ...]
) -> InboxState:
    """Return one person's whole inbox."""
    return InboxState(rooms=views(rows), invitations=invitations)


def _invitation(row: ReadInvitationsRow) -> PersonalInvitation:
    by = None
    if row.inviter_id is not None and row.inviter_name is not None:
        by = Person(id=row.inviter_id, name=row.inviter_name, avatar_url=row.inviter_avatar_url)
    room = RoomView(
        id=row.room_id,
        name=row.name,
        description=row.description,
        is_private=row.is_private,
        role=None,
    )
    return PersonalInvitation(id=row.id, room=room, by=by, expires_at=row.expires_at)
