"""Typed functions for queries/rooms.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from gateway.core.ids import RoomId, Seq, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated.tables import RoomRow, RoomUserRow
from gateway.storage.sql import affected_rows, sql_of, the_row

_SQL: Final = sql_of("rooms")


class ListPublicRoomsRow(NamedTuple):
    id: RoomId
    name: str
    description: str | None
    last_seq: Seq
    created_at: datetime


class ReadRestrictionsRow(NamedTuple):
    room_id: RoomId
    user_id: UserId
    is_ban: bool
    until: datetime | None


async def create_room(
    conn: Connection,
    *,
    name: str,
    description: str | None,
    is_private: bool,
    created_by: UserId,
) -> RoomRow:
    """A room with its creator as admin, in one statement: no room is ever without one."""
    answer = await conn.fetchrow(
        _SQL["create_room"],
        name,
        description,
        is_private,
        created_by,
    )
    return RoomRow(*the_row(answer))


async def get_room(
    conn: Connection,
    *,
    room_id: RoomId,
) -> RoomRow | None:
    """One room, public or not. Primary key."""
    answer = await conn.fetchrow(
        _SQL["get_room"],
        room_id,
    )
    return None if answer is None else RoomRow(*answer)


async def list_public_rooms(
    conn: Connection,
    *,
    after_name: str,
    after_id: UUID,
    prefix: str,
    max_rooms: int,
) -> list[ListPublicRoomsRow]:
    """A page of the directory: names beginning with prefix, without regard to case, after the
    last room of the page before; the first page comes after '' and the nil uuid. Index
    rooms_directory_idx: it gives order, place and prefix, which is a range because collation "C"
    compares bytes. U+10FFFF is the last character there is.
    """
    answer = await conn.fetch(
        _SQL["list_public_rooms"],
        after_name,
        after_id,
        prefix,
        max_rooms,
    )
    return [ListPublicRoomsRow(*record) for record in answer]


async def lock_room_name(
    conn: Connection,
    *,
    name: str,
) -> int:
    """Until the transaction ends nobody else who asks for this lock makes a public room of this name.
    A row that does not exist yet cannot be locked, hence an advisory lock; two names that share a
    hash only wait for each other. The pair of numbers keeps it apart from other advisory locks.
    """
    answer = await conn.execute(
        _SQL["lock_room_name"],
        name,
    )
    return affected_rows(answer)


async def oldest_public_room(
    conn: Connection,
    *,
    name: str,
) -> RoomRow | None:
    """Names are not unique: the oldest counts. Index on rooms (name)."""
    answer = await conn.fetchrow(
        _SQL["oldest_public_room"],
        name,
    )
    return None if answer is None else RoomRow(*answer)


async def get_member(
    conn: Connection,
    *,
    room_id: RoomId,
    user_id: UserId,
) -> RoomUserRow | None:
    """Somebody's membership. Primary key."""
    answer = await conn.fetchrow(
        _SQL["get_member"],
        room_id,
        user_id,
    )
    return None if answer is None else RoomUserRow(*answer)


async def add_members(
    conn: Connection,
    *,
    room_ids: Sequence[RoomId],
    user_ids: Sequence[UserId],
    roles: Sequence[str],
    last_read_seqs: Sequence[int],
    read_counts: Sequence[int],
    muted_untils: Sequence[datetime | None],
) -> int:
    """What was said before counts as read. Somebody who is in already stays what they are. Primary keys."""
    answer = await conn.execute(
        _SQL["add_members"],
        room_ids,
        user_ids,
        roles,
        last_read_seqs,
        read_counts,
        muted_untils,
    )
    return affected_rows(answer)


async def read_restrictions(
    conn: Connection,
    *,
    room_ids: Sequence[RoomId],
    user_ids: Sequence[UserId],
) -> list[ReadRestrictionsRow]:
    """The bans of these people, and the mutes with which they left, in force or over: until null is for
    good. Primary keys, each looked up by itself.
    """
    answer = await conn.fetch(
        _SQL["read_restrictions"],
        room_ids,
        user_ids,
    )
    return [ReadRestrictionsRow(*record) for record in answer]


async def create_invitation(
    conn: Connection,
    *,
    token_hash: str,
    room_id: RoomId,
    created_by: UserId,
    expires_at: datetime,
    max_uses: int | None,
) -> int:
    """A link into a room; max_uses null: as often as wanted until it expires. Primary key."""
    answer = await conn.execute(
        _SQL["create_invitation"],
        token_hash,
        room_id,
        created_by,
        expires_at,
        max_uses,
    )
    return affected_rows(answer)


async def lock_invitation(
    conn: Connection,
    *,
    token_hash: str,
) -> RoomId | None:
    """The room of an invitation that is still good. Locked, so that of two people with the last use
    the second waits, looks again and finds none. Primary key.
    """
    answer: RoomId | None = await conn.fetchval(
        _SQL["lock_invitation"],
        token_hash,
    )
    return answer


async def count_invitation_use(
    conn: Connection,
    *,
    token_hash: str,
) -> int:
    """Under the lock of lock_invitation. Primary key."""
    answer = await conn.execute(
        _SQL["count_invitation_use"],
        token_hash,
    )
    return affected_rows(answer)
