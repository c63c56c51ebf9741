"""What can be typed into the terminal, each line as what it means (pure)."""

from dataclasses import dataclass

from gateway.client import Role


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
class More:
    """What was said before what is shown."""


@dataclass(frozen=True, slots=True)
class Search:
    """The messages that have these words."""

    words: str


@dataclass(frozen=True, slots=True)
class Thread:
    """The n-th last message with the answers to it; ``None``: the last that has some."""

    place: int | None


@dataclass(frozen=True, slots=True)
class Edits:
    """What the n-th last message said before; ``None``: the last that was changed."""

    place: int | None


@dataclass(frozen=True, slots=True)
class WhoRead:
    """Who has read the n-th last message; ``None``: one's own last."""

    place: int | None


@dataclass(frozen=True, slots=True)
class Members:
    """Who is a member, here or not."""


@dataclass(frozen=True, slots=True)
class Away:
    """The wish to be shown as away."""


@dataclass(frozen=True, slots=True)
class Back:
    """The end of being away."""


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

Question = More | Search | Thread | Edits | WhoRead | Members
"""What somebody wants to read of the room."""

Line = Doing | Question | Away | Back | Who | Help | Leave | Quit | Mistake
