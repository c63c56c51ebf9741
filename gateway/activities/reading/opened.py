"""A room, opened by somebody who may read it."""

from typing import NamedTuple
from uuid import UUID

from gateway.activities.chat.rules import SMALL_ROOM
from gateway.core.errors import NotAMember, UnknownMessage, UnknownRoom
from gateway.core.identity import Identity
from gateway.core.ids import MessageId, RoomId, Seq
from gateway.storage.connection import Connection
from gateway.storage.generated import history as history_queries
from gateway.storage.generated import log as log_queries
from gateway.storage.generated.history import ReadMessageRow


class OpenedRoom(NamedTuple):
    """A room and its reader's role in it. Its log goes up to ``end``."""

    conn: Connection
    id: RoomId
    end: Seq
    role: str


async def open_room(conn: Connection, actor: Identity, room_id: RoomId) -> OpenedRoom:
    """Return the room to a member; anybody else gets ``NotAMember`` or ``UnknownRoom``."""
    rows = await log_queries.read_rooms_for(conn, room_ids=[room_id], user_ids=[actor.user_id])
    if not rows or (rows[0].is_private and rows[0].role is None):
        raise UnknownRoom("There is no such room, or you may not see it.")
    if rows[0].role is None:
        raise NotAMember("You are not a member of this room: join it first.")
    return OpenedRoom(conn, room_id, rows[0].last_seq, rows[0].role)


async def read_message(room: OpenedRoom, message_id: UUID) -> ReadMessageRow:
    """Return a message of the room, or raise ``UnknownMessage``."""
    row = await history_queries.read_message(
        room.conn, room_id=room.id, message_id=MessageId(message_id)
    )
    if row is None:
        raise UnknownMessage("There is no such message in this room.")
    return row


async def is_small(room: OpenedRoom) -> bool:
    """Whether everybody in the room is told how far the others have read."""
    members = await history_queries.count_members(
        room.conn, room_id=room.id, max_members=SMALL_ROOM + 1
    )
    return members <= SMALL_ROOM
