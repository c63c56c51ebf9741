"""How planning poker looks in a terminal."""

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gateway.cli.terminal_text import note, plain
from gateway.client import (
    PokerRevealed,
    PokerStarted,
    PokerState,
    PokerVoted,
    RoomState,
    Statistics,
)


def table(poker: PokerState) -> Iterator[RenderableType]:
    """Show the table to a newcomer."""
    if poker.story is None:
        return
    if poker.votes is not None and poker.statistics is not None:
        yield Text(f"♠ {plain(poker.story.title)}", "bold")
        yield _cards((vote.player.name, vote.card) for vote in poker.votes)
        yield _summary(poker.statistics)
        return
    yield from _story(poker.story.title, poker.deck)
    if poker.voted:
        names = ", ".join(plain(player.name) for player in poker.voted)
        yield note(f"voted: {names}")


def move(
    data: PokerStarted | PokerVoted | PokerRevealed, state: RoomState
) -> Iterator[RenderableType]:
    """Show what somebody has done at the table."""
    match data:
        case PokerStarted(story=story, deck=deck):
            yield from _story(story.title, deck)
        case PokerVoted(player=player, voted=voted):
            here = max(state.count, voted)
            yield note(f"{plain(player.name)} has voted ({voted} of {here})")
        case PokerRevealed(votes=votes, statistics=statistics):
            yield _cards((vote.player.name, vote.card) for vote in votes)
            yield _summary(statistics)


def _story(title: str, deck: Iterable[str]) -> Iterator[RenderableType]:
    yield Text(f"♠ {plain(title)}", "bold")
    yield note(f"/vote with one of {' '.join(map(plain, deck))}")


def _cards(votes: Iterable[tuple[str, str]]) -> Table:
    cards = Table("player", "card")
    for name, card in votes:
        cards.add_row(Text(plain(name)), Text(plain(card), "bold"))
    return cards


def _summary(statistics: Statistics) -> Text:
    if statistics.consensus:
        return Text("everybody agrees", "green")
    if statistics.average is None:
        return note(f"{statistics.votes} votes, none a number")
    return note(
        f"average {statistics.average:g} · median {statistics.median:g} · "
        f"from {statistics.minimum:g} to {statistics.maximum:g}"
    )
