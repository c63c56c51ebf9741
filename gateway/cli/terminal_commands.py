"""What a line typed into the terminal means (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, get_args

from emoji import emojize

from gateway.client import Role

MAX_MINUTES: Final = 60 * 24 * 365
"""The longest mute, a year."""


@dataclass(frozen=True, slots=True)
class Say:
    """Words for everybody."""

    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to the n-th last message."""

    place: int
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """New words for one's last message."""

    text: str


@dataclass(frozen=True, slots=True)
class Delete:
    """The n-th last message, taken back; ``None``: one's own last."""

    place: int | None


@dataclass(frozen=True, slots=True)
class React:
    """An emoji for the n-th last message; taken back if it is there."""

    emoji: str
    place: int


@dataclass(frozen=True, slots=True)
class Rename:
    """Another name for the room."""

    name: str


@dataclass(frozen=True, slots=True)
class SetTopic:
    """What the room is about."""

    topic: str


@dataclass(frozen=True, slots=True)
class SetRole:
    """What somebody shall be."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Mute:
    """Somebody shall only read for so long."""

    name: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Unmute:
    """Somebody may speak again."""

    name: str


@dataclass(frozen=True, slots=True)
class Kick:
    """Somebody shall go."""

    name: str


@dataclass(frozen=True, slots=True)
class Ban:
    """Somebody shall go and not come back."""

    name: str


@dataclass(frozen=True, slots=True)
class Unban:
    """Somebody may come back."""

    name: str


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
class Leave:
    """The wish to be a member no more."""


@dataclass(frozen=True, slots=True)
class Quit:
    """The wish to go, and stay a member."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that means nothing; ``text`` says why."""

    text: str


Doing = (
    Say | Reply | Edit | Delete | React | Rename | SetTopic | SetRole | Mute | Unmute
    | Kick | Ban | Unban | Vote | StartStory | Reveal
)  # fmt: skip
"""What somebody does in the room."""

Line = Doing | Who | Help | Leave | Quit | Mistake


class _Command(NamedTuple):
    """``read`` makes a line of the words after the name; ``None`` when they do not fit."""

    words: str
    meaning: str
    read: Callable[[str], Line | None]


def _with_text(line: Callable[[str], Line]) -> Callable[[str], Line | None]:
    return lambda words: line(words) if words else None


def _alone(line: Line) -> Callable[[str], Line | None]:
    return lambda words: None if words else line


def _reply(words: str) -> Line | None:
    first, _, rest = words.partition(" ")
    place = _number(first)
    if place is not None and rest.strip():
        return Reply(place, rest.strip())
    return Reply(1, words) if words else None


def _delete(words: str) -> Line | None:
    if not words:
        return Delete(None)
    place = _number(words)
    return Delete(place) if place is not None else None


def _react(words: str) -> Line | None:
    emoji, _, rest = words.partition(" ")
    place = _number(rest.strip()) if rest.strip() else 1
    if not emoji or place is None:
        return None
    return React(emojize(emoji, language="alias"), place)


def _set_role(words: str) -> Line | None:
    name, _, last = words.rpartition(" ")
    roles: Mapping[str, Role] = {role: role for role in get_args(Role)}
    role = roles.get(last.lower())
    return SetRole(name.strip(), role) if name.strip() and role is not None else None


def _mute(words: str) -> Line | None:
    name, _, last = words.rpartition(" ")
    minutes = _number(last)
    if not name.strip() or minutes is None or minutes > MAX_MINUTES:
        return None
    return Mute(name.strip(), minutes)


def _number(text: str) -> int | None:
    """Return a number from 1 on, of few enough digits to be meant."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_MINUTES))
    return int(text) or None if is_number else None


_COMMANDS: Final[Mapping[str, _Command]] = {
    "/reply": _Command("[N] TEXT", "answer the last message, or the N-th last", _reply),
    "/edit": _Command("TEXT", "change your last message", _with_text(Edit)),
    "/delete": _Command("[N]", "take back your last message, or the N-th last of all", _delete),
    "/react": _Command(
        "EMOJI [N]", "react to the last message, or the N-th last; again takes it back", _react
    ),
    "/vote": _Command("CARD", "play a card on the open story, or change yours", _with_text(Vote)),
    "/story": _Command("TITLE", "open a story for estimating", _with_text(StartStory)),
    "/reveal": _Command("", "turn the cards over", _alone(Reveal())),
    "/who": _Command("", "show who is here", _alone(Who())),
    "/topic": _Command("TEXT", "say what the room is about", _with_text(SetTopic)),
    "/name": _Command("TEXT", "call the room something else", _with_text(Rename)),
    "/role": _Command("NAME ROLE", "make somebody admin, moderator or member", _set_role),
    "/mute": _Command("NAME MINUTES", "let somebody only read for a while", _mute),
    "/unmute": _Command("NAME", "let them speak again", _with_text(Unmute)),
    "/kick": _Command("NAME", "put somebody out; they may come back", _with_text(Kick)),
    "/ban": _Command("NAME", "put somebody out for good", _with_text(Ban)),
    "/unban": _Command("NAME", "let them come back", _with_text(Unban)),
    "/help": _Command("", "show this", _alone(Help())),
    "/leave": _Command("", "stop being a member, and go", _alone(Leave())),
    "/quit": _Command("", "go, and stay a member (so do Ctrl-C and Ctrl-D)", _alone(Quit())),
}

HELP: Final = (
    ("anything else", "is said to everybody; @NAME in it mentions somebody"),
    *((f"{name} {command.words}".rstrip(), command.meaning) for name, command in _COMMANDS.items()),
)


def parse(line: str) -> Line | None:
    """Return what a line means; ``None`` for an empty one."""
    text = line.strip()
    if not text:
        return None
    if not text.startswith("/"):
        return Say(text)
    name, _, words = text.partition(" ")
    command = _COMMANDS.get(name)
    if command is None:
        return Mistake(f"There is no command {name}; /help shows them all.")
    meaning = command.read(words.strip())
    if meaning is not None:
        return meaning
    if not command.words:
        return Mistake(f"{name} stands alone on its line.")
    return Mistake(f"It is {name} {command.words}: {command.meaning}.")
