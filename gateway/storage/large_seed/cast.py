"""Who there is, which rooms, and who is in them (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, Final

from gateway.core.ids import RoomId, UserId
from gateway.storage.large_seed.sizes import SeedSize
from gateway.storage.large_seed.words import FIRST_NAMES, LAST_NAMES, ROOM_ADJECTIVES, ROOM_SUBJECTS
from gateway.storage.seed_data import fixed_id

HALL: Final = 0
"""The number of the room with the most members."""

ARCHIVE: Final = 1
"""The number of the room with the most messages."""

BUSIEST: Final = 0
"""The number of the person with the most rooms."""

_EVERY_NTH_IS_GUEST: Final = 5
_PRIVATE: Final = 0.3
_MAX_AGE_DAYS: Final = 720
_MIN_AGE_DAYS: Final = 30
_ARCHIVED: Final = 0.02


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of the large seed; without an e-mail address a guest."""

    id: UserId
    name: str
    email: str | None

    @property
    def as_person(self) -> dict[str, Any]:
        """The person, as events tell of them."""
        return {"id": self.id, "name": self.name, "avatar_url": None}


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """A room, who comes in and in which order, and how much is said there.

    The first member made it, so long ago. ``members`` are numbers of people.
    """

    id: RoomId
    number: int
    name: str
    is_private: bool
    is_archived: bool
    members: tuple[int, ...]
    messages: int
    age: timedelta


def user_id(number: int) -> UserId:
    """Return the id of the person with this number, from 0 on."""
    return UserId(fixed_id("large", "user", str(number)))


def room_id(number: int) -> RoomId:
    """Return the id of the room with this number, from 0 on."""
    return RoomId(fixed_id("large", "room", str(number)))


def somebody(number: int) -> Somebody:
    """Return the person with this number, from 0 on."""
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    last = LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]
    name = f"{first}.{last}.{number}"
    is_guest = number % _EVERY_NTH_IS_GUEST == _EVERY_NTH_IS_GUEST - 1
    return Somebody(user_id(number), name, None if is_guest else f"{name}@example.com")


def people(size: SeedSize) -> list[Somebody]:
    """Return everybody, by number."""
    return [somebody(number) for number in range(size.users)]


def rooms(size: SeedSize) -> Iterator[RoomPlan]:
    """Yield the rooms by number; how many messages they have together is exact."""
    rng = Random("rooms")  # noqa: S311 - example data
    member_counts = [_member_count(rng, size, number) for number in range(size.rooms)]
    message_counts = _message_counts(rng, size, member_counts)
    of_busiest = {HALL, ARCHIVE, *rng.sample(range(2, size.rooms), size.busiest_rooms - 2)}
    for number, (members, messages) in enumerate(zip(member_counts, message_counts, strict=True)):
        special = number in (HALL, ARCHIVE)
        yield RoomPlan(
            id=room_id(number),
            number=number,
            name=f"{rng.choice(ROOM_ADJECTIVES)} {rng.choice(ROOM_SUBJECTS)} {number}".capitalize(),
            is_private=rng.random() < _PRIVATE and not special,
            is_archived=rng.random() < _ARCHIVED and number not in of_busiest,
            members=_members(rng, size, members, with_busiest=number in of_busiest),
            messages=messages,
            age=timedelta(days=rng.uniform(_MIN_AGE_DAYS, _MAX_AGE_DAYS)),
        )


def _member_count(rng: Random, size: SeedSize, number: int) -> int:
    """Return how many members a room has: two at least, five at the median, eighteen on average."""
    count = 2 + int(4 * (rng.paretovariate(1.1) - 1))
    if number == HALL:
        return size.hall_members
    return min(count, max(2, size.hall_members // 5))


def _message_counts(rng: Random, size: SeedSize, member_counts: list[int]) -> list[int]:
    """Return how many messages each room has: more where more people are, and more by chance."""
    weights = [count**0.5 * rng.lognormvariate(0, 1.2) for count in member_counts[2:]]
    unit = (size.messages - size.hall_messages - size.archive_messages) / sum(weights)
    counts = [size.hall_messages, size.archive_messages]
    so_far, exact = sum(counts), float(sum(counts))
    for weight in weights:
        exact += weight * unit
        counts.append(round(exact) - so_far)
        so_far += counts[-1]
    return counts


def _members(rng: Random, size: SeedSize, count: int, *, with_busiest: bool) -> tuple[int, ...]:
    """Return that many people: some are in a hundred rooms, most in one or two."""
    chosen: dict[int, None] = {}
    while len(chosen) < count - with_busiest:
        chosen[1 + int((size.users - 1) * rng.random() ** 1.5)] = None
    if with_busiest:
        chosen[BUSIEST] = None
    return tuple(chosen)
