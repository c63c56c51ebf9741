"""Rooms: what takes more than one statement.

Everything else about rooms is in ``generated/rooms.py`` and called directly.
"""

from dataclasses import dataclass

from gateway.core.errors import UnknownInvitation
from gateway.core.ids import RoomId, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated import rooms
from gateway.storage.generated.tables import RoomRow


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Where an invitation led; ``joined`` is false for somebody who was a member before."""

    room_id: RoomId
    joined: bool


async def ensure_public_by_name(conn: Connection, *, name: str, created_by: UserId) -> RoomRow:
    """Return the oldest public room of exactly this name; create it when there is none.

    Any number of instances may ask at once: they get one room.
    """
    if room := await rooms.oldest_public_room(conn, name=name):
        return room
    async with conn.transaction():
        await rooms.lock_room_name(conn, name=name)
        # Whoever had the lock before may have created it; a new statement sees that.
        if room := await rooms.oldest_public_room(conn, name=name):
            return room
        return await rooms.create_room(
            conn, name=name, description=None, is_private=False, created_by=created_by
        )


async def redeem_invitation(conn: Connection, *, token_hash: str, user_id: UserId) -> Redeemed:
    """Make the person a member by an invitation; raise ``UnknownInvitation`` if it is not good.

    Whoever is a member already keeps the role and uses nothing up.
    """
    async with conn.transaction():
        room_id = await rooms.lock_invitation(conn, token_hash=token_hash)
        if room_id is None:
            raise UnknownInvitation("There is no such invitation, or it has ended.")
        added = await rooms.add_member(conn, room_id=room_id, user_id=user_id, role="member")
        if added:
            await rooms.count_invitation_use(conn, token_hash=token_hash)
    return Redeemed(room_id, joined=bool(added))
