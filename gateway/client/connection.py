"""The WebSocket of a client: kept open for ever, shared by all its rooms.

One task runs ``run``. It reads; whoever calls a command writes and waits for
the reply. When the connection ends, calls under way fail with
``ConnectionLost``, and after the next welcome every room is joined again,
from the position in its log where it was.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Mapping
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from gateway.activities.catalogue import Behind
from gateway.client import reconnection
from gateway.client.errors import ClientError, CommandError, ConnectionEnded
from gateway.client.events import Connected, Disconnected, Event
from gateway.client.feed import Feed, Gap
from gateway.client.pacer import Pacer
from gateway.client.wire import Command, Reply, decode, join_answer
from gateway.core.ids import RoomId
from gateway.core.protocol.connection import SUBPROTOCOL, Draining, Limits, Welcome

MAX_REPLY_BYTES: Final = 16 * 1024 * 1024
"""Largest message taken from the gateway. A room's state with fifty long messages has megabytes."""

CLOSE_SECONDS: Final = 2.0
"""How long a goodbye waits for the gateway's."""

MAX_IN_FLIGHT: Final = 64
"""Commands that wait for a reply at the same time; further ones wait to be sent."""

_SERVER_ERRORS: Final = 500


class ConnectionLost(Exception):
    """The connection ended before the answer came. Where it did is not known."""

    def __init__(self, reason: str, close_code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.close_code = close_code


class Connection:
    """A connection that comes back. ``run`` it in a task of its own."""

    def __init__(self, url: str, token: str) -> None:
        """``url`` is the gateway's, with the scheme ``http`` or ``https``."""
        self._url = "ws" + url.removeprefix("http") + "/ws"
        self._token = token
        self._socket: ClientConnection | None = None
        self._changed = asyncio.Event()
        self._failure: Exception | None = None
        self._ids = itertools.count(1)
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._joins: dict[int, Feed] = {}
        self._feeds: dict[RoomId, Feed] = {}
        self._may_read = asyncio.Event()
        self._failed_attempts = 0
        self._drain_seconds: float | None = None
        self._limits: Limits
        self._pacer: Pacer

    # For rooms

    async def open(self, room_id: RoomId) -> Feed:
        """Join a room, now and after every reconnection; return once its state is here.

        Raises ``CommandError`` where the gateway refuses, and ``ConnectionEnded``.
        """
        if self._failure is not None:
            raise self._failure
        if room_id in self._feeds:
            raise ClientError("This client has the room open already.")
        feed = self._feeds[room_id] = Feed(room_id, on_space=self._may_read.set)
        try:
            if self._socket is not None:
                with contextlib.suppress(ConnectionLost):  # the next connection joins it
                    await self._join(self._socket, feed)
            await feed.opened
        except BaseException:
            self.forget(feed)
            raise
        return feed

    def forget(self, feed: Feed) -> None:
        """Take a room out: its events are no longer wanted."""
        feed.close()
        self._feeds.pop(feed.room_id, None)

    async def call(self, command: Command) -> Mapping[str, Any]:
        """Send a command once and return what the reply gives.

        While there is no connection, this waits for one. Raises
        ``ConnectionLost`` when it ended before the reply, ``CommandError``
        when the gateway refused, and ``ConnectionEnded``.
        """
        async with self._in_flight:
            socket = await self._up()
            await asyncio.sleep(self._pacer.delay_seconds(time.monotonic()))
            answer = await self._exchange(socket, command)
        if answer.error is not None:
            raise answer.error
        return answer.ok

    @property
    def is_up(self) -> bool:
        """Whether the gateway has welcomed the connection and it has not ended."""
        return self._socket is not None

    async def _exchange(self, socket: ClientConnection, command: Command) -> Reply:
        """Send a command and wait for its reply."""
        command_id = next(self._ids)
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending[command_id] = reply
        # The reply may stand behind events that nobody takes while waiting for it.
        self._may_read.set()
        try:
            await self._send(socket, command, command_id)
            return await reply
        finally:
            del self._pending[command_id]

    # The task

    async def run(self) -> None:
        """Keep the connection open until cancelled, or until the gateway ends it for good."""
        try:
            while True:
                await self._connect_and_wait()
        except asyncio.CancelledError:
            self._fail(ClientError("The client was closed."))
            raise
        except Exception as error:  # noqa: BLE001 - raised again at whoever waits for something
            self._fail(error)

    async def _connect_and_wait(self) -> None:
        """Run one connection from its handshake to its end, and wait until the next is due."""
        try:
            await self._connect()
        except ConnectionLost as lost:
            if reconnection.is_final(lost.close_code):
                raise ConnectionEnded(lost.close_code, lost.reason) from lost
            wait_seconds = self._wait_seconds(lost.close_code)
            self._failed_attempts += 1
            for feed in self._feeds.values():
                feed.tell(Disconnected(lost.reason, wait_seconds))
            await asyncio.sleep(wait_seconds)

    def _wait_seconds(self, close_code: int | None) -> float:
        """Return the gateway's own wish where it told one, else what the policy says."""
        wish, self._drain_seconds = self._drain_seconds, None
        if wish is not None:
            return wish
        return reconnection.wait_seconds(
            close_code,
            self._failed_attempts,
            random.random(),  # noqa: S311 - jitter is no secret
        )

    async def _connect(self) -> None:
        """Run one connection; ends by raising ``ConnectionLost`` or ``ConnectionEnded``."""
        try:
            async with connect(
                self._url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                additional_headers={"Authorization": f"Bearer {self._token}"},
                compression=None,
                ping_interval=None,  # it begins with the welcome, which tells the interval
                close_timeout=CLOSE_SECONDS,
                max_size=MAX_REPLY_BYTES,
            ) as socket:
                await self._converse(socket)
        except ConnectionClosed as error:
            close = error.rcvd
            reason = (close and close.reason) or "The connection broke."
            raise ConnectionLost(reason, close.code if close else None) from error
        except InvalidStatus as error:
            status = error.response.status_code
            if status >= _SERVER_ERRORS:
                raise ConnectionLost(f"The gateway answered {status}.") from error
            raise ConnectionEnded(
                None, f"The gateway refused the connection ({status})."
            ) from error
        except (OSError, WebSocketException) as error:
            raise ConnectionLost("The gateway does not answer.") from error
        finally:
            self._down()

    async def _converse(self, socket: ClientConnection) -> None:
        """Read messages until the connection ends."""
        try:
            await self._greet(socket, decode(await socket.recv()))
            while True:
                await self._take(decode(await socket.recv()))
        except Gap as gap:
            raise ConnectionLost(f"Something was missed: {gap}.") from gap
        except ValueError as error:
            raise ConnectionEnded(None, "What the gateway says cannot be understood.") from error

    async def _greet(self, socket: ClientConnection, welcome: object) -> None:
        if not isinstance(welcome, Welcome):
            raise ValueError("the first message is no welcome")  # noqa: TRY004 - of the wire's text
        if welcome.user is None:
            raise ConnectionEnded(None, "The sign-in is no longer good: sign in again.")
        # A silent death of the network shows within two heartbeats.
        socket.ping_interval = socket.ping_timeout = welcome.heartbeat_seconds
        socket.start_keepalive()
        self._limits = welcome.limits
        self._pacer = Pacer(welcome.limits.commands_per_second)
        self._failed_attempts = 0
        self._socket = socket
        self._changed.set()
        for feed in list(self._feeds.values()):
            feed.tell(Connected())
            await self._join(socket, feed)

    async def _take(self, message: object) -> None:
        """Pass a message on to whom it concerns; unknown notices concern nobody."""
        match message:
            case Event(room=room_id) if feed := self._feeds.get(room_id):
                await self._wait_for_space(feed)
                feed.receive(message)
            case Reply(re=command_id) if feed := self._joins.pop(command_id, None):
                await self._joined(feed, message)
            case Reply(re=command_id) if (reply := self._pending.get(command_id)) is not None:
                if not reply.done():
                    reply.set_result(message)
            case Behind(room=room_id) if feed := self._feeds.get(RoomId(room_id)):
                feed.catch_up(message)
            case Draining(reconnect_in_ms=milliseconds):
                self._drain_seconds = milliseconds / 1000

    async def _joined(self, feed: Feed, reply: Reply) -> None:
        if reply.error is None:
            await self._wait_for_space(feed)
            feed.open(join_answer(reply))
        elif reply.error.retryable:
            raise ConnectionLost(reply.error.message) from reply.error
        else:
            feed.fail(reply.error)
            self.forget(feed)

    async def _wait_for_space(self, feed: Feed) -> None:
        """Read no further while nobody takes the room's events.

        But a reply that somebody waits for stands behind them, perhaps for the
        very one who should take them.
        """
        while feed.is_full and (feed.is_overfull or not self._pending):
            self._may_read.clear()
            await self._may_read.wait()

    async def _join(self, socket: ClientConnection, feed: Feed) -> None:
        command_id = next(self._ids)
        self._joins[command_id] = feed
        data = {"since": feed.state.position.model_dump()} if feed.state is not None else {}
        await self._send(socket, Command("room.join", feed.room_id, data), command_id)

    async def _send(self, socket: ClientConnection, command: Command, command_id: int) -> None:
        text = command.encode(command_id)
        limit = self._limits.max_message_bytes
        if len(text) > limit:
            raise CommandError(
                "too_large",
                f"A message has at most {limit} bytes, this one {len(text)}.",
                retryable=False,
            )
        try:
            await socket.send(text, text=True)
        except ConnectionClosed as error:
            raise ConnectionLost("The connection broke.") from error

    async def _up(self) -> ClientConnection:
        while (socket := self._socket) is None:
            if self._failure is not None:
                raise self._failure
            await self._changed.wait()
        return socket

    def _down(self) -> None:
        """Forget the connection, and fail what waits for its replies."""
        self._socket = None
        self._changed.clear()
        self._joins.clear()
        for reply in self._pending.values():
            if not reply.done():
                reply.set_exception(ConnectionLost("The connection was lost."))

    def _fail(self, error: Exception) -> None:
        """End for good: whoever waits, now or later, gets the error."""
        self._failure = error
        for feed in list(self._feeds.values()):
            feed.fail(error)
        self._changed.set()
