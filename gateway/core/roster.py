"""Who is in a room, as one instance knows it.

Each instance says which people *it* serves (``Change``), and every instance
folds what all say into a map from person to the instances that serve them. A
person is here while at least one instance says so: several tabs, on one
instance or on many, are one person, and what members are told (``Diff``)
changes only when the first comes or the last goes.

Folding is idempotent, and changes of one instance arrive in order, so a
snapshot read late and a change heard twice both end in the same map.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from gateway.core.ids import InstanceId, UserId
from gateway.core.protocol.base import Person

MAX_NAMED: Final = 100
"""A room with more people is a big one: nobody is told all of their names."""

NEWEST_NAMED: Final = 10
"""Of a big room so many are told, those who came last."""


class Change(BaseModel):
    """What one instance says of its people in a room."""

    model_config = ConfigDict(frozen=True)

    instance_id: InstanceId
    here: tuple[Person, ...] = ()
    gone: tuple[UserId, ...] = ()

    def encode(self) -> bytes:
        """Return the body of a ``PRESENCE`` publication."""
        return self.model_dump_json().encode()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Return the change in ``body``; ``ValueError`` if it is not one."""
        return cls.model_validate_json(body)


class Diff(NamedTuple):
    """What has changed for the members of a room since they were last told.

    With ``reset``, ``joined`` is what they should show from now on.
    """

    joined: tuple[Person, ...]
    left: tuple[UserId, ...]
    reset: bool = False


class Roster:
    """The people of one room. Not thread-safe; owned by the room."""

    __slots__ = ("_joined", "_left", "_people", "_serving", "_was_big")

    def __init__(self) -> None:
        self._people: dict[UserId, Person] = {}
        self._serving: dict[UserId, set[InstanceId]] = {}
        self._joined: dict[UserId, Person] = {}
        self._left: dict[UserId, None] = {}
        self._was_big = False

    def __len__(self) -> int:
        """Return how many people are here."""
        return len(self._people)

    def __contains__(self, user_id: UserId) -> bool:
        """Tell whether a person is here."""
        return user_id in self._people

    def __getitem__(self, user_id: UserId) -> Person:
        """Return a person who is here; ``KeyError`` otherwise."""
        return self._people[user_id]

    @property
    def people(self) -> tuple[Person, ...]:
        """Who is here, in order of arrival; of a big room the ``NEWEST_NAMED``."""
        if not self.is_big:
            return tuple(self._people.values())
        newest = [*islice(reversed(self._people.values()), NEWEST_NAMED)]
        return tuple(reversed(newest))

    @property
    def is_big(self) -> bool:
        """Whether there are more people than are named."""
        return len(self._people) > MAX_NAMED

    def fold(self, change: Change) -> None:
        """Take in what an instance says."""
        for person in change.here:
            self._serve(person, change.instance_id)
        for user_id in change.gone:
            self._stop_serving(user_id, change.instance_id)

    def replace(self, changes: Iterable[Change]) -> None:
        """Make the roster what all these instances say together, and nothing else."""
        changes = list(changes)
        said = {
            (UserId(person.id), change.instance_id) for change in changes for person in change.here
        }
        for user_id, instances in list(self._serving.items()):
            for instance_id in list(instances):
                if (user_id, instance_id) not in said:
                    self._stop_serving(user_id, instance_id)
        for change in changes:
            self.fold(change)

    def keep_instances(self, live: Iterable[InstanceId]) -> None:
        """Forget what instances said that no longer live."""
        alive = set(live)
        for user_id, instances in list(self._serving.items()):
            for instance_id in instances - alive:
                self._stop_serving(user_id, instance_id)

    def take_diff(self) -> Diff | None:
        """Return what changed since the last call, or ``None``. Coming and going cancel out."""
        has_shrunk = self._was_big and not self.is_big
        if not self._joined and not self._left and not has_shrunk:
            return None
        if self.is_big or self._was_big:
            diff = Diff(self.people, (), reset=True)
        else:
            diff = Diff(tuple(self._joined.values()), tuple(self._left))
        self._was_big = self.is_big
        self._joined = {}
        self._left = {}
        return diff

    def _serve(self, person: Person, instance_id: InstanceId) -> None:
        user_id = UserId(person.id)
        if user_id not in self._people:
            if user_id in self._left:
                del self._left[user_id]
            else:
                self._joined[user_id] = person
        self._people[user_id] = person
        if self.is_big:
            self._was_big = True  # whoever comes in meanwhile is not shown everybody
        self._serving.setdefault(user_id, set()).add(instance_id)

    def _stop_serving(self, user_id: UserId, instance_id: InstanceId) -> None:
        instances = self._serving.get(user_id)
        if instances is None:
            return
        instances.discard(instance_id)
        if instances:
            return
        del self._serving[user_id]
        del self._people[user_id]
        if self._joined.pop(user_id, None) is None:
            self._left[user_id] = None
