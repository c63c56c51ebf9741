"""This instance's rooms: opened for their first local member, closed after the last.

The hub listens to the backplane for exactly these rooms, fills gaps from the
log, and compares every room with the log every few seconds, so an event whose
publication was lost arrives all the same.
"""

import asyncio
import contextlib
from typing import Protocol

import structlog

from gateway.backplane import keys
from gateway.backplane.subscriber import Subscriber
from gateway.core.errors import (
    BackplaneUnavailable,
    DatabaseUnavailable,
    GatewayError,
    UnknownRoom,
)
from gateway.core.frames import text_frame
from gateway.core.ids import Position, RoomId, Seq
from gateway.core.protocol.encode import encode_event
from gateway.core.publication import Kind, Publication
from gateway.runtime.room import Member, Room
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries

log = structlog.get_logger()

RECONCILE_SECONDS = 3.0
"""How often every local room is compared with the log."""

SUBSCRIBE_SECONDS = 5.0
"""How long a join waits for Redis to confirm the room's channel."""

ON_ITS_WAY_SECONDS = 0.05
"""A publication may lag behind its commit this long before it counts as missing."""

PAGE_EVENTS = 500
"""Events read from the log in one go."""


class RoomObserver(Protocol):
    """Takes part in a room's ephemeral life: presence and typing."""

    async def room_opened(self, room: Room) -> None:
        """Load what is known of the room elsewhere; it is subscribed already."""

    def room_heard(self, room: Room, publication: Publication) -> None:
        """Take in a publication that is not about durable events."""


class _Ear:
    """Hands what is published on a room's channel to the hub."""

    __slots__ = ("_hub", "_room_id")

    def __init__(self, hub: "Hub", room_id: RoomId) -> None:
        self._hub = hub
        self._room_id = room_id

    def on_message(self, message: bytes) -> None:
        try:
            publication = Publication.decode(message)
        except ValueError as error:
            log.error("backplane.unreadable", room=str(self._room_id), error=str(error))
            return
        self._hub.receive(self._room_id, publication)

    def on_gap(self) -> None:
        self._hub.reconcile_soon()


class Hub:
    """All rooms that this instance serves."""

    def __init__(
        self,
        database: Database,
        subscriber: Subscriber,
        supervisor: Supervisor,
        observer: RoomObserver,
        rooms: dict[RoomId, Room],
    ) -> None:
        """``rooms`` is the registry that the hub keeps and the observer reads."""
        self._database = database
        self._subscriber = subscriber
        self._supervisor = supervisor
        self._observer = observer
        self._rooms = rooms
        self._opening: dict[RoomId, asyncio.Task[None]] = {}
        self._filling: set[RoomId] = set()
        self._dirty: list[Room] = []
        self._reconcile = asyncio.Event()

    # Members

    async def expect(self, room_id: RoomId, member: Member) -> Room:
        """Open the room if need be, and hold its events for ``member`` until it is admitted.

        Raises ``UnknownRoom``, ``DatabaseUnavailable`` or ``BackplaneUnavailable``.
        """
        while (room := self._rooms.get(room_id)) is None:
            await self._open_once(room_id)
        room.expect(member)
        return room

    def leave(self, room: Room, member: Member) -> None:
        """Take a connection out; the room is closed here after the last one."""
        room.remove(member)
        if room.is_empty and self._rooms.get(room.id) is room:
            del self._rooms[room.id]
            self._subscriber.unsubscribe(keys.room_channel(room.id))

    async def _open_once(self, room_id: RoomId) -> None:
        """Open a room, once for all who ask meanwhile."""
        opening = self._opening.get(room_id)
        if opening is None:
            opening = self._opening[room_id] = self._supervisor.job(
                "open room", self._open(room_id)
            )
        # Shielded: whoever hangs up while waiting must not stop it for the others.
        await asyncio.shield(opening)

    async def _open(self, room_id: RoomId) -> None:
        try:
            await self._subscribe(room_id)
            # Only now, with the ear open: what is committed from here on is heard.
            room = Room(room_id, await self._read_position(room_id), self._schedule_flush)
            await self._observer.room_opened(room)
            self._rooms[room_id] = room
        except GatewayError:
            self._subscriber.unsubscribe(keys.room_channel(room_id))
            raise
        finally:
            del self._opening[room_id]

    async def _subscribe(self, room_id: RoomId) -> None:
        confirmed = self._subscriber.subscribe(keys.room_channel(room_id), _Ear(self, room_id))
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await confirmed
        except TimeoutError:
            raise BackplaneUnavailable("Redis does not confirm the room's channel.") from None

    async def _read_position(self, room_id: RoomId) -> Position:
        async with self._database.connection() as conn:
            rows = await log_queries.read_positions(conn, room_ids=[room_id])
        if not rows:
            raise UnknownRoom("There is no such room, or you may not see it.")
        return Position(rows[0].epoch, Seq(rows[0].last_seq))

    # Events

    def receive(self, room_id: RoomId, publication: Publication) -> None:
        """Take in a publication, from this instance's ledger or from the backplane."""
        room = self._rooms.get(room_id)
        if room is None:
            return
        if publication.kind is Kind.EVENTS:
            if not room.receive(publication):
                self._fill_soon(room, publication.last)
        else:
            self._observer.room_heard(room, publication)

    def reconcile_soon(self) -> None:
        """Compare with the log now: something may have been missed."""
        self._reconcile.set()

    async def run(self) -> None:
        """Compare every room with the log from time to time: until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECONCILE_SECONDS):
                    await self._reconcile.wait()
            self._reconcile.clear()
            try:
                await self._compare_with_log()
            except DatabaseUnavailable as error:
                log.warning("hub.cannot_reconcile", error=error.message)

    async def _compare_with_log(self) -> None:
        if not self._rooms:
            return
        async with self._database.connection() as conn:
            rows = await log_queries.read_positions(conn, room_ids=list(self._rooms))
        # What was committed a moment ago is on its way, and is not missing yet.
        await asyncio.sleep(ON_ITS_WAY_SECONDS)
        for row in rows:
            room = self._rooms.get(RoomId(row.id))
            if room is not None and room.seq < row.last_seq:
                self._fill_soon(room, Seq(row.last_seq))

    def _fill_soon(self, room: Room, until: Seq) -> None:
        if room.id not in self._filling:
            self._filling.add(room.id)
            self._supervisor.job("fill gap", self._fill(room, until))

    async def _fill(self, room: Room, until: Seq) -> None:
        """Deliver from the log what is missing up to ``until``."""
        try:
            # Publications of two instances may cross: most gaps close by themselves.
            await asyncio.sleep(ON_ITS_WAY_SECONDS)
            while room.seq < until and self._rooms.get(room.id) is room:
                if not await self._deliver_page(room):
                    log.error("hub.log_is_shorter", room=str(room.id), seq=room.seq, until=until)
                    return
        except DatabaseUnavailable as error:
            log.warning("hub.cannot_fill_gap", room=str(room.id), error=error.message)
        finally:
            self._filling.discard(room.id)

    async def _deliver_page(self, room: Room) -> bool:
        async with self._database.connection() as conn:
            rows = await log_queries.read_events(
                conn, room_id=room.id, after_seq=room.seq, max_events=PAGE_EVENTS
            )
        for row in rows:
            event = encode_event(
                row.type, room.id, row.seq, row.created_at, row.actor, row.key, row.payload.encode()
            )
            room.receive(Publication(Kind.EVENTS, text_frame(event), row.seq, row.seq))
        return bool(rows)

    # Writing

    def _schedule_flush(self, room: Room) -> None:
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(room)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for room in dirty:
            room.flush()
