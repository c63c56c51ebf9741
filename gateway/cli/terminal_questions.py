"""What somebody asks in a terminal, answered by the gateway."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from rich.console import RenderableType

from gateway.cli.terminal_actions import NotPossible, last_of, nth_last
from gateway.cli.terminal_answers import Answers
from gateway.cli.terminal_lines import Edits, Members, More, Question, Search, Thread, WhoRead
from gateway.cli.terminal_view import View
from gateway.client import MessagePage, MessageView, Room, RoomState, UnknownMessage

PAGE: Final = 20
"""Messages shown at a time: a screenful."""

LIST: Final = 100
"""Members and answers shown: all, where they are few enough to look through."""


class Questions:
    """The room, as ``own_id`` asks about it; answers look as in the view."""

    def __init__(self, room: Room, view: View, own_id: UUID) -> None:
        self._room = room
        self._view = view
        self._own_id = own_id
        self._oldest: MessageView | None = None
        """The oldest message on the screen."""
        self._previous: str | None = None
        """The page before those that were shown already."""

    def room_shown(self, state: RoomState) -> None:
        """Begin anew, as the whole room was shown."""
        self._oldest = state.chat.messages[0] if state.chat.has_more else None
        self._previous = None

    async def answer(self, question: Question) -> Iterable[RenderableType]:
        """Return what there is to show; raises ``NotPossible`` and what the client raises."""
        room, answers = self._room, self._answers()
        match question:
            case More():
                return await self._more()
            case Search(words):
                found = await room.search(words, limit=PAGE)
                self._meet(found.messages)
                return answers.found(found)
            case Thread(place):
                return await self._thread(place)
            case Edits(place):
                message = nth_last(room.messages, place) if place else _last_changed(room.messages)
                return answers.edits(message, await room.edits(message.id))
            case WhoRead(place):
                own = self._own_id
                message = nth_last(room.messages, place) if place else last_of(room.messages, own)
                return answers.readers(message, await room.receipts(message.id))
            case Members():
                page = await room.members(limit=LIST)
                self._view.people.meet(member.user for member in page.members)
                return answers.members(page)

    async def _more(self) -> Iterable[RenderableType]:
        page = await self._page_before()
        messages = page.messages if page is not None else ()
        if self._oldest is not None:
            messages = tuple(message for message in messages if message.seq < self._oldest.seq)
        self._meet(messages)
        self._previous = page.previous if page is not None else None
        self._oldest = messages[0] if messages and self._previous else None
        return self._answers().earlier(messages, has_more=self._oldest is not None)

    async def _page_before(self) -> MessagePage | None:
        """Return a page that reaches back before what is shown; ``None`` where nothing can be."""
        if self._previous is not None:
            return await self._room.history(before=self._previous, limit=PAGE)
        if self._oldest is None:
            return None
        try:  # half of it is older
            return await self._room.history(around=self._oldest.id, limit=2 * PAGE)
        except UnknownMessage:  # the room has forgotten it, and all before it
            return None

    async def _thread(self, place: int | None) -> Iterable[RenderableType]:
        messages = self._room.messages
        message = nth_last(messages, place) if place else _last_answer(messages)
        root = message
        if message.reply_to is not None:
            root = await self._room.message(message.reply_to)
        page = await self._room.replies(root.id, limit=LIST)
        self._meet([root, *page.messages])
        return self._answers().thread(root, page)

    def _answers(self) -> Answers:
        return Answers(self._view.messages, self._room.state, self._own_id, datetime.now(UTC))

    def _meet(self, messages: Iterable[MessageView]) -> None:
        self._view.people.meet(message.author for message in messages if message.author)


def _last_changed(messages: tuple[MessageView, ...]) -> MessageView:
    changed = [message for message in messages if message.edited_at is not None]
    if not changed:
        raise NotPossible("No message known here was changed.")
    return max(changed, key=lambda message: message.edited_at or message.at)


def _last_answer(messages: tuple[MessageView, ...]) -> MessageView:
    answers = [message for message in messages if message.reply_to is not None]
    if not answers:
        raise NotPossible("Nobody has answered a message known here.")
    return answers[-1]
