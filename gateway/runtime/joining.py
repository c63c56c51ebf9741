"""Into a room and out again.

The order is what makes a join exact: first the room's live events are held for
the newcomer, then the state is read in one snapshot of the database (or the
missed part of the log, page by page), then that is sent, and the held events
that it does not cover follow. Nothing is missed in between and nothing comes
twice.
"""

from dataclasses import dataclass
from typing import Any, cast

from gateway.activities.activity import StateReader, Submission, Submit
from gateway.activities.catalogue import ACTIVITIES
from gateway.activities.protocol import Replay, RoomState, UpToDate
from gateway.activities.rooms.handlers import BecomeMember
from gateway.activities.rooms.messages import Role, RoomInfo, RoomJoin, WirePosition
from gateway.core.errors import InvalidState, UnknownRoom
from gateway.core.identity import Identity
from gateway.core.ids import Position, RoomId, Seq
from gateway.core.protocol.base import WireModel
from gateway.core.resume import Resume, how_to_resume
from gateway.runtime.catch_up import CatchUp
from gateway.runtime.connection import Connection
from gateway.runtime.hub import Hub
from gateway.runtime.presence import Presence
from gateway.runtime.room import Room
from gateway.runtime.typing_notes import TypingNotes, typing_people
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries

Standing = log_queries.ReadRoomForRow
"""A room as one person stands to it."""

_NO_ROOM = "There is no such room, or you may not see it."


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a join will be answered, but for presence and typing, added at the last moment."""

    reply: type[UpToDate | Replay | RoomState]
    standing: Standing
    activities: dict[str, WireModel | None]

    @property
    def seq(self) -> Seq:
        return Seq(self.standing.last_seq)

    def complete(self, room: Room) -> WireModel:
        standing = self.standing
        fields: dict[str, Any] = {
            "room": RoomInfo(
                id=standing.id,
                name=standing.name,
                description=standing.description,
                is_private=standing.is_private,
                role=cast("Role", standing.role),
            ),
            "position": WirePosition(epoch=standing.epoch, seq=standing.last_seq),
            "people": room.roster.people,
            "typing": typing_people(room),
            **self.activities,
        }
        return self.reply(**fields)


class Joining:
    """Opens rooms on connections, and closes them."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        presence: Presence,
        typing: TypingNotes,
        catch_up: CatchUp,
        submit: Submit,
        max_rooms: int,
    ) -> None:
        self._database = database
        self._hub = hub
        self._presence = presence
        self._typing = typing
        self._catch_up = catch_up
        self._submit = submit
        self._max_rooms = max_rooms
        self._readers: dict[str, StateReader] = {
            activity.name: activity.read_state
            for activity in ACTIVITIES
            if activity.read_state is not None
        }

    async def join(self, connection: Connection, identity: Identity, command: RoomJoin) -> None:
        """Reply with what the client needs to know and let it in, or raise a ``GatewayError``.

        Joining a room again that is open already starts over.
        """
        room_id = command.room_id
        if room_id not in connection.rooms and len(connection.rooms) >= self._max_rooms:
            raise InvalidState(f"A connection has at most {self._max_rooms} rooms open.")
        room = await self._hub.expect(room_id, connection)
        try:
            answer = await self._answer(identity, command)
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
        connection.reply(command, answer.complete(room))
        since = command.data.since
        if answer.reply is Replay and since is not None:
            self._catch_up.follow(connection, room, Seq(since.seq))
        else:
            self._catch_up.admit(connection, room, answer.seq)

    def leave(self, connection: Connection, room_id: RoomId, *, for_good: bool) -> None:
        """Close a room on a connection. ``for_good``: said by the client, not by the network."""
        room = connection.rooms.pop(room_id)
        self._hub.leave(room, connection)
        if connection.identity is not None:
            user_id = connection.identity.user_id
            if self._presence.depart(room, user_id, for_good=for_good):
                self._typing.stop(room, user_id)

    def _forget(self, connection: Connection, room: Room) -> None:
        if room.id in connection.rooms:
            self.leave(connection, room.id, for_good=False)
        else:
            self._hub.leave(room, connection)

    async def _answer(self, identity: Identity, command: RoomJoin) -> _Answer:
        since = command.data.since
        position = Position(since.epoch, Seq(since.seq)) if since is not None else None
        if (answer := await self._read(identity, command.room_id, position)) is not None:
            return answer
        submission = Submission(room_id=command.room_id, actor=identity, command=BecomeMember())
        await self._submit(submission)
        if (answer := await self._read(identity, command.room_id, position)) is None:
            raise UnknownRoom(_NO_ROOM)  # removed again in this very moment
        return answer

    async def _read(
        self, identity: Identity, room_id: RoomId, since: Position | None
    ) -> _Answer | None:
        """Read what a newcomer needs in one snapshot of the database; ``None`` for a stranger."""
        async with (
            self._database.connection() as conn,
            conn.transaction(isolation="repeatable_read", readonly=True),
        ):
            standing = await log_queries.read_room_for(
                conn, room_id=room_id, user_id=identity.user_id
            )
            if standing is None or (standing.role is None and standing.is_private):
                raise UnknownRoom(_NO_ROOM)
            if standing.role is None:
                return None
            match how_to_resume(since, Position(standing.epoch, Seq(standing.last_seq))):
                case Resume.UP_TO_DATE:
                    return _Answer(UpToDate, standing, {})
                case Resume.REPLAY:
                    return _Answer(Replay, standing, {})
                case Resume.SNAPSHOT:
                    activities = {
                        name: await read(conn, room_id, identity)
                        for name, read in self._readers.items()
                    }
                    return _Answer(RoomState, standing, activities)
