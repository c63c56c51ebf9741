"""Rooms, from outside of them: finding, creating, joining."""

from typing import Final, cast

from gateway.activities.activity import LookAgain, Submission, Submit
from gateway.activities.rooms import fields, inbox_reading
from gateway.activities.rooms.handlers import BecomeMember
from gateway.activities.rooms.messages import MemberJoined, Role
from gateway.activities.rooms.views import (
    BEGINNING,
    DirectoryPage,
    DirectoryPlace,
    MyRooms,
    PublicRoom,
    RoomView,
)
from gateway.core.errors import UnknownRoom
from gateway.core.identity import Identity
from gateway.core.ids import RoomId
from gateway.core.protocol.encode import encode_payload
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries
from gateway.storage.generated import new_rooms as new_room_queries
from gateway.storage.generated import rooms as room_queries
from gateway.storage.generated.tables import RoomRow

PAGE_ROOMS: Final = 50
"""Rooms on a page of the directory."""


class Rooms:
    """What an ``actor``, who is signed in, may do with rooms. Any method may raise ``Unavailable``.

    A private room answers a stranger like one that does not exist: ``UnknownRoom``.
    """

    def __init__(self, database: Database, submit: Submit, look_again: LookAgain) -> None:
        """``submit`` is the ledger's: whoever becomes a member does so in the room's log."""
        self._database = database
        self._submit = submit
        self._look_again = look_again

    async def create(
        self, actor: Identity, name: str, *, description: str | None = None, is_private: bool
    ) -> RoomView:
        """Make a room with the actor as admin; names need not be unique. ``InvalidField``."""
        name, description = fields.clean_name(name), fields.clean_description(description)
        async with self._database.transaction() as conn:
            room = await _create(conn, actor, name, description, is_private=is_private)
        self._look_again(room.id, [actor.user_id])
        return _view(room, "admin")

    async def ensure_public(self, actor: Identity, name: str) -> RoomView:
        """Return the oldest public room of this name, made now if there is none. ``InvalidField``.

        Any number of instances may ask at once and get one room.
        """
        name = fields.clean_name(name)
        async with self._database.transaction() as conn:
            room = await room_queries.oldest_public_room(conn, name=name)
            if room is None:
                await room_queries.lock_room_name(conn, name=name)
                # Whoever had the lock before may have made it; a new statement sees that.
                room = await room_queries.oldest_public_room(conn, name=name)
            if room is None:
                room = await _create(conn, actor, name, None, is_private=False)
            member = await room_queries.get_member(conn, room_id=room.id, user_id=actor.user_id)
        self._look_again(room.id, [actor.user_id])
        return _view(room, member.role if member else None)

    async def mine(self, actor: Identity) -> MyRooms:
        """Return the actor's rooms, archived ones among them, in the order of their names."""
        async with self._database.connection() as conn:
            rows = await inbox_reading.read_memberships(conn, [actor.user_id])
        return MyRooms(rooms=inbox_reading.views(rows.values()))

    async def directory(self, *, search: str = "", after: str | None = None) -> DirectoryPage:
        """Return a page of the public rooms whose names begin with ``search``.

        ``after`` is the ``next`` of the page before. ``InvalidField``.
        """
        prefix = fields.clean_search(search)
        place = DirectoryPlace.decode(after) if after is not None else BEGINNING
        async with self._database.connection() as conn:
            rows = await room_queries.list_public_rooms(
                conn,
                prefix=prefix,
                after_name=place.name,
                after_id=place.room_id,
                max_rooms=PAGE_ROOMS + 1,
            )
        rooms = tuple(
            PublicRoom(id=row.id, name=row.name, description=row.description)
            for row in rows[:PAGE_ROOMS]
        )
        has_more = len(rows) > PAGE_ROOMS
        last = DirectoryPlace(rooms[-1].name, rooms[-1].id) if has_more else None
        return DirectoryPage(rooms=rooms, next=last.encode() if last else None)

    async def get(self, actor: Identity, room_id: RoomId) -> RoomView:
        """Return a room the actor may see, or raise ``UnknownRoom``."""
        async with self._database.connection() as conn:
            return await read_room(conn, actor, room_id)

    async def join(self, actor: Identity, room_id: RoomId) -> RoomView:
        """Make the actor a member of a public room; ``UnknownRoom``, ``InvalidState``."""
        await self._submit(Submission(room_id, actor, BecomeMember()))
        return await self.get(actor, room_id)


async def _create(
    conn: Connection, actor: Identity, name: str, description: str | None, *, is_private: bool
) -> RoomRow:
    """Create a room, its admin, and the first event of its log: who that is.

    Not through the ledger: nobody can be in the room yet, so nobody races and
    nobody needs to be told.
    """
    room = await room_queries.create_room(
        conn, name=name, description=description, is_private=is_private, created_by=actor.user_id
    )
    joined = MemberJoined(user=actor.person, role="admin")
    await new_room_queries.begin_log(
        conn,
        room_id=room.id,
        type=joined.type,
        actor=actor.user_id,
        payload=encode_payload(joined).decode(),
    )
    return room


async def read_room(conn: Connection, actor: Identity, room_id: RoomId) -> RoomView:
    """Return a room as the actor stands to it, or raise ``UnknownRoom``."""
    rows = await log_queries.read_rooms_for(conn, room_ids=[room_id], user_ids=[actor.user_id])
    if not rows or (rows[0].is_private and rows[0].role is None):
        raise UnknownRoom("There is no such room, or you may not see it.")
    row = rows[0]
    return RoomView(
        id=row.id,
        name=row.name,
        description=row.description,
        is_private=row.is_private,
        role=cast("Role | None", row.role),
    )


def _view(room: RoomRow, role: str | None) -> RoomView:
    return RoomView(
        id=room.id,
        name=room.name,
        description=room.description,
        is_private=room.is_private,
        role=cast("Role | None", role),
    )
