"""Many WebSocket clients in one thread: cheap enough to stay out of the way.

They speak just enough of RFC 6455 to be let in; then they count bytes. All
events of a measurement have one size, so the bytes say how many have come.
"""

import contextlib
import select
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Self, TypeVar

PATIENCE_SECONDS = 30.0
"""How long anything may take. A measurement that waits longer has failed."""

QUIET_SECONDS = 0.5
"""Silence after which nothing more is expected: five ticks of presence."""

MAX_IN_FLIGHT = 200
"""Connections that are being opened at a time."""

_BUFFER_BYTES = 256 * 1024

_PING = b"\x89\x00"
_PONG = b"\x8a\x80\x00\x00\x00\x00"

Item = TypeVar("Item")


def upgrade_request(token: str | None = None, path: str = "/ws") -> bytes:
    """Return an opening handshake (RFC 6455, section 4.1); ``token`` is sent as a bearer header."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"GET {path} HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"{authorization}\r\n"
    ).encode()


def client_frame(message: bytes) -> bytes:
    """Return a message below 64 KB as a client's frame. The mask is zero: it is a mask, too."""
    if len(message) < 126:
        return bytes((0x81, 0x80 | len(message))) + bytes(4) + message
    return bytes((0x81, 0x80 | 126)) + len(message).to_bytes(2, "big") + bytes(4) + message


class Crowd:
    """Open connections to one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: dict[int, socket.socket] = {}
        self._members: list[socket.socket] = []
        self._poll = select.epoll()
        self._buffer = bytearray(_BUFFER_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        for connection in self._sockets.values():
            connection.close()
        self._poll.close()

    def __len__(self) -> int:
        return len(self._sockets)

    def connect(self, requests: Sequence[bytes], *, until: bytes) -> None:
        """Open a connection for each request, send it, and read on until the answer has come."""
        for batch in _batches(requests):
            opened = [self._open() for _ in batch]
            self._ask(dict(zip(opened, batch, strict=True)), until)

    def ask(self, messages: Sequence[bytes], *, until: bytes) -> None:
        """Send each connection its message, and read on until the answer has come."""
        pairs = list(zip(self._sockets, messages, strict=True))
        for batch in _batches(pairs):
            self._ask(dict(batch), until)

    def send(self, member: int, message: bytes) -> None:
        """Send something as the member that came after so many others."""
        if len(self._members) != len(self._sockets):
            self._members = list(self._sockets.values())
        self._members[member].sendall(message)

    def settle(self) -> None:
        """Read whatever still comes, until nothing does."""
        for _ in self._arrivals(QUIET_SECONDS):
            pass

    def stay(self, seconds: float) -> int:
        """Do nothing for so long but answer pings; return how many there were."""
        pings, until = 0, time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for number, size in self._ready(left):
                if _PING in self._buffer[:size]:
                    self._sockets[number].sendall(_PONG)
                    pings += 1
        return pings

    def expect(self, total_bytes: int) -> None:
        """Read until this many bytes have come, over all connections together."""
        missing = total_bytes
        for _, size in self._arrivals(PATIENCE_SECONDS):
            missing -= size
            if missing <= 0:
                break
        if missing:
            came = total_bytes - missing
            raise RuntimeError(f"{came} bytes have come where {total_bytes} should have")

    def _open(self) -> int:
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setblocking(False)
        self._sockets[connection.fileno()] = connection
        self._poll.register(connection, select.EPOLLIN)
        return connection.fileno()

    def _ask(self, questions: dict[int, bytes], until: bytes) -> None:
        for number, question in questions.items():
            self._sockets[number].sendall(question)
        if not until:
            return
        answers = dict.fromkeys(questions, b"")
        for number, size in self._arrivals(PATIENCE_SECONDS):
            if number not in answers:
                continue
            answers[number] += self._buffer[:size]
            if until in answers[number]:
                del answers[number]
                if not answers:
                    return
        raise RuntimeError(f"{len(answers)} got no answer, one of them: {answers.popitem()}")

    def _arrivals(self, patience_seconds: float) -> Iterator[tuple[int, int]]:
        """Read what comes, as (connection, number of bytes), until nothing came for so long."""
        arrived = True
        while arrived:
            arrived = False
            for arrival in self._ready(patience_seconds):
                arrived = True
                yield arrival

    def _ready(self, patience_seconds: float) -> Iterator[tuple[int, int]]:
        """Read what has come, waiting so long for the first of it."""
        for number, _ in self._poll.poll(patience_seconds):
            with contextlib.suppress(BlockingIOError):
                size = self._sockets[number].recv_into(self._buffer)
                if not size:
                    raise ConnectionError("the server closed a connection")
                yield number, size


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), MAX_IN_FLIGHT):
        yield items[start : start + MAX_IN_FLIGHT]
