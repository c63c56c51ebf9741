"""A room, for whoever is in it."""

import asyncio
import contextlib
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, Unpack
from uuid import UUID, uuid4

from pydantic import BaseModel
from typing_extensions import override

from gateway.activities.chat.messages import MessageView
from gateway.activities.poker.messages import PokerState
from gateway.activities.protocol import RoomState
from gateway.client import state as reducer
from gateway.client.asking import QUESTION_SECONDS, until_answered
from gateway.client.connection import Connection
from gateway.client.errors import ClientError, NoAnswer
from gateway.client.events import Event
from gateway.client.feed import Feed
from gateway.client.room_commands import TIMEOUT_SECONDS, Repetition, RoomCommands
from gateway.client.room_questions import RoomQuestions
from gateway.client.socket import ConnectionLost
from gateway.client.wire import Command
from gateway.core.ids import RoomId
from gateway.core.protocol.base import Committed, Person, PersonHere

if TYPE_CHECKING:
    from gateway.client.client import Client

LEAVE_SECONDS: Final = 2.0
"""How long leaving waits for the gateway to agree."""

_Answer = TypeVar("_Answer", bound=BaseModel)


class Room(RoomCommands, RoomQuestions):
    """Made by ``Client.room``; open between ``async with`` and its end.

    Iterating gives every ``Event``, beginning with a ``RoomSnapshot``; your own
    doings come back like everybody's. If you do not take events, reading stops
    after a thousand of them, for all rooms of the client; if you never
    iterate, the oldest are dropped instead.

    It ends when you leave. When somebody puts you out, the event that says so is
    followed by ``MembershipEnded``; nothing opens the room again by itself.
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
    def unread(self) -> int:
        """How many of ``messages`` you have not read, where deleted ones do not count.

        More may be where even the first is unread and ``state.chat.has_more``.
        """
        return reducer.unread(self.state)

    @property
    def poker(self) -> PokerState | None:
        """The poker table, if a game is on."""
        return self.state.poker

    # What you can do

    async def vote(self, card: str, **repetition: Unpack[Repetition]) -> Committed:
        """Play a card, or change yours, on the story that is open now."""
        feed, story = self._open_feed, self._open_story()
        committed = await self._commit("poker.vote", {"card": card, **_guard(story)}, repetition)
        if story is not None and feed.state is not None:
            feed.state = reducer.with_own_card(feed.state, story, card)
        return committed

    async def reveal(self, **repetition: Unpack[Repetition]) -> Committed:
        """Turn the cards of the open story over."""
        return await self._commit("poker.reveal", _guard(self._open_story()), repetition)

    async def mark_read(
        self, seq: int | None = None, **repetition: Unpack[Repetition]
    ) -> Committed:
        """Move your read marker to a ``seq``, or over all that has come so far. It never goes back.

        ``state.room.read_up_to`` is where it stands, moved from your other devices as well.
        """
        feed = self._open_feed
        up_to = self.state.position.seq if seq is None else seq
        committed = await self._commit("chat.read", {"seq": up_to}, repetition)
        if feed.state is not None:  # in a large room no event tells it
            feed.state = reducer.with_marker(feed.state, up_to)
        return committed

    async def leave_for_good(self, **repetition: Unpack[Repetition]) -> Committed:
        """Stop being a member; iterating ends. The last admin cannot: ``LastAdmin``."""
        feed = self._open_feed
        feed.is_leaving = True
        try:
            committed = await self._commit("member.leave", {}, repetition)
        except BaseException:
            await self._connection.stay(feed)
            raise
        self._connection.forget(feed)
        return committed

    async def start_typing(self) -> None:
        """Say that you are typing. It is good for six seconds: repeat it while it is true."""
        await self._mention("typing.start")

    async def stop_typing(self) -> None:
        """Say that you have stopped typing."""
        await self._mention("typing.stop")

    async def leave(self) -> None:
        """Close the room. You stay its member; iterating ends."""
        feed, self._feed = self._feed, None
        if feed is None or feed.is_closed:
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

    @override
    async def _commit(
        self, command_type: str, data: Mapping[str, Any], repetition: Repetition
    ) -> Committed:
        key = repetition.get("key") or str(uuid4())
        within_seconds = repetition.get("within_seconds", TIMEOUT_SECONDS)
        command = Command(command_type, self.id, data, key)
        return await until_answered(self._connection, command, Committed, within_seconds)

    @override
    async def _ask(
        self, command_type: str, data: Mapping[str, Any], answer_type: type[_Answer]
    ) -> _Answer:
        command = Command(command_type, self.id, data)
        return await until_answered(self._connection, command, answer_type, QUESTION_SECONDS)

    async def _mention(self, command_type: str) -> None:
        """Send what is of use only now: while the connection is away, nothing is sent."""
        if self._connection.is_up:
            with contextlib.suppress(ConnectionLost):
                await self._connection.call(Command(command_type, self.id, {}))


def _guard(story: UUID | None) -> dict[str, str]:
    """Return the field that keeps a command from meaning another story than you see."""
    return {"story_id": str(story)} if story is not None else {}
