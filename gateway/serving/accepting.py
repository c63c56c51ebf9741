"""The door: new connections are let in no faster than those inside can bear.

A storm's connections are accepted at once, for a full backlog costs a client
seconds; but all their requests can be there in one turn of the event loop,
which would hold up everybody for as long as it takes to answer ten thousand
handshakes. So a request waits at the door, as bytes, and a few come in with
each turn; while as many sign-ins and joins are under way as should be, one
every ``PACE_SECONDS``. Nobody is refused here.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import structlog
from typing_extensions import override

log = structlog.get_logger()

AT_ONCE: Final = 4
"""Let in with one turn of the loop: a handshake takes 0.1 to 0.3 ms."""

PACE_SECONDS: Final = 0.005
"""Between one and the next while many are on their way, lest stuck sign-ins shut everybody out."""

SILENT_SECONDS: Final = 10.0
"""Who connects and says nothing for so long is cut off."""

_PROBES: Final = (b"GET /health/", b"GET /metrics ")

_MAX_BYTES: Final = 64 * 1024
# Kept of one request at the door; the rest waits in the kernel.


class Door:
    """Makes the protocol of each new connection when its turn has come."""

    def __init__(
        self, make_protocol: Callable[[], asyncio.Protocol], is_crowded: Callable[[], bool]
    ) -> None:
        """``is_crowded`` tells whether as much is under way inside as should be."""
        self._make_protocol = make_protocol
        self._is_crowded = is_crowded
        self._waiting: deque[_Newcomer] = deque()
        self._is_due = False

    def newcomer(self) -> asyncio.Protocol:
        """Return the protocol of a connection that has not said anything yet."""
        return _Newcomer(self)

    def knock(self, newcomer: "_Newcomer", request: bytes) -> None:
        """Let somebody in when it is their turn: at once who asks how the instance is.

        A load balancer that had to wait would take a crowded instance for a dead
        one, and a storm is when its operator wants to see the figures.
        """
        if request.startswith(_PROBES):
            newcomer.enter(self._make_protocol)
            return
        self._waiting.append(newcomer)
        if not self._is_due:
            self._is_due = True
            self._schedule()

    def _let_some_in(self) -> None:
        came_in = 0
        while self._waiting and came_in < AT_ONCE and not (came_in and self._is_crowded()):
            came_in += self._waiting.popleft().enter(self._make_protocol)
        self._is_due = bool(self._waiting)
        if self._waiting:
            self._schedule()

    def _schedule(self) -> None:
        delay = PACE_SECONDS if self._is_crowded() else 0
        asyncio.get_running_loop().call_later(delay, self._let_some_in)


class _Newcomer(asyncio.Protocol):
    """A connection at the door, and what it has sent so far."""

    __slots__ = ("_data", "_door", "_patience", "_transport")

    def __init__(self, door: Door) -> None:
        self._door = door
        self._data = b""
        self._transport: asyncio.Transport
        self._patience: asyncio.TimerHandle

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(SILENT_SECONDS, self._transport.abort)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()

    @override
    def data_received(self, data: bytes) -> None:
        is_first = not self._data
        self._data += data
        if is_first:
            self._patience.cancel()
            self._door.knock(self, data)
        if len(self._data) > _MAX_BYTES:
            self._transport.pause_reading()

    def enter(self, make_protocol: Callable[[], asyncio.Protocol]) -> bool:
        """Come in; return ``False`` if they have gone meanwhile."""
        if self._transport.is_closing():
            return False
        try:
            protocol = make_protocol()
            self._transport.set_protocol(protocol)
            protocol.connection_made(self._transport)
            self._transport.resume_reading()
            protocol.data_received(self._data)
        except Exception:
            # What the event loop does where a protocol fails; those behind have their turn.
            log.exception("door.newcomer_failed")
            self._transport.abort()
        return True
