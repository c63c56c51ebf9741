"""Who is in a room, as one instance knows it.

Each instance says which people *it* serves, and whether they are busy there
(``Change``), and every instance folds what all say into a map from person to
the instances that serve them. A person is here while at least one instance says
so, and online while at least one says that: several tabs, on one instance or on
many, are one person, and what members are told (``Diff``) changes only when the
first comes, the last goes, or the busiest changes.

Folding is idempotent, and changes of one instance arrive in order, so a
snapshot read late and a change heard twice both end in the same map.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from gateway.core.ids import InstanceId, UserId
from gateway.core.protocol.base import PersonHere, Status

MAX_NAMED: Final = 100
"""A room with more people is a big one: nobody is told all of their names."""

NEWEST_NAMED: Final = 10
"""Of a big room so many are told, those who came last."""


class Change(BaseModel):
    """What one instance says of its people in a room: who is here and how, and who is not."""

    model_config = ConfigDict(frozen=True)

    instance_id: InstanceId
    here: tuple[PersonHere, ...] = ()
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

    ``changed`` are people who stay and have another status. With ``reset``,
    ``joined`` is what they should show from now on.
    """

    joined: tuple[PersonHere, ...]
    left: tuple[UserId, ...]
    changed: tuple[PersonHere, ...] = ()
    reset: bool = False


class Roster:
    """The people of one room. Not thread-safe; owned by the room."""

    __slots__ = ("_before", "_joined", "_people", "_serving", "_was_big")

    def __init__(self) -> None:
        self._people: dict[UserId, PersonHere] = {}
        self._serving: dict[UserId, dict[InstanceId, Status]] = {}
        self._joined: dict[UserId, None] = {}
        self._before: dict[UserId, Status] = {}
        """How those were here when the members were told last who have gone or changed since."""
        self._was_big = False

    def __len__(self) -> int:
        """Return how many people are here."""
        return len(self._people)

    def __contains__(self, user_id: UserId) -> bool:
        """Tell whether a person is here."""
        return user_id in self._people

    def __getitem__(self, user_id: UserId) -> PersonHere:
        """Return a person who is here; ``KeyError`` otherwise."""
        return self._people[user_id]

    @property
    def people(self) -> tuple[PersonHere, ...]:
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
        for user_id, statuses in list(self._serving.items()):
            for instance_id in list(statuses):
                if (user_id, instance_id) not in said:
                    self._stop_serving(user_id, instance_id)
        for change in changes:
            self.fold(change)

    def keep_instances(self, live: Iterable[InstanceId]) -> None:
        """Forget what instances said that no longer live."""
        alive = set(live)
        for user_id, statuses in list(self._serving.items()):
            for instance_id in statuses.keys() - alive:
                self._stop_serving(user_id, instance_id)

    def take_diff(self) -> Diff | None:
        """Return what changed since the last call, or ``None``. Coming and going cancel out.

        Of a big room, the status of who is not named is not told.
        """
        left = tuple(user_id for user_id in self._before if user_id not in self._people)
        changed = tuple(filter(self._has_changed, self.people)) if self._before else ()
        has_shrunk = self._was_big and not self.is_big
        diff: Diff | None = None
        if not self._joined and not left and not has_shrunk:
            diff = Diff((), (), changed) if changed else None
        elif self.is_big or self._was_big:
            diff = Diff(self.people, (), reset=True)
        else:
            diff = Diff(tuple(self._people[user_id] for user_id in self._joined), left, changed)
        self._was_big = self.is_big
        self._joined = {}
        self._before = {}
        return diff

    def _serve(self, person: PersonHere, instance_id: InstanceId) -> None:
        user_id = UserId(person.id)
        if user_id not in self._people and user_id not in self._before:
            self._joined[user_id] = None
        self._serving.setdefault(user_id, {})[instance_id] = person.status
        self._show(user_id, person)
        if self.is_big:
            self._was_big = True  # whoever comes in meanwhile is not shown everybody

    def _stop_serving(self, user_id: UserId, instance_id: InstanceId) -> None:
        statuses = self._serving.get(user_id)
        if statuses is None or statuses.pop(instance_id, None) is None:
            return
        if statuses:
            self._show(user_id, self._people[user_id])
            return
        del self._serving[user_id]
        self._note(user_id, self._people.pop(user_id).status)
        self._joined.pop(user_id, None)

    def _show(self, user_id: UserId, person: PersonHere) -> None:
        """Have a person here, with the status of the busiest instance."""
        status = _busiest(self._serving[user_id])
        before = self._people.get(user_id)
        if before is not None and before.status != status:
            self._note(user_id, before.status)
        self._people[user_id] = person if person.status == status else person.being(status)

    def _note(self, user_id: UserId, status: Status) -> None:
        """Keep the status that the members know, if they know of the person."""
        if user_id not in self._joined:
            self._before.setdefault(user_id, status)

    def _has_changed(self, person: PersonHere) -> bool:
        return self._before.get(UserId(person.id), person.status) != person.status


def _busiest(statuses: Mapping[InstanceId, Status]) -> Status:
    return "online" if "online" in statuses.values() else "away"
