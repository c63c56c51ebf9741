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
    Behind,
    ChatMessage,
    Disconnected,
    Event,
    Person,
    PersonHere,
    PokerRevealed,
    PokerStarted,
    PokerState,
    PokerVoted,
    PresenceChanged,
    Resumed,
    RoomSnapshot,
    RoomState,
    Statistics,
)
from gateway.core.text import is_plain

_COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue", "bright_red")


class View:
    """One room, seen by one person. It remembers whom it has shown as here, and how."""

    def __init__(self, own_id: UUID) -> None:
        self._own_id = own_id
        self._people: dict[UUID, PersonHere] = {}

    def lines(self, event: Event, state: RoomState) -> Iterator[RenderableType]:
        """Yield what an event has to show; ``state`` is the room's after it."""
        match event.data:
            case RoomSnapshot(state=whole):
                yield from _room(whole)
                self._people = _people(whole)
            case ChatMessage(author=author, content=content):
                yield _message(event.at, author, content)
            case PokerStarted(story=story, deck=deck):
                yield from _story(story.title, deck)
            case PokerVoted(player=player, voted=voted):
                here = max(state.count, voted)
                yield _note(f"{plain(player.name)} has voted ({voted} of {here})")
            case PokerRevealed(votes=votes, statistics=statistics):
                yield _cards((vote.player.name, vote.card) for vote in votes)
                yield _summary(statistics)
            case Disconnected(reason=reason, retry_in_seconds=seconds):
                again = f"trying again in {max(1, round(seconds))} s…"
                yield Text(f"connection lost, {again} ({plain(reason)})", "yellow")
            case Resumed(missed=missed):
                yield Text(f"back: {missed} new" if missed else "back", "green")
            case PresenceChanged() | Behind():
                yield from self._comings_and_goings(state)

    def typing(self, state: RoomState) -> str:
        """Return who else is typing, as a sentence; empty when nobody is."""
        names = [plain(person.name) for person in state.typing if person.id != self._own_id]
        if not names:
            return ""
        return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} typing…"

    def _comings_and_goings(self, state: RoomState) -> Iterator[RenderableType]:
        """Tell how the people differ from those shown last; in a big room nobody is shown."""
        before, now = self._people, _people(state)
        if state.count > len(state.people):
            before = now
        for user_id in now.keys() - before.keys():
            yield _note(f"→ {plain(now[user_id].name)} came in")
        for user_id in before.keys() - now.keys():
            yield _note(f"← {plain(before[user_id].name)} left")
        for user_id in (before.keys() & now.keys()) - {self._own_id}:
            if before[user_id].status != now[user_id].status:
                how = "away" if now[user_id].status == "away" else "back"
                yield _note(f"· {plain(now[user_id].name)} is {how}")
        self._people = now


def plain(text: str) -> str:
    """Return text in which nothing acts on the terminal: what would is shown as "�"."""
    return "".join(
        character if is_plain(character, also="\n") else "�"
        for character in text.replace("\r\n", "\n").replace("\t", " ")
    )


def who(state: RoomState) -> RenderableType:
    """Return who is here, and who of them is away."""
    names = ", ".join(map(_here, state.people))
    if state.count > len(state.people):
        names += ", …"
    return _note(f"{state.count} here: {names}")


def _here(person: PersonHere) -> str:
    return plain(person.name) + (" (away)" if person.status == "away" else "")


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


def _colour(user_id: UUID) -> str:
    return _COLOURS[user_id.int % len(_COLOURS)]


def _note(text: str) -> Text:
    return Text(text, "dim")


def _room(state: RoomState) -> Iterator[RenderableType]:
    """Show a whole room to a newcomer."""
    yield Text(plain(state.room.name), "bold")
    if state.chat.has_more:
        yield _note("… older messages are not shown")
    for message in state.chat.messages:
        yield _message(message.at, message.author, message.content)
    if state.poker is not None:
        yield from _table(state.poker)
    yield who(state)


def _people(state: RoomState) -> dict[UUID, PersonHere]:
    return {person.id: person for person in state.people}


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
