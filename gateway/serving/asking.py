"""Questions between the processes of one gateway: connect, and read the answer to its end.

Over abstract Unix sockets (man 7 unix): a name without a file, so that nothing
is left behind however a process ends. Anybody on the machine may use such a
name, so each side looks whose process the other one is.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, cast

from typing_extensions import override

from gateway.runtime.supervision import Supervisor

Answer = Callable[[], Awaitable[bytes]]

_PEER: Final = struct.Struct("3i")  # struct ucred: process, user, group


@contextlib.asynccontextmanager
async def answering(name: str, answer: Answer, supervisor: Supervisor) -> AsyncIterator[None]:
    """Answer whoever of this user's processes connects to ``name``, for the block."""
    listener = _socket()
    listener.bind(_abstract(name))
    server = await asyncio.get_running_loop().create_unix_server(
        lambda: _Answering(answer, supervisor), sock=listener
    )
    try:
        yield
    finally:
        server.close()


async def ask(name: str, *, within_seconds: float) -> bytes | None:
    """Return the answer of ``name``, or ``None`` when nobody gives one in that time."""
    connection = _socket()
    try:
        connection.connect(_abstract(name))
        if not _is_ours(connection):
            connection.close()
            return None
        async with asyncio.timeout(within_seconds):
            reader, writer = await asyncio.open_unix_connection(sock=connection)
            with contextlib.closing(writer):
                return await reader.read() or None
    except OSError:  # nobody is there, its queue is full, or the time is up
        connection.close()
        return None


class _Answering(asyncio.Protocol):
    """One question: being connected to is all there is to it."""

    def __init__(self, answer: Answer, supervisor: Supervisor) -> None:
        self._answer = answer
        self._supervisor = supervisor

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = cast("asyncio.Transport", transport)
        if _is_ours(connection.get_extra_info("socket")):
            self._supervisor.job("answer", self._send_answer(connection))
        else:
            connection.abort()

    async def _send_answer(self, connection: asyncio.Transport) -> None:
        try:
            connection.write(await self._answer())
        finally:
            connection.close()


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


def _abstract(name: str) -> str:
    return "\0" + name


def _is_ours(connection: socket.socket) -> bool:
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, user, _ = _PEER.unpack(peer)
    return bool(user == os.geteuid())
