"""Makes up for what the backplane loses: every room is compared with the log.

Redis publish/subscribe promises nothing: a message published while a
connection is being made anew is gone. So every few seconds, at once after a
hiccup, and several times a second while this instance cannot hear at all, one
query tells where the rooms' logs end; what is missing here is read from there.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import structlog

from gateway.core.errors import DatabaseUnavailable
from gateway.core.ids import RoomId, Seq
from gateway.core.publication import Kind, Publication
from gateway.runtime.log_reader import LogReader, LogTrimmedError
from gateway.runtime.room import Room
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries

log = structlog.get_logger()

COMPARE_SECONDS = 3.0
"""How often every local room is compared with the log."""

DEAF_COMPARE_SECONDS = 0.2
"""How often while the backplane is not heard: this is then the way that events take."""

ON_ITS_WAY_SECONDS = 0.05
"""A publication may lag behind its commit this long before it counts as missing."""


class Reconciler:
    """Compares rooms with the log and delivers what is missing."""

    def __init__(
        self,
        database: Database,
        log_reader: LogReader,
        rooms: Mapping[RoomId, Room],
        supervisor: Supervisor,
        hears: Callable[[], bool],
    ) -> None:
        """``hears`` tells whether this instance hears the backplane."""
        self._database = database
        self._log_reader = log_reader
        self._rooms = rooms
        self._supervisor = supervisor
        self._hears = hears
        self._filling: set[RoomId] = set()
        self._wake = asyncio.Event()
        self.healed_gaps = 0
        """How often a room was filled up from the log."""
        self.healed_events = 0
        """Events that reached the members from the log, not from a publication."""

    @property
    def rooms_behind(self) -> int:
        """How many rooms are being filled up, or wait for what may be on its way."""
        return len(self._filling)

    def compare_soon(self) -> None:
        """Compare now: something may have been missed."""
        self._wake.set()

    def forget_log(self, room_id: RoomId) -> None:
        """Read what is needed of a room's log anew: some of it has been redacted, or may be."""
        self._log_reader.forget(room_id)

    def fill_soon(self, room: Room, until: Seq) -> None:
        """Deliver what the room lacks up to ``until``, unless it arrives by itself first."""
        if room.id not in self._filling:
            self._filling.add(room.id)
            self._supervisor.job("fill gap", self._fill(room, until))

    async def run(self) -> None:
        """Compare from time to time: until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(
                    COMPARE_SECONDS if self._hears() else DEAF_COMPARE_SECONDS
                ):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._compare()
            except DatabaseUnavailable as error:
                log.warning("reconciler.no_database", error=error.message)

    async def _compare(self) -> None:
        if not self._rooms:
            return
        async with self._database.connection() as conn:
            rows = await log_queries.read_positions(conn, room_ids=list(self._rooms))
        for row in rows:
            room = self._rooms.get(RoomId(row.id))
            if room is None:
                continue
            if row.epoch != room.epoch:
                self._start_epoch(room, row.epoch, Seq(row.last_seq))
            elif room.seq < row.last_seq:
                self.fill_soon(room, Seq(row.last_seq))

    def _start_epoch(self, room: Room, epoch: int, seq: Seq) -> None:
        """Follow a restored database: what the members have seen is of another log."""
        log.warning("room.new_epoch", room=str(room.id), epoch=epoch)
        self._log_reader.clear()
        room.start_epoch(epoch, seq)

    async def _fill(self, room: Room, until: Seq) -> None:
        healed = False
        try:
            if self._hears():
                # It may be on its way, and publications of two instances may cross.
                await asyncio.sleep(ON_ITS_WAY_SECONDS)
            while room.seq < until and self._rooms.get(room.id) is room:
                await self._deliver_next(room, until)
                healed = True
        except DatabaseUnavailable as error:
            log.warning("reconciler.no_database", room=str(room.id), error=error.message)
        except LogTrimmedError:
            log.error("reconciler.log_is_shorter", room=str(room.id), seq=room.seq, until=until)
        finally:
            self.healed_gaps += healed
            self._filling.discard(room.id)

    async def _deliver_next(self, room: Room, until: Seq) -> None:
        seq = room.seq
        stretch = await self._log_reader.read_after(room.id, seq, until)
        if stretch is None:
            raise LogTrimmedError
        self.healed_events += max(0, stretch.last - room.seq)
        room.receive(Publication(Kind.EVENTS, stretch.frames, Seq(seq + 1), stretch.last))
