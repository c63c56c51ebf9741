"""How answers to questions about a room look in a terminal.

A terminal cannot insert above what it has shown, so what was said earlier is
printed below, between a line that says so and a line back to the present.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from rich.console import RenderableType
from rich.text import Text

from gateway.cli.terminal_messages import Messages
from gateway.cli.terminal_text import Entry, moment, note, person, plain
from gateway.client import (
    EditHistory,
    FoundPage,
    MemberPage,
    MemberView,
    MessageView,
    PersonHere,
    Receipts,
    RepliesPage,
    RoomState,
)

_NOW: Final = Text("— now —", "bold")


class Answers:
    """Answers as ``own_id`` sees them at ``now``; ``state`` is the room's."""

    def __init__(self, messages: Messages, state: RoomState, own_id: UUID, now: datetime) -> None:
        self._own_id = own_id
        self._messages = messages
        self._state = state
        self._now = now

    def earlier(
        self, messages: Sequence[MessageView], *, has_more: bool
    ) -> Iterator[RenderableType]:
        """Show what was said before what is on the screen."""
        if not messages:
            yield note("Nothing was said earlier.")
            return
        yield Text("— earlier —" if has_more else "— earlier, from the beginning —", "bold")
        yield from self._said(messages)
        yield _NOW

    def found(self, page: FoundPage) -> Iterator[RenderableType]:
        """Show the messages that have the words, the newest last: there one looks first."""
        if not page.messages:
            yield note("No message has these words; they are found whole, as they were written.")
            return
        count = "the newest " if page.next is not None else ""
        yield Text(f"— found: {count}{len(page.messages)} —", "bold")
        yield from self._said(page.messages[::-1])
        if page.next is not None:
            yield note("… older ones have them too; with more words there are fewer")
        yield _NOW

    def thread(self, root: MessageView, page: RepliesPage) -> Iterator[RenderableType]:
        """Show a message and the answers to it."""
        if not page.messages:
            yield note(f"Nobody has answered {self._messages.reference(root)}.")
            return
        yield Text("— thread —", "bold")
        replies = (reply.model_copy(update={"reply_to": None}) for reply in page.messages)
        yield from self._said([root, *replies])
        if page.next is not None:
            yield note("… newer answers are not shown")
        yield _NOW

    def edits(self, message: MessageView, history: EditHistory) -> Iterator[RenderableType]:
        """Show what a message said, and until when."""
        if not history.edits:
            yield note(f"{self._messages.reference(message)} was never changed.")
            return
        yield Text(f"— what was before {self._messages.reference(message)} —", "bold")
        for edit in history.edits:
            until = note(f"until {moment(edit.replaced_at, self._now)}: ")
            yield Entry(until.append(Text(plain(edit.content), style="not dim")))

    def readers(self, message: MessageView, receipts: Receipts) -> Iterator[RenderableType]:
        """Show who has read a message, and when where that is known."""
        names = [
            plain(receipt.user.name)
            + (f" ({moment(receipt.read_at, self._now)})" if receipt.read_at else "")
            for receipt in receipts.receipts
        ]
        readers = f"has been read by {', '.join(names)}" if names else "has not been read yet"
        yield note(f"{self._messages.reference(message)} {readers}")

    def members(self, page: MemberPage) -> Iterator[RenderableType]:
        """Show members with their roles, who of them is here, away, muted."""
        here = {somebody.id: somebody for somebody in self._state.people}
        for member in page.members:
            yield self._member(member, here.get(member.user.id))
        if page.next is not None:
            yield note("… and more")
        if self._state.count > len(here):
            yield note(f"{self._state.count} are here, of whom only the newest are known")

    def _member(self, member: MemberView, here: PersonHere | None) -> Text:
        notes: list[str] = [member.role]
        if member.user.id == self._own_id:
            notes.append("you")
        elif here is not None:
            notes.append("away" if here.status == "away" else "here")
        if member.muted_until is not None and member.muted_until > self._now:
            notes.append(f"muted until {moment(member.muted_until, self._now)}")
        return person(member.user.name, member.user.id).append(f"  {', '.join(notes)}", "dim")

    def _said(self, messages: Iterable[MessageView]) -> Iterator[RenderableType]:
        """Show messages; where a day begins that is not today, its date."""
        messages = tuple(messages)
        known = (*messages, *self._state.chat.messages)
        chat = self._state.chat.model_copy(update={"messages": known})
        state = self._state.model_copy(update={"chat": chat})
        day: date = self._now.astimezone().date()
        for message in messages:
            if (said := message.at.astimezone().date()) != day:
                yield note(f"{said:%Y-%m-%d}")
                day = said
            yield self._messages.said(message, message.at, state)
