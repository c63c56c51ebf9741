"""What slow readers cost: ``python -m tests.chaos.slow_readers``.

A room gets a hundred events of a kilobyte a second while many of its members
take next to nothing from their sockets. Printed are the memory that each of
them holds in the gateway and in the kernel, what the fast members notice, and
how long the slow ones take to be complete once they read.
"""

import argparse
import asyncio
import base64
import bisect
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
from websockets.frames import Frame, Opcode

from tests.chaos.options import Options
from tests.chaos.site import Site, running_site
from tests.support.gateway_process import Guest
from tests.support.journal import Journal, Received
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

_CHUNK_BYTES: Final = 64 * 1024
_FAST_BUFFER_BYTES: Final = 256 * 1024
_MARK: Final = re.compile(rb'"seq":(\d+),')
_POSITION: Final = re.compile(rb'"position":\{"epoch":\d+,"seq":(\d+)\}')


class Broken(Exception):
    """A slow reader was closed, or got something else than the next event."""


class EventStream:
    """A room's events, one after the other, as every member must get them: to the byte."""

    def __init__(self, events: Sequence[Received]) -> None:
        """``events`` are what a member was told that has read everything at once."""
        frames = [Frame(Opcode.TEXT, event.raw).serialize(mask=False) for event in events]
        self.octets = b"".join(frames)
        self._first = events[0].seq
        self._starts = [0, *itertools.accumulate(map(len, frames))]

    def start(self, seq: int) -> int:
        """Return where event ``seq`` begins, or would begin if it is the one after the last."""
        return self._starts[seq - self._first]

    def last_before(self, end: int) -> int:
        """Return the number of the last event that is complete at ``end``."""
        return self._first + bisect.bisect_right(self._starts, end) - 2


class SlowReader:
    """A member that reads when it is told to, as many bytes as it is told to.

    When it reads fast it compares what comes with what must come, a chunk at a
    time: a thousand of these in one process must not be slower than the gateway.
    """

    def __init__(self, line: socket.socket, read: bytes) -> None:
        """``read`` has come already, behind the answer to the handshake."""
        self.seq: int | None = None
        self._line = line
        self._rest = read

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
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += await loop.sock_recv(line, _CHUNK_BYTES)
        await loop.sock_sendall(line, _frame({"id": 1, "type": "room.join", "room": room}))
        reader = cls(line, answer.partition(b"\r\n\r\n")[2])
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

    async def read_up_to(self, seq: int, stream: EventStream | None = None) -> None:
        """Read as fast as possible until event ``seq`` has come.

        With ``stream`` it must come as it stands there.
        """
        said_at = time.monotonic()
        while self.seq is None or self.seq < seq:
            if time.monotonic() > said_at + PING_EVERY_SECONDS:
                said_at = time.monotonic()
                await self._say_something()
            octets = await asyncio.get_running_loop().sock_recv(self._line, _CHUNK_BYTES)
            self.take(octets, stream)

    async def _say_something(self) -> None:
        """Show that it lives: the gateway's pings wait behind what it has not read."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._line, _frame({"id": 2, "type": "ping"}))

    def take(self, octets: bytes, stream: EventStream | None = None) -> None:
        """Note the numbers in what has come. Raises ``Broken``."""
        if not octets:
            raise Broken("the gateway has closed the connection")
        text = self._rest + octets
        begin = 0
        while begin < len(text):
            if stream is not None and self.seq is not None:
                begin += self._skip_expected(text, begin, stream)
            end = _frame_end(text, begin)
            if end > len(text):
                break
            self._take_frame(text[begin:end], stream)
            begin = end
        self._rest = text[begin:]

    def _skip_expected(self, text: bytes, begin: int, stream: EventStream) -> int:
        """Return how many bytes from ``begin`` on are the next events, whole ones."""
        assert self.seq is not None
        start = stream.start(self.seq + 1)
        if not stream.octets.startswith(text[begin:], start):
            return 0
        self.seq = stream.last_before(start + len(text) - begin)
        return stream.start(self.seq + 1) - start

    def _take_frame(self, frame: bytes, stream: EventStream | None) -> None:
        if self.seq is None:
            if (position := _POSITION.search(frame)) is not None:
                self.seq = int(position[1])
        elif (mark := _MARK.search(frame)) is not None:
            if int(mark[1]) != self.seq + 1:
                raise Broken(f"event {int(mark[1])} came after {self.seq}")
            if stream and not stream.octets.startswith(frame, stream.start(self.seq + 1)):
                raise Broken(f"event {int(mark[1])} is not as others were told of it")
            self.seq += 1

    def make_room(self) -> None:
        """Let the kernel take in more at a time, to read at full speed."""
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _FAST_BUFFER_BYTES)

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def _frame_end(octets: bytes, begin: int) -> int:
    """Return where the frame that begins there ends, past the end if it is not whole.

    It is not masked (RFC 6455, section 5.2).
    """
    head = octets[begin : begin + 4]
    if len(head) < 2:
        return len(octets) + 1
    if head[1] == 126:
        return begin + 4 + int.from_bytes(head[2:4])
    if head[1] == 127:
        return begin + 10 + int.from_bytes(octets[begin + 2 : begin + 10])
    return begin + 2 + head[1]


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
            told = fast[0].records[room].told
            behind = max(last - (one.seq or 0) for one in slow)
            busy = _p99(journal)
            stream = EventStream([one for one in told if isinstance(one, Received)])
            started = time.monotonic()
            async with asyncio.timeout(CATCH_UP_SECONDS), asyncio.TaskGroup() as group:
                for one in slow:
                    one.make_room()
                    group.create_task(one.read_up_to(last, stream))
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
                guest,
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
