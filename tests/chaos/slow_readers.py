"""What slow readers cost: ``python -m tests.chaos.slow_readers``.

A room gets a hundred events of a kilobyte a second while many of its members
take next to nothing from their sockets. Printed are the memory that each of
them holds in the gateway and in the kernel, what the fast members notice, and
how long the slow ones take to be complete once they read.
"""

import argparse
import asyncio
import base64
import contextlib
import itertools
import os
import random
import re
import resource
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

import orjson
import uvloop

from tests.chaos.options import Options
from tests.chaos.site import Site, running_site
from tests.support.gateway_process import Guest
from tests.support.journal import Journal
from tests.support.recorder import SMALL_BUFFER_BYTES, Recorder

EVENTS_PER_SECOND: Final = 100
EVENT_PADDING: Final = 750
"""Characters; with author, keys and times an event is then a kilobyte."""

FAST_READERS: Final = 8
"""They speak, too: each stays far below the gateway's limit of 50 commands a second."""

JOINS_AT_ONCE: Final = 50
PING_EVERY_SECONDS: Final = 10

CALM_SECONDS: Final = 5.0
CATCH_UP_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 30.0

_CHUNK_BYTES: Final = 256 * 1024
_MARK: Final = re.compile(rb'"seq":(\d+),')
_POSITION: Final = re.compile(rb'"position":\{"epoch":\d+,"seq":(\d+)\}')
_KEPT_BYTES: Final = 64  # as long as a mark that has not wholly arrived may be


class Broken(Exception):
    """A slow reader was closed, or got something else than the next event."""


class SlowReader:
    """A member that reads when it is told to, as many bytes as it is told to.

    It looks for the numbers of the events in the bytes and for nothing else: a
    thousand of these must not be slower than the gateway.
    """

    def __init__(self, line: socket.socket) -> None:
        self.seq: int | None = None
        self._line = line
        self._rest = b""

    @classmethod
    async def join(cls, url: str, guest: Guest, room: str) -> Self:
        """Connect, and join the room."""
        place = urlsplit(url)
        line = socket.socket()
        line.setblocking(False)
        # From the beginning: a window that was offered once is not taken back, and what the
        # kernel takes in there would look to the gateway like reading, and then like a stall.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(line, (place.hostname, place.port))
        key = base64.b64encode(os.urandom(16)).decode()
        await loop.sock_sendall(
            line,
            f"GET /ws HTTP/1.1\r\nHost: {place.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {guest.token}\r\n\r\n".encode(),
        )
        await loop.sock_recv(line, _CHUNK_BYTES)  # the answer to the handshake
        await loop.sock_sendall(line, _frame({"id": 1, "type": "room.join", "room": room}))
        reader = cls(line)
        while reader.seq is None:
            reader.take(await loop.sock_recv(line, _CHUNK_BYTES))
        return reader

    async def read_slowly(self, bytes_per_second: int) -> None:
        """Read so much every second: until cancelled."""
        for second in itertools.count(1):
            await asyncio.sleep(1)
            if second % PING_EVERY_SECONDS == 0:
                await self._say_something()
            if bytes_per_second:
                with contextlib.suppress(BlockingIOError):
                    self.take(self._line.recv(bytes_per_second))

    async def read_up_to(self, seq: int) -> None:
        """Read as fast as possible until event ``seq`` has come."""
        said_at = time.monotonic()
        while self.seq is None or self.seq < seq:
            if time.monotonic() > said_at + PING_EVERY_SECONDS:
                said_at = time.monotonic()
                await self._say_something()
            octets = await asyncio.get_running_loop().sock_recv(self._line, _CHUNK_BYTES)
            self.take(octets)

    async def _say_something(self) -> None:
        """Show that it lives: the gateway's pings wait behind what it has not read."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._line, _frame({"id": 2, "type": "ping"}))

    def take(self, octets: bytes) -> None:
        """Note the numbers in what has come. Raises ``Broken``."""
        if not octets:
            raise Broken("the gateway has closed the connection")
        text = self._rest + octets
        begin = end = 0
        if self.seq is None:
            if (position := _POSITION.search(text)) is None:
                self._rest = text
                return
            self.seq, begin = int(position[1]), position.end()
        for mark in _MARK.finditer(text, begin):
            if int(mark[1]) != self.seq + 1:
                raise Broken(f"event {int(mark[1])} came after {self.seq}")
            self.seq += 1
            end = mark.end()
        self._rest = text[max(begin, end, len(text) - _KEPT_BYTES) :]

    def make_room(self) -> None:
        """Let the kernel take in more at a time, to read at full speed."""
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _CHUNK_BYTES)

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def _frame(command: dict[str, object]) -> bytes:
    """Return a text frame masked with zeros, which leave it as it is (RFC 6455, section 5.3)."""
    payload = orjson.dumps(command)
    return bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. Bytes are for each slow reader."""

    process_bytes: float
    kernel_bytes: float
    calm_p99_seconds: float
    p99_seconds: float
    behind_events: int
    catch_up_seconds: float

    def lines(self) -> Sequence[str]:
        """Return the figures, to be read by people."""
        kilobytes, milliseconds = 1 / 1024, 1000
        process, kernel = self.process_bytes * kilobytes, self.kernel_bytes * kilobytes
        calm, busy = self.calm_p99_seconds * milliseconds, self.p99_seconds * milliseconds
        return (
            f"memory of a slow reader in the process: {process:.1f} KB",
            f"memory of a slow reader in the kernel's send queue: {kernel:.1f} KB",
            f"p99 of the fast ones: {calm:.1f} ms without slow readers, {busy:.1f} ms with them",
            f"{self.behind_events} events behind, complete in {self.catch_up_seconds:.1f} s",
        )


