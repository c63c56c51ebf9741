"""What the seed puts into an empty gateway: people, rooms, what they said, a game.

Every id follows from a name, so seeding twice means the same rows.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

_NAMESPACE: Final = UUID("6d1f3b0e-58c7-4d2a-9f43-2d1c5a7e9b60")
# Any, once for all: it makes the ids below differ from everybody else's.

DECK: Final = ("0", "½", "1", "2", "3", "5", "8", "13", "20", "40", "100", "?", "☕")
"""Modified Fibonacci, as in ``activities.poker.rules``, which storage may not import."""


def fixed_id(*names: str) -> UUID:
    """Return the id that belongs to ``names``, the same at every call."""
    return uuid5(_NAMESPACE, "/".join(names))


@dataclass(frozen=True, slots=True)
class SeedUser:
    """A person; without an e-mail address a guest."""

    name: str
    email: str | None

    @property
    def id(self) -> UUID:
        """The person's fixed id."""
        return fixed_id("user", self.name)


ADA: Final = SeedUser("ada", "ada@example.com")
GRACE: Final = SeedUser("grace", "grace@example.com")
LINUS: Final = SeedUser("linus", "linus@example.com")
KATHERINE: Final = SeedUser("katherine", None)
EDSGER: Final = SeedUser("edsger", None)
USERS: Final = (ADA, GRACE, LINUS, KATHERINE, EDSGER)


@dataclass(frozen=True, slots=True)
class SeedGame:
    """A game of poker: the first story is open, and ``votes`` are for it."""

    name: str
    stories: tuple[str, ...]
    votes: tuple[tuple[SeedUser, str], ...]


@dataclass(frozen=True, slots=True)
class SeedRoom:
    """A room; its first member created it and is its admin."""

    name: str
    description: str
    is_private: bool
    members: tuple[SeedUser, ...]
    messages: tuple[tuple[SeedUser, str], ...]
    game: SeedGame | None = None

    @property
    def id(self) -> UUID:
        """The room's fixed id."""
        return fixed_id("room", self.name)


LOBBY: Final = SeedRoom(
    name="Lobby",
    description="Where everybody arrives.",
    is_private=False,
    members=USERS,
    messages=(
        (ADA, "Good morning! The gateway is up."),
        (GRACE, "Morning. It started before my coffee was ready."),
        (LINUS, "I opened three tabs, and I am still one person. Good."),
        (KATHERINE, "Hello from a guest. I only needed a name."),
        (ADA, "Welcome, Katherine. Stay as long as you like."),
        (EDSGER, "My train was in a tunnel. Did I miss anything?"),
        (GRACE, "Nothing. It was all there when you came out, was it not?"),
        (EDSGER, "In order, too."),
    ),
)
SPRINT_PLANNING: Final = SeedRoom(
    name="Sprint planning",
    description="Estimates for the next two weeks.",
    is_private=False,
    members=(GRACE, ADA, LINUS),
    messages=(
        (GRACE, "Three stories today. Shall we begin?"),
        (ADA, "Ready."),
        (LINUS, "Ready. Which one is first?"),
        (GRACE, "Signing in with a passkey."),
        (ADA, "Does that include getting back in after losing the phone?"),
        (GRACE, "No, that is the second one."),
        (LINUS, "Then I have my card."),
        (GRACE, "The table is open, please vote."),
    ),
    game=SeedGame(
        name="Sprint 12",
        stories=("Sign in with a passkey", "Recover a lost account", "Export a room"),
        votes=((ADA, "5"), (LINUS, "8")),
    ),
)
FOUNDERS: Final = SeedRoom(
    name="Founders",
    description="By invitation.",
    is_private=True,
    members=(ADA, GRACE),
    messages=(
        (ADA, "Just the two of us in here."),
        (GRACE, "And whoever we send a link."),
        (ADA, "One use, one day. That should do."),
        (GRACE, "Who is first?"),
        (ADA, "Linus asked for the numbers."),
        (GRACE, "Then let us finish them today."),
        (ADA, "Draft is nearly done."),
        (GRACE, "I will read it tonight."),
    ),
)
ROOMS: Final = (LOBBY, SPRINT_PLANNING, FOUNDERS)
