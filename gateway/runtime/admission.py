"""Who comes in: how much an instance takes, and when those it turns away should come back.

Only newcomers are turned away, never those who are in. When to come back is
random within a window: who was refused together does not come back together.
"""

import enum
import math
import random
from collections import Counter
from collections.abc import KeysView
from dataclasses import dataclass
from typing import Final, TypeVar

from gateway.core.addresses import network_of
from gateway.core.ids import UserId

Key = TypeVar("Key")

RETURNS_PER_SECOND: Final = 1_000
"""How fast those of an instance that shuts down come to the others, as far as it can tell them."""


class Refusal(enum.StrEnum):
    """Why somebody was turned away."""

    DRAINING = "draining"
    FULL = "full"
    ADDRESS = "address"
    USER = "user"


@dataclass(frozen=True, slots=True)
class AdmissionSettings:
    """How many connections an instance takes, in all, of one address and of one person.

    While ``max_entering`` sign-ins and joins are under way, new connections
    wait. Who is turned away comes back within ``retry_seconds``.
    """

    max_connections: int = 15_000
    max_connections_per_address: int = 10_000
    max_connections_per_user: int = 100
    max_entering: int = 32
    retry_seconds: int = 15


class Admission:
    """Counts the connections of an instance."""

    def __init__(self, settings: AdmissionSettings) -> None:
        self.settings = settings
        self.refused: Counter[str] = Counter()
        """Connections that were turned away, by the reason."""
        self.entering = 0
        """Sign-ins, joins and other commands that have to wait, under way now."""
        self._of_address: Counter[str] = Counter()
        self._of_user: Counter[UserId] = Counter()

    @property
    def is_crowded(self) -> bool:
        """Whether new connections should wait."""
        return self.entering >= self.settings.max_entering

    @property
    def people(self) -> KeysView[UserId]:
        """Who has a connection, now and whenever it is looked at."""
        return self._of_user.keys()

    def has_room_for_address(self, address: str) -> bool:
        """Whether one more connection may come from there."""
        return self._of_address[network_of(address)] < self.settings.max_connections_per_address

    def has_room_for_user(self, user_id: UserId) -> bool:
        """Whether this person may have one more connection."""
        return self._of_user[user_id] < self.settings.max_connections_per_user

    def enter(self, address: str) -> None:
        """Count a connection in whose handshake is accepted."""
        self._of_address[network_of(address)] += 1

    def leave(self, address: str) -> None:
        """Count it out again."""
        _count_out(self._of_address, network_of(address))

    def enter_user(self, user_id: UserId) -> None:
        """Count a connection in on which somebody has signed in."""
        self._of_user[user_id] += 1

    def leave_user(self, user_id: UserId) -> None:
        """Count it out again."""
        _count_out(self._of_user, user_id)

    def turn_away(self, reason: Refusal) -> int:
        """Count somebody who is refused; return after how many seconds to come back, at random."""
        self.refused[reason] += 1
        return math.ceil(self.settings.retry_seconds * (1 - random.random()))  # noqa: S311

    def return_seconds(self, crowd: int) -> float:
        """Return when one of a ``crowd`` that has to go elsewhere should be there, at random."""
        return self.return_window_seconds(crowd) * random.random()  # noqa: S311

    def return_window_seconds(self, crowd: int) -> float:
        """Return within how long all of them should be there."""
        return min(self.settings.retry_seconds, crowd / RETURNS_PER_SECOND)


def _count_out(counts: Counter[Key], key: Key) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
