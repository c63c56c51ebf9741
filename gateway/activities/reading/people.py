"""Lists of people: members, who has read a message, who is banned."""

from datetime import UTC, datetime
from typing import Final, cast
from uuid import UUID

from gateway.activities.chat.rules import SMALL_ROOM
from gateway.activities.reading.messages import (
    BanPage,
    BanView,
    MemberPage,
    MemberView,
    PageData,
    Receipt,
    Receipts,
)
from gateway.activities.reading.opened import OpenedRoom, is_small, read_message
from gateway.activities.reading.places import PersonPlace
from gateway.activities.rooms.messages import Role
from gateway.core.errors import Forbidden, InvalidState
from gateway.core.ids import UserId
from gateway.core.protocol.base import Person
from gateway.storage.generated import history as history_queries

_MAY_SEE_BANS: Final = frozenset({"admin", "moderator"})

_NOBODY: Final = UserId(UUID(int=0))
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(9999, 1, 1, tzinfo=UTC)


async def list_members(room: OpenedRoom, page: PageData) -> MemberPage:
    """Return a page of the members in the order in which they came."""
    place = _place(page, room, _BEGINNING)
    tells_markers = await is_small(room)
    rows = await history_queries.list_members(
        room.conn,
        room_id=room.id,
        after_joined_at=place.at,
        after_user_id=place.user_id,
        max_members=page.limit + 1,
    )
    members = tuple(
        MemberView(
            user=Person(id=row.user_id, name=row.username, avatar_url=row.avatar_url),
            role=cast("Role", row.role),
            joined_at=row.joined_at,
            muted_until=row.muted_until,
            read_up_to=row.last_read_seq if tells_markers else None,
        )
        for row in rows[: page.limit]
    )
    last = rows[page.limit - 1] if len(rows) > page.limit else None
    token = PersonPlace(room.id, last.joined_at, last.user_id).encode() if last else None
    return MemberPage(members=members, next=token)


async def list_bans(room: OpenedRoom, page: PageData) -> BanPage:
    """Return a page of the bans in force, newest first; ``Forbidden`` for plain members."""
    if room.role not in _MAY_SEE_BANS:
        raise Forbidden("Only admins and moderators of a room may see who is banned.")
    place = _place(page, room, _END)
    rows = await history_queries.list_bans(
        room.conn,
        room_id=room.id,
        before_created_at=place.at,
        before_user_id=place.user_id,
        max_bans=page.limit + 1,
    )
    bans = tuple(
        BanView(
            user=Person(id=row.user_id, name=row.username, avatar_url=row.avatar_url),
            until=row.until,
            reason=row.reason,
            banned_by=row.banned_by
            and Person(
                id=row.banned_by,
                name=row.moderator_name or "",
                avatar_url=row.moderator_avatar_url,
            ),
            at=row.created_at,
        )
        for row in rows[: page.limit]
    )
    last = rows[page.limit - 1] if len(rows) > page.limit else None
    token = PersonPlace(room.id, last.created_at, last.user_id).encode() if last else None
    return BanPage(bans=bans, next=token)


async def list_receipts(room: OpenedRoom, message_id: UUID) -> Receipts:
    """Return who has read a message; ``InvalidState`` in a big room, ``UnknownMessage``."""
    if not await is_small(room):
        raise InvalidState(f"Who has read what is told in rooms of at most {SMALL_ROOM} members.")
    message = await read_message(room, message_id)
    rows = await history_queries.read_receipts(
        room.conn,
        room_id=room.id,
        seq=message.seq,
        author_id=message.user_id,
        said_at=message.created_at,
    )
    return Receipts(
        receipts=tuple(
            Receipt(
                user=Person(id=row.user_id, name=row.username, avatar_url=row.avatar_url),
                read_at=row.read_at,
            )
            for row in rows
        )
    )


def _place(page: PageData, room: OpenedRoom, beginning: datetime) -> PersonPlace:
    if page.after is None:
        return PersonPlace(room.id, beginning, _NOBODY)
    return PersonPlace.decode(page.after, room.id, "after")
