"""A room, for whoever is in it."""

import asyncio
import contextlib
import random
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID, uuid4

from gateway.activities.chat.messages import MessageView
from gateway.activities.poker.messages import PokerState
from gateway.activities.protocol import RoomState
from gateway.client import state as reducer
from gateway.client.connection import Connection
from gateway.client.errors import ClientError, CommandError, NoAnswer
from gateway.client.events import Event
from gateway.client.feed import Feed
from gateway.client.socket import ConnectionLost
from gateway.client.wire import Command
from gateway.core.backoff import backoff_seconds
from gateway.core.ids import RoomId
from gateway.core.protocol.base import Committed, Person, PersonHere

if TYPE_CHECKING:
    from gateway.client.client import Client

TIMEOUT_SECONDS: Final = 30.0
"""How long a command is repeated until it is answered."""

LEAVE_SECONDS: Final = 2.0
"""How long leaving waits for the gateway to agree."""


class Room:
    """Made by ``Client.room``; open between ``async with`` and its end.

    Iterating gives every ``Event``, beginning with a ``RoomSnapshot``; your own
    doings come back like everybody's. If you do not take events, reading stops
    after a thousand of them, for all rooms of the client; if you never
    iterate, the oldest are dropped instead.

    Durable commands (``say``, ``start_story``, ``vote``, ``reveal``) return
    once they are committed. They are repeated, with the same ``key``, over
    lost connections and passing errors, for ``within_seconds`` at most: then
    ``NoAnswer`` is raised. What the gateway refuses raises ``CommandError``.
    """

    def __init__(self, client: "Client", name_or_id: str) -> None:
        self._client = client
        self._name_or_id = name_or_id
        self._connection: Connection
        self._feed: Feed | None = None

    async def __aenter__(self) -> Self:
        self._connection, room_id = await self._client.reach(self._name_or_id)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                self._feed = await self._connection.open(room_id)
        except TimeoutError:
            raise NoAnswer(f"The room was not opened within {TIMEOUT_SECONDS:.0f} s.") from None
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.leave()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self._open_feed.next()
        if event is None:
            raise StopAsyncIteration
        return event

    # What is known of the room now

    @property
    def state(self) -> RoomState:
        """The room as the events so far have made it."""
        state = self._open_feed.state
        assert state is not None  # noqa: S101 - an open feed has had its first snapshot
        return state

    @property
    def id(self) -> RoomId:
        """The room's id."""
        return self._open_feed.room_id

    @property
    def name(self) -> str:
        """The room's name."""
        return self.state.room.name

    @property
    def people(self) -> tuple[PersonHere, ...]:
        """Who is here and how, you included; where more than a hundred are, the newest ten."""
        return self.state.people

    @property
    def count(self) -> int:
        """How many people are here."""
        return self.state.count

    @property
    def typing(self) -> tuple[Person, ...]:
        """Who is typing."""
        return self.state.typing

    @property
    def messages(self) -> tuple[MessageView, ...]:
        """The newest messages, oldest first."""
        return self.state.chat.messages

    @property
    def poker(self) -> PokerState | None:
        """The poker table, if a game is on."""
        return self.state.poker

    # What you can do

    async def say(
        self, content: str, *, key: str | None = None, within_seconds: float = TIMEOUT_SECONDS
    ) -> Committed:
        """Send a message to everybody in the room."""
        return await self._record("chat.send", {"content": content}, key, within_seconds)

    async def start_story(
        self, title: str, *, key: str | None = None, within_seconds: float = TIMEOUT_SECONDS
    ) -> Committed:
        """Open a story for estimating."""
        return await self._record("poker.start", {"title": title}, key, within_seconds)

    async def vote(
        self, card: str, *, key: str | None = None, within_seconds: float = TIMEOUT_SECONDS
    ) -> Committed:
        """Play a card, or change yours, on the story that is open now."""
        feed, story = self._open_feed, self._open_story()
        data = {"card": card, **_guard(story)}
        committed = await self._record("poker.vote", data, key, within_seconds)
        if story is not None and feed.state is not None:
            feed.state = reducer.with_own_card(feed.state, story, card)
        return committed

    async def reveal(
        self, *, key: str | None = None, within_seconds: float = TIMEOUT_SECONDS
    ) -> Committed:
        """Turn the cards of the open story over."""
        return await self._record("poker.reveal", _guard(self._open_story()), key, within_seconds)

    async def start_typing(self) -> None:
        """Say that you are typing. It is good for six seconds: repeat it while it is true."""
        await self._mention("typing.start")

    async def stop_typing(self) -> None:
        """Say that you have stopped typing."""
        await self._mention("typing.stop")

    async def leave(self) -> None:
        """Close the room. You stay its member; iterating ends."""
        feed, self._feed = self._feed, None
        if feed is None:
            return
        self._connection.forget(feed)
        with contextlib.suppress(ConnectionLost, ClientError, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                if self._connection.is_up:
                    await self._connection.call(Command("room.leave", feed.room_id, {}))

    @property
    def _open_feed(self) -> Feed:
        if self._feed is None:
            raise ClientError("The room is not open: use it inside its `async with`.")
        return self._feed

    def _open_story(self) -> UUID | None:
        return self.poker.story.id if self.poker and self.poker.story else None

    async def _record(
        self, command_type: str, data: Mapping[str, Any], key: str | None, within_seconds: float
    ) -> Committed:
        command = Command(command_type, self.id, data, key or str(uuid4()))
        return Committed.model_validate(await self._until_answered(command, within_seconds))

    async def _until_answered(self, command: Command, within_seconds: float) -> Mapping[str, Any]:
        """Repeat a command until it is answered for good. Its key keeps its effect single."""
        refusal: CommandError | None = None
        failures = 0
        try:
            async with asyncio.timeout(within_seconds):
                while True:
                    try:
                        return await self._connection.call(command)
                    except ConnectionLost:
                        continue  # the call waits for the next connection by itself
                    except CommandError as error:
                        if not error.retryable:
                            raise
                        refusal = error
                    failures += 1
                    await asyncio.sleep(backoff_seconds(failures, random.random()))  # noqa: S311
        except TimeoutError:
            raise refusal or NoAnswer(f"No answer came within {within_seconds:g} s.") from None

    async def _mention(self, command_type: str) -> None:
        """Send what is of use only now: while the connection is away, nothing is sent."""
        if self._connection.is_up:
            with contextlib.suppress(ConnectionLost):
                await self._connection.call(Command(command_type, self.id, {}))


def _guard(story: UUID | None) -> dict[str, str]:
    """Return the field that keeps a command from meaning another story than you see."""
    return {"story_id": str(story)} if story is not None else {}
