"""What a line typed into the terminal means (pure)."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, get_args

from emoji import emojize

from gateway.cli.terminal_lines import (
    Away,
    Back,
    Ban,
    Delete,
    Edit,
    Edits,
    Help,
    Kick,
    Leave,
    Line,
    Members,
    Mistake,
    More,
    Mute,
    Quit,
    React,
    Rename,
    Reply,
    Reveal,
    Say,
    Search,
    SetRole,
    SetTopic,
    StartStory,
    Thread,
    Unban,
    Unmute,
    Vote,
    Who,
    WhoRead,
)
from gateway.client import Role

MAX_MINUTES: Final = 60 * 24 * 365
"""The longest mute, a year."""


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


def _at_place(line: Callable[[int | None], Line]) -> Callable[[str], Line | None]:
    def read(words: str) -> Line | None:
        place = _number(words) if words else None
        return line(place) if place is not None or not words else None

    return read


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
    "/delete": _Command(
        "[N]", "take back your last message, or the N-th last of all", _at_place(Delete)
    ),
    "/react": _Command(
        "EMOJI [N]", "react to the last message, or the N-th last; again takes it back", _react
    ),
    "/thread": _Command(
        "[N]", "show the last thread, or that of the N-th last message", _at_place(Thread)
    ),
    "/edits": _Command(
        "[N]", "show what the last changed message, or the N-th last, said before", _at_place(Edits)
    ),
    "/who-read": _Command(
        "[N]", "show who has read your last message, or the N-th last of all", _at_place(WhoRead)
    ),
    "/more": _Command("", "show what was said earlier; again goes further back", _alone(More())),
    "/search": _Command("WORDS", "find messages that have all these words", _with_text(Search)),
    "/vote": _Command("CARD", "play a card on the open story, or change yours", _with_text(Vote)),
    "/story": _Command("TITLE", "open a story for estimating", _with_text(StartStory)),
    "/reveal": _Command("", "turn the cards over", _alone(Reveal())),
    "/who": _Command("", "show who is here", _alone(Who())),
    "/members": _Command("", "show who is a member, with roles", _alone(Members())),
    "/away": _Command("", "be shown as away until you enter something", _alone(Away())),
    "/back": _Command("", "be here again", _alone(Back())),
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
