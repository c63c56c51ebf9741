"""The WebSocket library, in the client's own terms: the only module that knows its errors."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from gateway.client.errors import ConnectionEnded
from gateway.client.reconnection import is_final, retry_after_seconds
from gateway.core.protocol.connection import SUBPROTOCOL

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""Largest message taken from the gateway. A room's state with fifty long messages has megabytes."""

CLOSE_SECONDS: Final = 2.0
"""How long a goodbye waits for the gateway's."""

_log = logging.getLogger("gateway.client.websocket")
# At DEBUG the library writes every header of the handshake, the token among them.
_log.setLevel(logging.INFO)


class ConnectionLost(Exception):
    """The connection ended, or did not begin; coming back may help."""

    def __init__(
        self,
        reason: str,
        close_code: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        """``retry_after_seconds`` is what the gateway, or what stands before it, asked for."""
        super().__init__(reason)
        self.reason = reason
        self.close_code = close_code
        self.retry_after_seconds = retry_after_seconds


class Socket:
    """An open WebSocket. It ends in ``ConnectionLost``, or ``ConnectionEnded`` if for good."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> str | bytes:
        """Return the next message."""
        try:
            return await self._connection.recv()
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else None
            reason = (error.rcvd and error.rcvd.reason) or "The connection broke."
            if is_final(code):
                raise ConnectionEnded(code, reason) from error
            raise ConnectionLost(reason, code) from error

    async def send(self, text: bytes) -> None:
        """Send a message, as fast as the gateway takes it. ``receive`` tells why it ended."""
        try:
            await self._connection.send(text, text=True)
        except ConnectionClosed as error:
            raise ConnectionLost("The connection broke.") from error

    def keep_alive(self, heartbeat_seconds: float) -> None:
        """Ping from now on, so that a silent death of the network shows within two heartbeats."""
        self._connection.ping_interval = self._connection.ping_timeout = heartbeat_seconds
        self._connection.start_keepalive()


@asynccontextmanager
async def open_socket(url: str, token: str) -> AsyncIterator[Socket]:
    """Connect to the gateway at ``url`` (``http`` or ``https``), and say goodbye in the end."""
    connection = await _connect("ws" + url.removeprefix("http") + "/ws", token)
    try:
        yield Socket(connection)
    finally:
        await connection.close()


async def _connect(url: str, token: str) -> ClientConnection:
    try:
        return await connect(
            url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            ping_interval=None,  # it begins with the welcome, which tells the interval
            close_timeout=CLOSE_SECONDS,
            max_size=MAX_MESSAGE_BYTES,
            logger=_log,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            wish = retry_after_seconds(error.response.headers.get("Retry-After", ""))
            raise ConnectionLost(
                f"The gateway answered {status}.", retry_after_seconds=wish
            ) from error
        raise ConnectionEnded(None, f"The gateway refused the connection ({status}).") from error
    except (OSError, WebSocketException) as error:
        raise ConnectionLost("The gateway does not answer.") from error
