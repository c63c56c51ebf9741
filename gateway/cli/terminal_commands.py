"""What a line typed into the terminal means (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Say:
    """Words for everybody."""

    text: str


@dataclass(frozen=True, slots=True)
class Vote:
    """A card, played face down."""

    card: str


@dataclass(frozen=True, slots=True)
class StartStory:
    """A story to estimate."""

    title: str


@dataclass(frozen=True, slots=True)
class Reveal:
    """The cards, turned over."""


@dataclass(frozen=True, slots=True)
class Who:
    """The question who is here."""


@dataclass(frozen=True, slots=True)
class Help:
    """The question what can be typed."""


@dataclass(frozen=True, slots=True)
class Quit:
    """The wish to leave."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that means nothing; ``text`` says why."""

    text: str


Line = Say | Vote | StartStory | Reveal | Who | Help | Quit | Mistake

HELP: Final = (
    ("/vote CARD", "play a card on the open story, or change yours"),
    ("/story TITLE", "open a story for estimating"),
    ("/reveal", "turn the cards over"),
    ("/who", "show who is here"),
    ("/quit", "leave (so do Ctrl-C and Ctrl-D)"),
    ("anything else", "is said to everybody in the room"),
)

_WITH_WORDS: Final[Mapping[str, Callable[[str], Line]]] = {"/vote": Vote, "/story": StartStory}
_ALONE: Final[Mapping[str, Callable[[], Line]]] = {
    "/reveal": Reveal,
    "/who": Who,
    "/help": Help,
    "/quit": Quit,
}


def parse(line: str) -> Line | None:
    """Return what a line means; ``None`` for an empty one."""
    text = line.strip()
    if not text:
        return None
    if not text.startswith("/"):
        return Say(text)
    name, _, words = text.partition(" ")
    words = words.strip()
    if name in _WITH_WORDS:
        example = next(usage for usage, _ in HELP if usage.startswith(name))
        return _WITH_WORDS[name](words) if words else Mistake(f"It is {example}.")
    if name in _ALONE:
        return _ALONE[name]() if not words else Mistake(f"{name} stands alone on its line.")
    return Mistake(f"There is no command {name}; /help shows them all.")
