"""How a room looks in a terminal: events become lines, with colours where there are any.

What people wrote is shown as text and never as control sequences: a message
must not be able to clear the screen or pretend to be somebody else's.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gateway.cli.terminal_commands import HELP
from gateway.client import (
    ChatMessage,
    Connected,
    Disconnected,
    Event,
    MessageView,
    Person,
    PokerRevealed,
    PokerStarted,
    PokerState,
    PokerVoted,
    PresenceChanged,
    RoomSnapshot,
    RoomState,
    Statistics,
)
from gateway.core.text import is_plain

_COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue", "bright_red")


class View:
    """One room, seen by one person. It remembers names, for events that tell only an id."""

    def __init__(self, own_id: UUID) -> None:
        self._own_id = own_id
        self._names: dict[UUID, str] = {}

    def lines(self, event: Event, state: RoomState) -> Iterator[RenderableType]:
        """Yield what an event has to show; ``state`` is the room's after it."""
        match event.data:
            case RoomSnapshot() as snapshot:
                yield from self._snapshot(snapshot)
            case ChatMessage(author=author, content=content):
                yield _message(event.at, author, content)
            case PresenceChanged() as change:
                yield from self._presence(change)
            case PokerStarted(story=story, deck=deck, host=host):
                yield from _story(story.title, deck)
                yield _note(f"{plain(host.name)} is the host of the game")
            case PokerVoted(player=player, voted=voted):
                yield _note(f"{plain(player.name)} has voted ({voted} of {len(state.people)})")
            case PokerRevealed(votes=votes, statistics=statistics):
                yield _cards((vote.player.name, vote.card) for vote in votes)
                yield _summary(statistics)
            case Disconnected(reason=reason, retry_in_seconds=seconds):
                again = f"trying again in {max(1, round(seconds))} s…"
                yield Text(f"connection lost, {again} ({plain(reason)})", "yellow")
            case Connected():
                yield Text("back", "green")

    def typing(self, state: RoomState) -> str:
        """Return who else is typing, as a sentence; empty when nobody is."""
        names = [plain(person.name) for person in state.typing if person.id != self._own_id]
        if not names:
            return ""
        return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} typing…"

    def _snapshot(self, snapshot: RoomSnapshot) -> Iterator[RenderableType]:
        """Show the whole room at first, and after a reconnection what was missed."""
        state = snapshot.state
        messages = snapshot.missed
        if not self._names:
            yield Text(plain(state.room.name), "bold")
            messages = state.chat.messages
        if snapshot.missed_more or (not self._names and state.chat.has_more):
            yield _note("… older messages are not shown")
        for message in messages:
            yield _stored(message)
        if not self._names and state.poker is not None:
            yield from _table(state.poker)
        yield who(state)
        self._names = {person.id: person.name for person in state.people}

    def _presence(self, change: PresenceChanged) -> Iterator[RenderableType]:
        for person in change.joined:
            if person.id not in self._names:
                self._names[person.id] = person.name
                yield _note(f"→ {plain(person.name)} came in")
        for user_id in change.left:
            if (name := self._names.pop(user_id, None)) is not None:
                yield _note(f"← {plain(name)} left")


def plain(text: str) -> str:
    """Return text in which nothing acts on the terminal: what would is shown as "�"."""
    return "".join(
        character if is_plain(character, also="\n") else "�"
        for character in text.replace("\r\n", "\n").replace("\t", " ")
    )


def who(state: RoomState) -> RenderableType:
    """Return who is here."""
    names = ", ".join(plain(person.name) for person in state.people)
    return _note(f"{len(state.people)} here: {names}")


def help_table() -> RenderableType:
    """Return what can be typed."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for usage, meaning in HELP:
        table.add_row(Text(usage, "bold"), meaning)
    return table


def mistake(text: str) -> RenderableType:
    """Return why something typed was not done."""
    return Text(plain(text), "red")


def _message(at: datetime | None, author: Person | None, content: str) -> Text:
    line = Text()
    if at is not None:
        line.append(f"{at.astimezone():%H:%M} ", "dim")
    if author is not None:
        line.append(plain(author.name), f"bold {_colour(author.id)}")
    return line.append("  ").append(plain(content))


def _stored(message: MessageView) -> Text:
    return _message(message.at, message.author, message.content)


def _colour(user_id: UUID) -> str:
    return _COLOURS[user_id.int % len(_COLOURS)]


def _note(text: str) -> Text:
    return Text(text, "dim")


def _table(poker: PokerState) -> Iterator[RenderableType]:
    """Show the poker table to a newcomer."""
    if poker.story is None:
        return
    if poker.votes is not None and poker.statistics is not None:
        yield Text(f"♠ {plain(poker.story.title)}", "bold")
        yield _cards((vote.player.name, vote.card) for vote in poker.votes)
        yield _summary(poker.statistics)
        return
    yield from _story(poker.story.title, poker.deck)
    if poker.voted:
        names = ", ".join(plain(person.name) for person in poker.voted)
        yield _note(f"voted: {names}")


def _story(title: str, deck: Iterable[str]) -> Iterator[RenderableType]:
    yield Text(f"♠ {plain(title)}", "bold")
    yield _note(f"/vote with one of {' '.join(map(plain, deck))}")


def _cards(votes: Iterable[tuple[str, str]]) -> Table:
    table = Table("player", "card")
    for name, card in votes:
        table.add_row(Text(plain(name)), Text(plain(card), "bold"))
    return table


def _summary(statistics: Statistics) -> Text:
    if statistics.consensus:
        return Text("everybody agrees", "green")
    if statistics.average is None:
        return _note(f"{statistics.votes} votes, none a number")
    return _note(
        f"average {statistics.average:g} · median {statistics.median:g} · "
        f"from {statistics.minimum:g} to {statistics.maximum:g}"
    )