async def measure(site: Site, clients: int, seconds: float, bytes_per_second: int) -> Figures:
    """Have so many members read so slowly for so long, and then everything.

    Raises ``Broken`` or ``TimeoutError`` when one of them is not complete in the end.
    """
    journal = Journal()
    gateway = site.instances[0].gateway
    owner = await gateway.new_guest("Owner")
    # Not one room: in the state of the second there are no messages yet, which a slow reader
    # would take for events.
    calm_room, room = [await gateway.new_room(owner, name) for name in ("Calm", "Slow")]
    guests = [await gateway.new_guest(f"Slow {number}") for number in range(clients)]
    async with _fast_readers(site, [calm_room, room], journal) as fast:
        await _talk(fast, calm_room, CALM_SECONDS)
        calm = _p99(journal)
        async with _slow_readers(site, guests, room) as slow:
            before = _memory_bytes(gateway.pid)
            async with asyncio.TaskGroup() as group:
                readings = [group.create_task(one.read_slowly(bytes_per_second)) for one in slow]
                journal.latencies.clear()
                await _talk(fast, room, seconds)
                last = max(recorder.records[room].seq for recorder in fast)
                after, kernel = _memory_bytes(gateway.pid), _send_queues(site)
                for reading in readings:
                    reading.cancel()
            behind = max(last - (one.seq or 0) for one in slow)
            busy = _p99(journal)
            started = time.monotonic()
            async with asyncio.timeout(CATCH_UP_SECONDS), asyncio.TaskGroup() as group:
                for one in slow:
                    one.make_room()
                    group.create_task(one.read_up_to(last))
            took = time.monotonic() - started
    if journal.findings:
        raise Broken(journal.findings[0])
    return Figures((after - before) / clients, kernel / clients, calm, busy, behind, took)


@contextlib.asynccontextmanager
async def _fast_readers(
    site: Site, rooms: Sequence[str], journal: Journal
) -> AsyncIterator[list[Recorder]]:
    """Keep members that read everything at once and speak."""
    instance = site.instances[0]
    recorders = []
    for number in range(FAST_READERS):
        guest = await instance.gateway.new_guest(f"Fast {number}")
        recorders.append(
            Recorder(
                f"f{number}",
                guest.token,
                [instance.direct_url],
                rooms,
                journal,
                random.Random(number),  # noqa: S311 - pauses
                tick_seconds=0.01,
            )
        )
    async with asyncio.TaskGroup() as group:
        for recorder in recorders:
            group.create_task(recorder.run())
        yield recorders
        for recorder in recorders:
            recorder.stop()


@contextlib.asynccontextmanager
async def _slow_readers(
    site: Site, guests: Sequence[Guest], room: str
) -> AsyncIterator[list[SlowReader]]:
    """Keep the slow members, all of whom have joined and heard of each other."""
    readers: list[SlowReader] = []
    try:
        url = site.instances[0].direct_url
        for begin in range(0, len(guests), JOINS_AT_ONCE):
            some = guests[begin : begin + JOINS_AT_ONCE]
            readers += await asyncio.gather(*(SlowReader.join(url, one, room) for one in some))
        last = max(reader.seq or 0 for reader in readers)
        for reader in readers:
            await reader.read_up_to(last)
        yield readers
    finally:
        for reader in readers:
            reader.close()


async def _talk(speakers: Sequence[Recorder], room: str, seconds: float) -> None:
    """Say something a hundred times a second, and wait until all who read have heard it."""
    started = time.monotonic()
    for number in range(int(seconds * EVENTS_PER_SECOND)):
        await asyncio.sleep(started + number / EVENTS_PER_SECOND - time.monotonic())
        speakers[number % len(speakers)].say(room, EVENT_PADDING)
    async with asyncio.timeout(WAIT_SECONDS):
        while any(speaker.wishes for speaker in speakers) or len(_ends(speakers, room)) > 1:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


def _ends(recorders: Sequence[Recorder], room: str) -> set[int]:
    return {recorder.records[room].seq for recorder in recorders}


def _p99(journal: Journal) -> float:
    ordered = sorted(journal.latencies)
    return ordered[len(ordered) * 99 // 100]


def _memory_bytes(pid: int) -> int:
    """Return the memory that is resident: exact, unlike ``/proc/PID/statm``."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    found = re.search(r"^Rss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def _send_queues(site: Site) -> int:
    """Return the bytes that the kernel keeps for the peers of the first instance (man 5 proc)."""
    port = f":{urlsplit(site.instances[0].gateway.url).port:04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text("utf-8").splitlines()[1:]]
    return sum(int(row[4].partition(":")[0], 16) for row in rows if row[1].endswith(port))


async def _main(clients: int, seconds: float, bytes_per_second: int) -> None:
    async with running_site(Options(instances=1)) as site:
        figures = await measure(site, clients, seconds, bytes_per_second)
    sys.stdout.writelines(f"{line}\n" for line in figures.lines())


if __name__ == "__main__":
    _parser = argparse.ArgumentParser("python -m tests.chaos.slow_readers")
    _parser.add_argument("--clients", type=int, default=1_000)
    _parser.add_argument("--seconds", type=float, default=30)
    _parser.add_argument("--bytes-per-second", type=int, default=1024)
    _most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (_most, _most))  # the instances inherit it
    uvloop.run(_main(**vars(_parser.parse_args())))
