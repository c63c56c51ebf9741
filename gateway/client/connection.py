"""The connection of a client: kept open for ever, shared by all its rooms.

One task runs ``run``. It reads; whoever calls a command writes and waits for
the reply. When the connection ends, calls under way fail with
``ConnectionLost``, and after the next welcome every room is joined again,
from the position in its log where it was.
"""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, get_args
from uuid import UUID

from gateway.activities.protocol import COMMANDS, Behind, RoomClosed
from gateway.client import reconnection
from gateway.client.conversation import Conversation
from gateway.client.errors import ClientError, ConnectionEnded
from gateway.client.events import Connected, Disconnected, Event
from gateway.client.feed import Feed, Gap
from gateway.client.socket import ConnectionLost, Socket, open_socket
from gateway.client.wire import Command, Reply, decode, join_answer
from gateway.core.ids import RoomId
from gateway.core.protocol.base import Status
from gateway.core.protocol.connection import Draining, Welcome

_ACTS: Final = frozenset(
    get_args(command.model_fields["type"].annotation)[0]
    for command in COMMANDS
    if command.is_activity
)
"""Commands that end being away."""


class Connection:
    """A connection that comes back. ``run`` it in a task of its own."""

    def __init__(self, url: str, token: str, own_id: UUID) -> None:
        """``url`` is the gateway's, with the scheme ``http`` or ``https``; ``own_id`` is yours."""
        self._url = url
        self._token = token
        self._own_id = own_id
        self._conversation: Conversation | None = None
        self._failure: Exception | None = None
        self._changed = asyncio.Event()
        self._feeds: dict[RoomId, Feed] = {}
        self._may_read = asyncio.Event()
        self._failed_attempts = 0
        self._drain_seconds: float | None = None
        self._said: Status | None = None
        """How you said that you are, as long as that holds: a new connection is told."""

    # For rooms

    @property
    def is_up(self) -> bool:
        """Whether the gateway has welcomed the connection and it has not ended."""
        return self._conversation is not None

    async def open(self, room_id: RoomId) -> Feed:
        """Join a room, now and after every reconnection; return once its state is here.

        Raises ``CommandError`` where the gateway refuses, and ``ConnectionEnded``.
        """
        if self._failure is not None:
            raise self._failure
        if room_id in self._feeds:
            raise ClientError("This client has the room open already.")
        feed = self._feeds[room_id] = Feed(room_id, self._own_id, self._may_read.set)
        try:
            if self._said == "away":  # nobody who is away opens a room
                self._said = None
            if self._conversation is not None:
                with suppress(ConnectionLost):  # the next connection joins it
                    await self._conversation.join(feed, self._said)
            await feed.opened
        except BaseException:
            self.forget(feed)
            raise
        return feed

    def forget(self, feed: Feed) -> None:
        """Take a room out: its events are no longer wanted."""
        feed.close()
        if self._feeds.get(feed.room_id) is feed:  # else it ended, and was opened again
            del self._feeds[feed.room_id]

    async def stay(self, feed: Feed) -> None:
        """Keep a room after all that was about to be left for good."""
        feed.is_leaving = False
        if feed.is_left_out and self._conversation is not None:
            with suppress(ConnectionLost):  # the next connection joins it
                await self._conversation.join(feed, self._said)

    async def call(self, command: Command) -> Mapping[str, Any]:
        """Send a command once and return what the reply gives.

        While there is no connection, this waits for one. Raises
        ``ConnectionLost`` when it ended before the reply, ``CommandError``
        when the gateway refused, and ``ConnectionEnded``.
        """
        while (conversation := self._conversation) is None:
            if self._failure is not None:
                raise self._failure
            await self._changed.wait()
        if self._said == "away" and command.type in _ACTS:
            self._said = None
        answer = await conversation.call(command)
        if command.type == "presence.set":
            self._said = command.data["status"]
        return answer

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
            async with open_socket(self._url, self._token) as socket:
                await self._converse(socket)
        except ConnectionLost as lost:
            wait_seconds = self._wait_seconds(lost)
            self._failed_attempts += 1
            for feed in self._feeds.values():
                feed.tell(Disconnected(lost.reason, wait_seconds))
            await asyncio.sleep(wait_seconds)

    def _was_away(self) -> bool:
        """Whether you were away on all your devices, as far as a room that is open shows it."""
        people = (
            person
            for feed in self._feeds.values()
            if feed.state is not None
            for person in feed.state.people
        )
        return any(person.id == self._own_id and person.status == "away" for person in people)

    def _wait_seconds(self, lost: ConnectionLost) -> float:
        """Return the gateway's own wish where it told one, else what the policy says."""
        wish, self._drain_seconds = self._drain_seconds, None
        jitter = random.random()  # noqa: S311 - no secret
        if wish is not None:
            return wish
        if lost.retry_after_seconds is not None:
            return lost.retry_after_seconds + jitter  # whole seconds hold many clients
        return reconnection.wait_seconds(lost.close_code, self._failed_attempts, jitter)

    async def _converse(self, socket: Socket) -> None:
        """Read messages until the connection ends, which raises."""
        try:
            conversation = await self._greet(socket)
            while True:
                await self._take(conversation, decode(await socket.receive()))
        except Gap as gap:
            raise ConnectionLost(f"Something was missed: {gap}.") from gap
        except ValueError as error:
            raise ConnectionEnded(None, "What the gateway says cannot be understood.") from error
        finally:
            self._down()

    async def _greet(self, socket: Socket) -> Conversation:
        """Wait for the welcome, and join the rooms that are open."""
        welcome = decode(await socket.receive())
        if not isinstance(welcome, Welcome):
            raise ValueError("the first message is no welcome")  # noqa: TRY004 - of the wire's text
        if welcome.user is None:
            raise ConnectionEnded(None, "The sign-in is no longer good: sign in again.")
        socket.keep_alive(welcome.heartbeat_seconds)
        self._failed_attempts = 0
        conversation = self._conversation = Conversation(
            socket, welcome.limits, on_call=self._may_read.set
        )
        self._changed.set()
        status = self._said or ("away" if self._was_away() else None)
        for feed in list(self._feeds.values()):
            feed.tell(Connected())
            feed.is_left_out = feed.is_leaving
            if not feed.is_left_out:
                await conversation.join(feed, status)
        return conversation

    async def _take(self, conversation: Conversation, message: object) -> None:
        """Pass a message on to whom it concerns; unknown notices concern nobody."""
        match message:
            case Event(room=room_id) if feed := self._feeds.get(room_id):
                await self._wait_for_space(conversation, feed)
                feed.receive(message)
                if feed.is_closed:  # you are not a member any more
                    self.forget(feed)
            case Behind(room=room_id) if feed := self._feeds.get(RoomId(room_id)):
                await self._wait_for_space(conversation, feed)
                feed.catch_up(message)
            case RoomClosed(room=room_id) if feed := self._feeds.get(RoomId(room_id)):
                feed.put_out()
                if feed.is_closed:
                    self.forget(feed)
            case Reply() if feed := conversation.joined(message):
                await self._wait_for_space(conversation, feed)
                self._joined(feed, message)
            case Reply():
                conversation.answer(message)
            case Draining(reconnect_in_ms=milliseconds):
                self._drain_seconds = milliseconds / 1000

    def _joined(self, feed: Feed, reply: Reply) -> None:
        if reply.error is None:
            feed.open(join_answer(reply))
        elif reply.error.retryable:
            raise ConnectionLost(reply.error.message) from reply.error
        else:
            feed.fail(reply.error)
            self.forget(feed)

    async def _wait_for_space(self, conversation: Conversation, feed: Feed) -> None:
        """Read no further while nobody takes the room's events.

        But a reply that somebody waits for stands behind them, perhaps for the
        very one who should take them.
        """
        while feed.is_full and (feed.is_overfull or not conversation.is_awaited):
            self._may_read.clear()
            await self._may_read.wait()

    def _down(self) -> None:
        """Forget the connection, and fail what waits for its replies."""
        conversation, self._conversation = self._conversation, None
        self._changed.clear()
        if conversation is not None:
            conversation.end()

    def _fail(self, error: Exception) -> None:
        """End for good: whoever waits, now or later, gets the error."""
        self._failure = error
        for feed in list(self._feeds.values()):
            feed.fail(error)
        self._changed.set()
