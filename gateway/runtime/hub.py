"""This instance's rooms: opened for their first local member, closed after the last.

The hub listens to the backplane for exactly these rooms, and hands what it
hears to them.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from gateway.backplane import keys
from gateway.backplane.subscriber import Subscriber
from gateway.core.errors import GatewayError, InternalError, UnknownRoom
from gateway.core.ids import Position, RoomId, Seq
from gateway.core.publication import Kind, Publication
from gateway.runtime.end_of_turn import EndOfTurn
from gateway.runtime.reconciler import Reconciler
from gateway.runtime.room import Member, Room
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries

log = structlog.get_logger()

SUBSCRIBE_SECONDS = 2.0
"""How long a join waits for Redis to confirm the room's channel."""

MAX_EARLY = 10_000
"""Publications kept for a room that is being opened; past it they come from the log."""


class Observer(Protocol):
    """Keeps one kind of ephemeral state of every open room."""

    async def opened(self, room: Room) -> None:
        """Load what is known of the room elsewhere; its channel is heard already."""

    def heard(self, room: Room, publication: Publication) -> None:
        """Take in a publication of its kind."""

    def missed(self, room_id: RoomId) -> None:
        """Make up for publications that may have been lost."""


@dataclass(frozen=True, slots=True)
class _Ear:
    """Hands what is published on a room's channel to the hub."""

    hub: "Hub"
    room_id: RoomId

    def on_message(self, message: bytes) -> None:
        try:
            publication = Publication.decode(message)
        except ValueError as error:
            log.error("backplane.unreadable", room=str(self.room_id), error=str(error))
            return
        self.hub.receive(self.room_id, publication)

    def on_gap(self) -> None:
        self.hub.missed(self.room_id)


class _Opening:
    """A room on its way to being open: who waits for it, and what was published meanwhile."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.error: GatewayError | None = None
        self.early: list[Publication] = []


class Hub:
    """All rooms that this instance serves."""

    def __init__(
        self,
        database: Database,
        subscriber: Subscriber,
        reconciler: Reconciler,
        supervisor: Supervisor,
        observers: Mapping[Kind, Observer],
        rooms: dict[RoomId, Room],
        end_of_turn: EndOfTurn,
    ) -> None:
        """``rooms`` is the registry that the hub keeps and the others read."""
        self._database = database
        self._subscriber = subscriber
        self._reconciler = reconciler
        self._supervisor = supervisor
        self._observers = observers
        self._rooms = rooms
        self._end_of_turn = end_of_turn
        self._opening: dict[RoomId, _Opening] = {}
        self._past_deliveries = 0  # of rooms that are closed by now

    # Members

    async def expect(self, room_id: RoomId, member: Member) -> Room:
        """Open the room if need be, and hold its events for ``member`` until it is admitted.

        Raises ``UnknownRoom``, ``DatabaseUnavailable`` or ``InternalError``.
        """
        while (room := self._rooms.get(room_id)) is None:
            await self._wait_for(room_id)
        room.expect(member)
        return room

    def leave(self, room: Room, member: Member) -> None:
        """Take a connection out; the room is closed here after the last one."""
        room.remove(member)
        if room.is_empty and self._rooms.get(room.id) is room:
            del self._rooms[room.id]
            self._past_deliveries += room.deliveries
            self._subscriber.unsubscribe(keys.room_channel(room.id), _Ear(self, room.id))

    async def _wait_for(self, room_id: RoomId) -> None:
        """Wait until a room has been opened, once for all who ask meanwhile."""
        opening = self._opening.get(room_id)
        if opening is None:
            opening = self._opening[room_id] = _Opening()
            self._supervisor.job("open room", self._open(room_id, opening))
        await opening.done.wait()
        if opening.error is not None:
            raise opening.error

    async def _open(self, room_id: RoomId, opening: _Opening) -> None:
        channel = keys.room_channel(room_id)
        ear = _Ear(self, room_id)
        confirmed = self._subscriber.subscribe(channel, ear)
        try:
            await self._hear(room_id, confirmed)
            # Only now, with the ear open: what is committed from here on is heard.
            position = await self._read_position(room_id)
            # What was redacted while nobody here heard of it is from before that position.
            self._reconciler.forget_log(room_id)
            room = Room(room_id, position, self._end_of_turn.flush, self._reconciler.forget_log)
            for observer in self._observers.values():
                await observer.opened(room)
            self._rooms[room_id] = room
        except Exception as error:
            self._subscriber.unsubscribe(channel, ear)
            if not isinstance(error, GatewayError):  # else they would try for ever
                opening.error = InternalError("The room could not be opened.")
                raise
            opening.error = error
        finally:
            del self._opening[room_id]
            opening.done.set()
        for publication in opening.early:
            self.receive(room_id, publication)

    async def _hear(self, room_id: RoomId, confirmed: asyncio.Future[None]) -> None:
        """Wait for the room's channel, but not for ever: without Redis the log is polled."""
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS if self._subscriber.is_up else 0):
                await asyncio.shield(confirmed)
        except TimeoutError:
            confirmed.add_done_callback(lambda _: self.missed(room_id))

    async def _read_position(self, room_id: RoomId) -> Position:
        async with self._database.connection() as conn:
            rows = await log_queries.read_positions(conn, room_ids=[room_id])
        if not rows:
            raise UnknownRoom("There is no such room, or you may not see it.")
        return Position(rows[0].epoch, Seq(rows[0].last_seq))

    # Events

    @property
    def deliveries(self) -> int:
        """Live events handed to sockets since the start."""
        return self._past_deliveries + sum(room.deliveries for room in self._rooms.values())

    def receive(self, room_id: RoomId, publication: Publication) -> None:
        """Take in a publication, from this instance's ledger or from the backplane."""
        room = self._rooms.get(room_id)
        if room is None:
            opening = self._opening.get(room_id)
            if opening is not None and len(opening.early) < MAX_EARLY:
                opening.early.append(publication)
        elif publication.kind is Kind.EVENTS:
            if not room.receive(publication):
                self._reconciler.fill_soon(room, publication.last)
        elif publication.kind is Kind.EPHEMERAL:
            room.tell_frames(publication.body)
        else:
            self._observers[publication.kind].heard(room, publication)

    def missed(self, room_id: RoomId) -> None:
        """Make up for what may have been published while the channel was not heard."""
        self._reconciler.compare_soon()
        for observer in self._observers.values():
            observer.missed(room_id)
