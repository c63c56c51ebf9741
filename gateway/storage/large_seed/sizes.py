"""How much there is of everything (pure)."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SeedSize:
    """How many of each, and what stands out.

    The first room, the hall, has ``hall_members`` members; the second one, the
    archive, ``archive_messages`` messages; the first person is a member of
    ``busiest_rooms`` rooms. Everything else is long-tailed.
    """

    users: int
    rooms: int
    messages: int
    hall_members: int
    archive_messages: int
    busiest_rooms: int

    @property
    def hall_messages(self) -> int:
        """Messages of the hall: a fiftieth of all."""
        return self.messages // 50


LARGE: Final = SeedSize(
    users=100_000,
    rooms=10_000,
    messages=1_000_000,
    hall_members=10_000,
    archive_messages=100_000,
    busiest_rooms=200,
)
"""What ``gateway seed --size large`` plants."""

MEDIUM: Final = SeedSize(
    users=5_000,
    rooms=3_000,
    messages=20_000,
    hall_members=1_000,
    archive_messages=4_000,
    busiest_rooms=200,
)
"""Large enough for PostgreSQL to choose the plans that it chooses for ``LARGE``; takes seconds."""
