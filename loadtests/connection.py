"""One WebSocket, read by gevent's event loop itself.

A greenlet that waits in ``recv`` costs two switches a message and a stack a
connection; a callback of the loop costs neither. What is called from there
(``on_message``, ``on_end``, the callback of a reply) must not block.
"""

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any, Final

import gevent
import gevent.socket
import orjson
from gevent.event import AsyncResult
from gevent.monkey import get_original

from loadtests.frames import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    client_frame,
    split_frames,
    upgrade_request,
)

PATIENCE_SECONDS: Final = 30.0
"""How long a handshake or an answer may take. What takes longer has failed."""

_BUFFER_BYTES: Final = 256 * 1024
_READABLE: Final = 1

_Socket = get_original("socket", "socket")
# gevent's own would keep watchers of its own beside ours.

Message = dict[str, Any]


class Disconnected(Exception):
    """The connection is gone, or was never there."""


class Refused(Exception):
    """The gateway answered with an error."""


class Connection:
    """An open connection of somebody signed in."""

    def __init__(
        self,
        address: tuple[str, int],
        token: str,
        on_message: Callable[[Message, int], None],
        on_end: Callable[[str], None],
    ) -> None:
        """Connect, shake hands and wait for ``welcome``; raise ``Disconnected`` if that fails.

        ``on_message`` gets every message that is no reply, with the time of its
        arrival (``time.monotonic_ns``); ``on_end`` the reason, unless ``close`` is called.
        """
        self._on_message = on_message
        self._on_end = on_end
        self._commands = 0
        self._replies: dict[int, Callable[[Message, int], None]] = {}
        self._welcome: AsyncResult[None] = AsyncResult()
        self._socket, self._rest = _shake_hands(address, token)
        loop = gevent.get_hub().loop
        self._watcher = loop.io(self._socket.fileno(), _READABLE)
        self._watcher.start(self._read)
        self._take(b"")
        try:
            self._welcome.get(timeout=PATIENCE_SECONDS)
        except gevent.Timeout:
            self.close()
            raise Disconnected("no welcome came") from None

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return self._socket.fileno() >= 0

    @property
    def unanswered(self) -> int:
        """How many commands wait for their reply."""
        return len(self._replies)

    def send(self, command: Message, on_reply: Callable[[Message, int], None]) -> None:
        """Send a command; ``on_reply`` gets the answer, an error too, and when it came."""
        self._commands += 1
        self._replies[self._commands] = on_reply
        self._write(client_frame(orjson.dumps({"id": self._commands, **command})))

    def ask(self, command: Message, at_once: Callable[[Message], None] | None = None) -> Message:
        """Send a command, wait, and return what the reply holds.

        ``at_once`` gets it before the next message is looked at. Raises
        ``Refused`` where it is an error, ``Disconnected`` where none comes.
        """
        answer: AsyncResult[Message] = AsyncResult()

        def take(reply: Message, _: int) -> None:
            if at_once is not None and "ok" in reply:
                at_once(reply["ok"])
            answer.set(reply)

        self.send(command, take)
        try:
            reply = answer.get(timeout=PATIENCE_SECONDS)
        except gevent.Timeout:
            raise Disconnected(f"no answer to {command['type']} came") from None
        if "error" in reply:
            raise Refused(f"{command['type']}: {reply['error']['code']}")
        return dict(reply["ok"])

    def close(self) -> None:
        """Say goodbye and close."""
        if self.is_open:
            with contextlib.suppress(OSError):
                self._socket.send(client_frame((1000).to_bytes(2), CLOSE))
        self._release()

    def _write(self, frame: bytes) -> None:
        # A few hundred bytes fit into the kernel's buffer, or nobody reads at the other end.
        try:
            sent = self._socket.send(frame)
        except OSError as error:
            self._end(str(error))
            raise Disconnected(str(error)) from error
        if sent < len(frame):
            self._end("the gateway does not read")
            raise Disconnected("the gateway does not read")

    def _read(self) -> None:
        try:
            octets = self._socket.recv(_BUFFER_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(str(error))
            return
        if octets:
            self._take(octets)
        else:
            self._end("the gateway hung up")

    def _take(self, octets: bytes) -> None:
        now = time.monotonic_ns()
        try:
            frames, self._rest = split_frames(self._rest + octets)
            for opcode, payload in frames:
                if opcode == TEXT:
                    self._dispatch(orjson.loads(payload), now)
                elif opcode == PING:
                    self._write(client_frame(payload, PONG))
                elif opcode == CLOSE:
                    self._end(f"closed by the gateway: {int.from_bytes(payload[:2])}")
        except Exception as error:  # noqa: BLE001 - the loop would print it, and nobody count it
            self._end(f"{type(error).__name__}: {error}")

    def _dispatch(self, message: Message, now: int) -> None:
        if (number := message.get("re")) is not None:
            self._replies.pop(number)(message, now)
        elif message["type"] == "welcome":
            self._welcome.set(None)
        else:
            self._on_message(message, now)

    def _end(self, reason: str) -> None:
        if self.is_open:
            self._release()
            self._on_end(reason)

    def _release(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        self._socket.close()


def _shake_hands(address: tuple[str, int], token: str) -> tuple[socket.socket, bytes]:
    """Return the socket, non-blocking, and what came behind the answer."""
    try:
        with gevent.Timeout(PATIENCE_SECONDS, TimeoutError("no answer to the handshake came")):
            line = gevent.socket.create_connection(address)
            line.sendall(upgrade_request(f"{address[0]}:{address[1]}", token))
            octets = b""
            while b"\r\n\r\n" not in octets:
                if not (more := line.recv(_BUFFER_BYTES)):
                    raise Disconnected("the gateway hung up during the handshake")
                octets += more
    except OSError as error:
        raise Disconnected(f"cannot connect: {error}") from error
    head, _, rest = octets.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 "):
        raise Disconnected(f"refused: {head.decode('latin-1').splitlines()[0]}")
    plain: socket.socket = _Socket(fileno=line.detach())
    plain.setblocking(False)
    return plain, rest
