"""Commands and events of planning poker."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import StringConstraints

from gateway.core.protocol.base import CommandData, DurableCommand, EventData, Person, WireModel

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=r"^[^\x00]*$"),
]
Card = Annotated[str, StringConstraints(min_length=1, max_length=10, pattern=r"^[^\x00]*$")]


class PokerStartData(CommandData):
    """The story to estimate. The first one of a room opens a game; later ones go on with it."""

    title: Title


class PokerStart(DurableCommand):
    """Open a story for voting. A story that was open before is closed unrevealed."""

    makes: ClassVar[str] = "poker.started"

    type: Literal["poker.start"]
    data: PokerStartData


class PokerVoteData(CommandData):
    """A card of the deck. ``story_id`` guards against voting on a story that just changed."""

    card: Card
    story_id: UUID | None = None


class PokerVote(DurableCommand):
    """Vote, or change your vote. Nobody sees the card before the reveal."""

    makes: ClassVar[str] = "poker.voted"

    type: Literal["poker.vote"]
    data: PokerVoteData


class PokerRevealData(CommandData):
    """``story_id`` guards against revealing a story that just changed."""

    story_id: UUID | None = None


class PokerReveal(DurableCommand):
    """Turn the cards over: for the host of the game, and admins and moderators of the room."""

    makes: ClassVar[str] = "poker.revealed"

    type: Literal["poker.reveal"]
    data: PokerRevealData = PokerRevealData()


class GameConfig(WireModel):
    """The settings of a game, as ``poker.sessions.config`` keeps them."""

    deck: tuple[str, ...]


class Story(WireModel):
    """What is being estimated."""

    id: UUID
    title: str


class PokerStarted(EventData):
    """Durable: a story is open for voting."""

    type: ClassVar[str] = "poker.started"

    game_id: UUID
    name: str
    deck: tuple[str, ...]
    host: Person
    story: Story


class PokerVoted(EventData):
    """Durable: somebody has voted, or changed the vote; which card is not in here."""

    type: ClassVar[str] = "poker.voted"

    game_id: UUID
    story_id: UUID
    player: Person
    voted: int


class RevealedVote(WireModel):
    """One player's card, face up."""

    player: Person
    card: str


class Statistics(WireModel):
    """What the cards say together. Special cards (?, ☕, ∞) count in ``votes`` only.

    The numbers are null where no numeric card was played.
    """

    votes: int
    average: float | None
    median: float | None
    minimum: float | None
    maximum: float | None
    consensus: bool
    distribution: dict[str, int]


class PokerRevealed(EventData):
    """Durable: the cards of a story, face up, with their statistics."""

    type: ClassVar[str] = "poker.revealed"

    game_id: UUID
    story_id: UUID
    votes: tuple[RevealedVote, ...]
    statistics: Statistics


class PokerState(WireModel):
    """The poker table in a room's state; null fields where nothing is open.

    ``voted`` names who has voted; ``votes`` is null until the reveal.
    ``your_card`` is the receiver's own.
    """

    game_id: UUID
    name: str
    deck: tuple[str, ...]
    host: Person | None
    story: Story | None
    voted: tuple[Person, ...]
    your_card: str | None
    votes: tuple[RevealedVote, ...] | None
    statistics: Statistics | None


POKER_COMMANDS: tuple[type[DurableCommand], ...] = (PokerStart, PokerVote, PokerReveal)
POKER_EVENTS: tuple[type[EventData], ...] = (PokerStarted, PokerVoted, PokerRevealed)
