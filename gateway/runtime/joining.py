"""Into a room and out again.

The order is what makes a join exact: first the room's live events are held for
the newcomer, then the state is read in one snapshot of the database (or the
missed part of the log, page by page), then that is sent, and the held events
that it does not cover follow. Nothing is missed in between and nothing comes
twice.
"""

from gateway.activities.activity import Submission, Submit
from gateway.activities.rooms.handlers import BecomeMember
from gateway.activities.rooms.messages import RoomJoin
from gateway.core.errors import InvalidState, NotAMember, UnknownRoom
from gateway.core.identity import Identity
from gateway.core.ids import Position, RoomId, Seq
from gateway.core.resume import Resume
from gateway.runtime.catch_up import CatchUp
from gateway.runtime.connection import Connection
from gateway.runtime.hub import Hub
from gateway.runtime.presence import Presence
from gateway.runtime.room import Room
from gateway.runtime.room_reader import Reading, RoomReader
from gateway.runtime.typing_notes import TypingNotes


class Joining:
    """Opens rooms on connections, and closes them."""

    def __init__(
        self,
        reader: RoomReader,
        hub: Hub,
        presence: Presence,
        typing: TypingNotes,
        catch_up: CatchUp,
        submit: Submit,
        max_rooms: int,
    ) -> None:
        self._reader = reader
        self._hub = hub
        self._presence = presence
        self._typing = typing
        self._catch_up = catch_up
        self._submit = submit
        self._max_rooms = max_rooms

    async def join(self, connection: Connection, identity: Identity, command: RoomJoin) -> None:
        """Reply with what the client needs to know and let it in, or raise a ``GatewayError``.

        Joining a room again that is open already starts over.
        """
        room_id = command.room_id
        if room_id not in connection.rooms and len(connection.rooms) >= self._max_rooms:
            raise InvalidState(f"A connection has at most {self._max_rooms} rooms open.")
        room = await self._hub.expect(room_id, connection)
        try:
            reading = await self._read(identity, command)
        except BaseException:
            self._forget(connection, room)
            raise
        if not connection.is_open:
            self._forget(connection, room)
            return
        # No await from here on: the reply, the held events and the live ones are one sequence.
        if command.data.status is not None and not connection.rooms:
            connection.say_status(command.data.status)
        if room_id not in connection.rooms:
            connection.rooms[room_id] = room
            self._presence.arrive(room, identity.person, away=connection.is_away)
        connection.reply(command, reading.complete(room))
        since = command.data.since
        if reading.resume is Resume.REPLAY and since is not None:
            self._catch_up.follow(connection, room, Seq(since.seq), reading.seq)
        else:
            self._catch_up.admit(connection, room, reading.seq)

    def leave(self, connection: Connection, room_id: RoomId, *, for_good: bool) -> None:
        """Close a room on a connection. ``for_good``: said by the client, not by the network."""
        room = connection.rooms.pop(room_id)
        self._hub.leave(room, connection)
        if connection.identity is not None:
            user_id = connection.identity.user_id
            away = connection.is_away
            if self._presence.depart(room, user_id, away=away, for_good=for_good):
                self._typing.mark(room, user_id, typing=False)

    def away_changed(self, connection: Connection) -> None:
        """Take in that a connection has become away, or busy, in the rooms it has open."""
        if connection.identity is not None:
            user_id = connection.identity.user_id
            self._presence.set_away(connection.rooms.values(), user_id, away=connection.is_away)

    def _forget(self, connection: Connection, room: Room) -> None:
        if room.id in connection.rooms:
            self.leave(connection, room.id, for_good=False)
        else:
            self._hub.leave(room, connection)

    async def _read(self, identity: Identity, command: RoomJoin) -> Reading:
        since = command.data.since
        position = Position(since.epoch, Seq(since.seq)) if since is not None else None
        reading = await self._reader.read(command.room_id, identity, position)
        if reading is None and since is not None:
            # It comes back by itself, not knowing: to join anew is for the person to decide.
            raise NotAMember("You are not a member of this room any more.")
        if reading is None:
            newcomer = Submission(room_id=command.room_id, actor=identity, command=BecomeMember())
            await self._submit(newcomer)
            reading = await self._reader.read(command.room_id, identity, position)
        if reading is None:  # removed again in this very moment
            raise UnknownRoom("There is no such room, or you may not see it.")
        return reading
