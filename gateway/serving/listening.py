"""Sockets that listen: one process alone on its port, or workers side by side.

Workers have a socket each on the one port (``SO_REUSEPORT``, man 7 socket), and
the kernel deals connections out by a hash of the addresses: evenly, whoever is
busy. A socket is open for as long as its worker serves, so nobody is sent to
one that starts, drains or is dead. ``docs/design/workers.md`` compares.
"""

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Final

from gateway.core.errors import ConfigurationError

SEND_BUFFER_BYTES: Final = 64 * 1024
"""The kernel's send buffer of a connection; Linux doubles it for its own bookkeeping.

Left to itself it grows to megabytes, and a slow reader hides behind it: the
gateway would believe it sent what nobody reads.
"""

BACKLOG: Final = 4096
"""Connections that wait to be accepted; Linux takes `net.core.somaxconn` where it is less."""


def listen(host: str, port: int) -> socket.socket:
    """Listen alone. Raises ``ConfigurationError`` when the address cannot be had."""
    with _refusals(host, port):
        return _prepared(socket.create_server((host, port), family=_family(host), backlog=BACKLOG))


@contextlib.contextmanager
def hold_port(host: str, port: int) -> Iterator[tuple[str, int]]:
    """Keep a port for the workers of this process, whether one is there or not; return where it is.

    The socket does not listen, so it gets no connection. It lets workers in
    beside it, and no other program: not even another gateway with workers.
    Raises ``ConfigurationError`` when the address cannot be had.
    """
    with contextlib.closing(socket.socket(_family(host), socket.SOCK_STREAM)) as holder:
        # For the moment of binding alone: connections of a run before may still be timing out.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with _refusals(host, port):
            holder.bind((host, port))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        yield holder.getsockname()[:2]


def listen_beside(host: str, port: int) -> socket.socket:
    """Listen on a port that this user's other processes share."""
    with _refusals(host, port):
        return _prepared(
            socket.create_server(
                (host, port), family=_family(host), backlog=BACKLOG, reuse_port=True
            )
        )


def url_of(address: tuple[str, int]) -> str:
    """Return the URL of a host and port."""
    host, port = address
    return f"http://{'[' + host + ']' if ':' in host else host}:{port}"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _prepared(listener: socket.socket) -> socket.socket:
    # Every accepted socket inherits it.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return listener


@contextlib.contextmanager
def _refusals(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigurationError(
            f"Cannot listen on {host}:{port}: {reason}. Choose another port with --port."
        ) from error
