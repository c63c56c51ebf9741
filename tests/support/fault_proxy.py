"""A TCP proxy on loopback that can do to a connection what networks do to it.

What it holds back while it is half-open it delivers when the network is back,
as TCP would: a statement may reach its server long after its sender gave up.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import Enum, auto
from typing import Final, NamedTuple

_CHUNK_BYTES: Final = 64 * 1024

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
# struct linger with a time of zero: close() sends RST and drops what is unsent (man 7 socket).

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Streams]]
"""Opens a connection to what is behind the proxy."""


def to_unix_socket(path: str) -> Dial:
    """Return what connects to a server's Unix socket."""
    return lambda: asyncio.open_unix_connection(path)


def to_port(port: int) -> Dial:
    """Return what connects to a port of this machine."""
    return lambda: asyncio.open_connection("127.0.0.1", port)


class Then(Enum):
    """What a trap does when its bytes come by."""

    LOSE = auto()
    """Break the connection; the server never gets them."""
    LOSE_THE_ANSWER = auto()
    """Pass them on, then break the connection."""
    HOLD = auto()
    """Be half-open from here on, both ways, on every connection."""


class Trap(NamedTuple):
    """Certain bytes on their way to the server, and what then happens."""

    octets: bytes
    then: Then


class FaultProxy:
    """Passes connections on, until a method is called that makes it do worse.

    A delay lasts until another one is set, ``reset`` is over at once, the rest
    lasts until ``heal``.
    """

    def __init__(self, dial: Dial, rng: random.Random) -> None:
        """``rng`` draws the jitter of ``delay``."""
        self.port = 0
        self.dial = dial
        self._rng = rng
        self._to_server = asyncio.Event()
        self._to_client = asyncio.Event()
        self._delay_seconds = 0.0
        self._jitter_seconds = 0.0
        self._refuses = False
        self._trap: Trap | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.heal()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FaultProxy"]:
        """Listen on a free port for the block; all connections are cut in the end."""
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.heal()
            self.refuse()
            self.reset()
            await self._idle.wait()

    def delay(self, seconds: float, jitter_seconds: float = 0.0) -> None:
        """Let everything take so much longer, each way, with so much more at random."""
        self._delay_seconds, self._jitter_seconds = seconds, jitter_seconds

    def half_open(self, *, to_server: bool = True, to_client: bool = True) -> None:
        """Pass nothing on in these directions, not even an end: neither side can see it."""
        if to_server:
            self._to_server.clear()
        if to_client:
            self._to_client.clear()

    def refuse(self) -> None:
        """Take no new connections; those that stand go on."""
        self._refuses = True

    def set_trap(self, trap: Trap) -> None:
        """Wait for each connection on which a client sends certain bytes."""
        self._trap = trap

    def reset(self) -> None:
        """Break every connection (RST); what is on its way is lost."""
        for writer in list(self._writers):
            _break(writer)

    def heal(self) -> None:
        """Take and pass on everything again, what was held back first."""
        self._to_server.set()
        self._to_client.set()
        self._refuses = False
        self._trap = None

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until both of its directions have ended."""
        if self._refuses:
            _break(writer)
            return
        try:
            far_reader, far_writer = await self.dial()
        except OSError:
            _break(writer)
            return
        if self._refuses:  # from now on, or all of it is over
            _break(writer)
            _break(far_writer)
            return
        ends = {writer, far_writer}
        self._writers |= ends
        self._idle.clear()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer, self._to_server, back=writer))
                group.create_task(self._pump(far_reader, writer, self._to_client))
        finally:
            self._writers -= ends
            for end in ends:
                end.close()
            if not self._writers:
                self._idle.set()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        gate: asyncio.Event,
        back: asyncio.StreamWriter | None = None,
    ) -> None:
        """Pass on what comes, and then its end: a break as a break.

        On the way to the server ``back`` leads to the client, and traps are set.
        """
        with contextlib.suppress(ConnectionError):
            try:
                while octets := await reader.read(_CHUNK_BYTES):
                    await self._hold_up(gate)
                    if writer.is_closing():
                        return
                    if back is not None and self._trap is not None and self._trap.octets in octets:
                        if self._trap.then is not Then.HOLD:
                            _break_at(self._trap, octets, writer, back)
                            return
                        self.half_open()
                        await gate.wait()
                    writer.write(octets)
                    await writer.drain()
            except ConnectionError:
                await gate.wait()
                _break(writer)
                return
            await self._hold_up(gate)
            writer.close()

    async def _hold_up(self, gate: asyncio.Event) -> None:
        delay = self._delay_seconds + self._rng.uniform(0, self._jitter_seconds)
        if delay:
            await asyncio.sleep(delay)
        await gate.wait()


def _break_at(
    trap: Trap, octets: bytes, writer: asyncio.StreamWriter, back: asyncio.StreamWriter
) -> None:
    if trap.then is Then.LOSE_THE_ANSWER:
        writer.write(octets)
        writer.close()
    else:
        _break(writer)
    _break(back)


def _break(writer: asyncio.StreamWriter) -> None:
    line = writer.get_extra_info("socket")
    if not writer.is_closing() and line.family != socket.AF_UNIX:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
