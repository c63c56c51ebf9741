"""Connections that always have some commands under way, in one thread, as cheap as crowd.py."""

import re
import select
import socket
import time
from collections.abc import Callable, Sequence
from itertools import count

from benchmarks.crowd import PATIENCE_SECONDS, client_frame, upgrade_request

_BUFFER_BYTES = 256 * 1024

_REPLY = re.compile(rb'"re":(\d+),"(ok|error)"')

_KEPT_BYTES = 32
# As long as the part of a reply's beginning that came without its end may be.


class Refused(Exception):
    """A command was not carried out."""


class _Sender:
    """One connection and its share of the commands."""

    def __init__(self, port: int, token: str, frames: Sequence[bytes]) -> None:
        self.waits: list[float] = []
        self._frames = frames
        self._sent_at: list[float] = []
        self._rest = b""
        self.line = socket.create_connection(("127.0.0.1", port))
        self.line.settimeout(PATIENCE_SECONDS)
        self.line.sendall(upgrade_request(token))
        welcome = b""
        while b'"welcome"' not in welcome or not welcome.endswith(b"}"):
            welcome += self.line.recv(_BUFFER_BYTES)

    @property
    def is_done(self) -> bool:
        """Whether every command is answered."""
        return len(self.waits) == len(self._frames)

    def send(self, commands: int) -> None:
        """Send so many more, if there are so many."""
        begin = len(self._sent_at)
        some = self._frames[begin : begin + commands]
        if some:
            self._sent_at += [time.perf_counter()] * len(some)
            self.line.sendall(b"".join(some))

    def take(self) -> int:
        """Read what has come; return how many commands it answers."""
        octets = self._rest + self.line.recv(_BUFFER_BYTES)
        now, end, answered = time.perf_counter(), 0, 0
        for reply in _REPLY.finditer(octets):
            if reply[2] != b"ok":
                raise Refused(octets[reply.start() : reply.start() + 200])
            self.waits.append(now - self._sent_at[int(reply[1])])
            end = reply.end()
            answered += 1
        self._rest = octets[max(end, len(octets) - _KEPT_BYTES) :]
        return answered


def send_all(
    port: int,
    tokens: Sequence[str],
    command: Callable[[int, int], bytes],
    *,
    commands: int,
    window: int,
) -> list[float]:
    """Send so many commands over a connection for each token; return the seconds each took.

    ``command`` makes the text of one, from its ``id`` on its connection and its
    number among all. At most ``window`` are under way on a connection.
    """
    share = commands // len(tokens)
    numbers = count()
    poll = select.epoll()
    senders: dict[int, _Sender] = {}
    for token in tokens:
        frames = [client_frame(command(number, next(numbers))) for number in range(share)]
        sender = _Sender(port, token, frames)
        senders[sender.line.fileno()] = sender
        poll.register(sender.line, select.EPOLLIN)
    for sender in senders.values():
        sender.send(window)
    while not all(sender.is_done for sender in senders.values()):
        ready = poll.poll(PATIENCE_SECONDS)
        if not ready:
            raise TimeoutError("no answer comes any more")
        for number, _ in ready:
            senders[number].send(senders[number].take())
    for sender in senders.values():
        sender.line.close()
    poll.close()
    return [wait for sender in senders.values() for wait in sender.waits]
