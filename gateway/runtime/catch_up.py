"""Slow readers, and those who come back: from a position in the log to the live events.

A connection whose socket takes no more is parked: it is taken out of its
rooms, their positions are noted, and nothing more is buffered for it. When it
reads again it gets what it missed from the log, page by page and no faster
than it reads, and then the live events again, all on the same socket. What is
not in the log (presence, typing) it gets as it stands, in a ``behind`` notice.
"""

import structlog

from gateway.activities.protocol import Behind
from gateway.core.close_codes import CloseCode
from gateway.core.errors import DatabaseUnavailable
from gateway.core.ids import Seq
from gateway.core.protocol.encode import encode_notice
from gateway.runtime.connection import Connection
from gateway.runtime.log_reader import LogReader, LogTrimmedError
from gateway.runtime.room import Room
from gateway.runtime.supervision import Supervisor
from gateway.runtime.typing_notes import typing_people

log = structlog.get_logger()


class CatchUp:
    """Parks connections, and brings them and returning ones up to the live events."""

    def __init__(self, reader: LogReader, supervisor: Supervisor) -> None:
        self._reader = reader
        self._supervisor = supervisor
        self.parkings = 0
        """Connections that followed the live events until their socket took no more."""
        self.events_sent = 0
        """Events that were sent from the log."""

    def admit(self, connection: Connection, room: Room, after: Seq) -> None:
        """Let in a connection that has been sent everything up to ``after``, unless it is slow."""
        if connection.is_paused:
            room.park_at(connection, after)
        else:
            room.admit(connection, after)

    def follow(self, connection: Connection, room: Room, after: Seq, standing: Seq) -> None:
        """Send what a returning connection missed since ``after``, then let it in.

        After event ``standing`` the person was a member, whatever happened in between.
        """
        room.vouch(connection, standing)
        room.park_at(connection, after)
        self.resumed(connection)

    def paused(self, connection: Connection) -> None:
        """Park a connection whose socket takes no more."""
        if not connection.is_catching_up:
            self.parkings += 1
        for room in connection.rooms.values():
            room.park(connection)

    def resumed(self, connection: Connection) -> None:
        """Go on where the connection was parked: it reads again."""
        if not connection.is_catching_up and _next_parked(connection) is not None:
            connection.is_catching_up = True
            self._supervisor.job("catch up", self._run(connection))

    async def _run(self, connection: Connection) -> None:
        try:
            while _may_write(connection) and (room := _next_parked(connection)) is not None:
                await self._catch_up(connection, room)
        except (DatabaseUnavailable, LogTrimmedError) as error:
            # It comes back, and by then PostgreSQL may be there; or it gets a snapshot.
            log.info("connection.cannot_catch_up", connection=connection.id, error=repr(error))
            connection.close(CloseCode.SLOW_READER, "What you missed could not be read: come back.")
        finally:
            connection.is_catching_up = False

    async def _catch_up(self, connection: Connection, room: Room) -> None:
        """Make a parked connection a member again, or leave it parked farther on."""
        behind = room.parked_at(connection)
        assert behind is not None  # noqa: S101 - asked one line before
        # While the distance is long nothing is held for it; then the live events are.
        after = await self._send(connection, room, behind, until=room.seq)
        if after is None:
            return
        room.expect(connection)
        reached = await self._send(connection, room, after, until=room.seq)
        if reached is not None:
            notice = Behind(
                room=room.id,
                people=room.roster.people,
                count=len(room.roster),
                typing=typing_people(room),
            )
            connection.send(encode_notice(notice))
            self.admit(connection, room, reached)

    async def _send(self, connection: Connection, room: Room, after: Seq, until: Seq) -> Seq | None:
        """Send the log after ``after`` up to ``until``, where the room is.

        Or to the end of the membership, which puts the connection out: the room
        may have passed it while this one was told older events. Return how far,
        or ``None`` when the connection has been parked on the way or is gone.
        """
        while after < until:
            stretch = await self._reader.read_after(room.id, after, until)
            if connection.rooms.get(room.id) is not room or not connection.is_open:
                return None
            if stretch is None:
                raise LogTrimmedError
            stretch = stretch.until(until)
            end = room.end_of(connection, stretch.frames)
            if end is not None:
                stretch = stretch.until(end)
            connection.write(stretch.frames)
            self.events_sent += stretch.last - after
            after = stretch.last
            if end is not None:
                connection.put_out(room.id)
                return None
            if connection.is_paused:
                room.park_at(connection, after)
                return None
        return after


def _may_write(connection: Connection) -> bool:
    return connection.is_open and not connection.is_paused


def _next_parked(connection: Connection) -> Room | None:
    for room in connection.rooms.values():
        if room.parked_at(connection) is not None:
            return room
    return None
