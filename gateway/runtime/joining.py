"""Into a room and out again.

The order is what makes a join exact: first the room's live events are held
for the newcomer, then the state is read in one snapshot of the database, then
the state is sent, and the held events that it does not cover follow. Nothing
is missed in between and nothing comes twice.
"""

from typing import cast

from gateway.activities.activity import StateReader, Submission, Submit
from gateway.activities.catalogue import ACTIVITIES, RoomState
from gateway.activities.rooms.handlers import BecomeMember
from gateway.activities.rooms.messages import Role, RoomInfo, RoomJoin, WirePosition
from gateway.core.errors import InvalidState, UnknownRoom
from gateway.core.identity import Identity
from gateway.core.ids import RoomId, Seq
from gateway.core.protocol.base import WireModel
from gateway.runtime.connection import Connection
from gateway.runtime.hub import Hub
from gateway.runtime.presence import Presence, typing_people
from gateway.runtime.room import Room
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries

_NO_ROOM = "There is no such room, or you may not see it."


class Joining:
    """Opens rooms on connections, and closes them."""

    def __init__(
        self, database: Database, hub: Hub, presence: Presence, submit: Submit, max_rooms: int
    ) -> None:
        self._database = database
        self._hub = hub
        self._presence = presence
        self._submit = submit
        self._max_rooms = max_rooms
        self._readers: dict[str, StateReader] = {
            activity.name: activity.read_state
            for activity in ACTIVITIES
            if activity.read_state is not None
        }

    async def join(self, connection: Connection, identity: Identity, command: RoomJoin) -> None:
        """Reply with the room's state and let the connection in, or raise a ``GatewayError``.

        Joining a room again that is open already reads its state anew.
        """
        room_id = command.room_id
        if room_id not in connection.rooms and len(connection.rooms) >= self._max_rooms:
            raise InvalidState(f"A connection has at most {self._max_rooms} rooms open.")
        room = await self._hub.expect(room_id, connection)
        try:
            state = await self._read_or_become_member(identity, room_id)
        except BaseException:
            self._forget(connection, room)
            raise
        if not connection.is_open:
            self._forget(connection, room)
            return
        # No await from here on: the reply, the held events and the live ones are one sequence.
        if room_id not in connection.rooms:
            connection.rooms[room_id] = room
            self._presence.arrive(room, identity.person)
        connection.reply(command, state.complete(room))
        room.admit(connection, after=state.seq)

    def leave(self, connection: Connection, room_id: RoomId, *, for_good: bool) -> None:
        """Close a room on a connection. ``for_good``: said by the client, not by the network."""
        room = connection.rooms.pop(room_id)
        self._hub.leave(room, connection)
        if connection.identity is not None:
            self._presence.depart(room, connection.identity.user_id, for_good=for_good)

    def _forget(self, connection: Connection, room: Room) -> None:
        if room.id in connection.rooms:
            self.leave(connection, room.id, for_good=False)
        else:
            self._hub.leave(room, connection)

    async def _read_or_become_member(self, identity: Identity, room_id: RoomId) -> "_State":
        if (state := await self._read(identity, room_id)) is not None:
            return state
        await self._submit(Submission(room_id=room_id, actor=identity, command=BecomeMember()))
        if (state := await self._read(identity, room_id)) is None:
            raise UnknownRoom(_NO_ROOM)  # removed again in this very moment
        return state

    async def _read(self, identity: Identity, room_id: RoomId) -> "_State | None":
        """Read the state in one snapshot of the database; ``None`` for who is not a member."""
        async with (
            self._database.connection() as conn,
            conn.transaction(isolation="repeatable_read", readonly=True),
        ):
            row = await log_queries.read_room_for(conn, room_id=room_id, user_id=identity.user_id)
            if row is None or (row.role is None and row.is_private):
                raise UnknownRoom(_NO_ROOM)
            if row.role is None:
                return None
            activities = {
                name: await read(conn, room_id, identity) for name, read in self._readers.items()
            }
        return _State(row, activities)


class _State:
    """A room's durable state as read; presence and typing are added at the last moment."""

    def __init__(
        self, row: log_queries.ReadRoomForRow, activities: dict[str, WireModel | None]
    ) -> None:
        self._row = row
        self._activities = activities
        self.seq = Seq(row.last_seq)

    def complete(self, room: Room) -> RoomState:
        row = self._row
        return RoomState.model_validate(
            {
                "room": RoomInfo(
                    id=row.id,
                    name=row.name,
                    description=row.description,
                    is_private=row.is_private,
                    role=cast("Role", row.role),
                ),
                "position": WirePosition(epoch=row.epoch, seq=row.last_seq),
                "people": room.roster.people,
                "typing": typing_people(room),
                **self._activities,
            }
        )
