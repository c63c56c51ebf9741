from collections.abc import Iterable
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.core.ids import InstanceId, UserId
from gateway.core.protocol.base import PersonHere, Status
from gateway.core.roster import MAX_NAMED, NEWEST_NAMED, Change, Diff, Roster

PEOPLE = [PersonHere(id=UUID(int=number), name=f"P{number}") for number in range(1, 5)]
INSTANCES = [InstanceId(name) for name in ("one", "two", "three")]
ADA, GRACE = PEOPLE[:2]
ONE, TWO = INSTANCES[:2]


def away(person: PersonHere) -> PersonHere:
    """Return a person as away."""
    return person.being("away")


people = st.sampled_from([*PEOPLE, *map(away, PEOPLE)])
instances = st.sampled_from(INSTANCES)


def here(*persons: PersonHere, instance_id: InstanceId = ONE) -> Change:
    """Return what an instance says of people who came."""
    return Change(instance_id=instance_id, here=persons)


def gone(*persons: PersonHere, instance_id: InstanceId = ONE) -> Change:
    """Return what an instance says of people who went."""
    return Change(instance_id=instance_id, gone=tuple(UserId(person.id) for person in persons))


@given(instances, st.lists(people), st.lists(people))
def test_a_change_arrives_as_it_was_sent(
    instance_id: InstanceId, came: list[PersonHere], went: list[PersonHere]
):
    """Between instances."""
    change = Change(
        instance_id=instance_id,
        here=tuple(came),
        gone=tuple(UserId(person.id) for person in went),
    )
    assert Change.decode(change.encode()) == change


@given(st.binary(max_size=80))
def test_bytes_that_are_no_change_are_refused(body: bytes):
    """With the one error that the receiver expects."""
    with pytest.raises(ValueError):  # noqa: PT011 - what it says is pydantic's business
        Change.decode(body)


def test_a_person_is_here_until_the_last_instance_says_otherwise():
    """Several tabs, wherever they are, are one person."""
    roster = Roster()
    roster.fold(here(ADA, instance_id=ONE))
    roster.fold(here(ADA, instance_id=TWO))
    assert roster.people == (ADA,)
    roster.fold(gone(ADA, instance_id=ONE))
    assert UserId(ADA.id) in roster
    roster.fold(gone(ADA, instance_id=TWO))
    assert len(roster) == 0


def test_coming_and_going_between_two_looks_is_not_told():
    """A reload does not flicker."""
    roster = Roster()
    roster.fold(here(ADA))
    roster.fold(gone(ADA))
    assert roster.take_diff() is None
    roster.fold(here(ADA))
    roster.take_diff()
    roster.fold(gone(ADA))
    roster.fold(here(ADA))
    assert roster.take_diff() is None


def test_the_people_of_dead_instances_go_and_those_of_living_ones_stay():
    """Also who had a tab on both."""
    roster = Roster()
    roster.fold(here(ADA, GRACE, instance_id=ONE))
    roster.fold(here(ADA, instance_id=TWO))
    roster.take_diff()
    roster.keep_instances([TWO])
    assert roster.people == (ADA,)
    diff = roster.take_diff()
    assert diff is not None
    assert diff.left == (UserId(GRACE.id),)


def test_a_person_is_away_when_no_instance_says_otherwise():
    """The busiest counts, also of those that are left."""
    roster = Roster()
    roster.fold(here(away(ADA), GRACE, instance_id=ONE))
    roster.fold(here(ADA, instance_id=TWO))
    assert roster.take_diff() == Diff((ADA, GRACE), ())
    roster.fold(here(away(ADA), instance_id=TWO))
    assert roster.take_diff() == Diff((), (), (away(ADA),))
    roster.fold(here(ADA, instance_id=ONE))
    assert roster.take_diff() == Diff((), (), (ADA,))
    roster.fold(gone(ADA, instance_id=ONE))
    assert (roster.people, roster[UserId(ADA.id)]) == ((away(ADA), GRACE), away(ADA))
    assert roster.take_diff() == Diff((), (), (away(ADA),))


def test_a_status_that_changes_and_changes_back_between_two_looks_is_not_told():
    """Nor that of somebody who was gone in between; of a newcomer only the last one is."""
    roster = Roster()
    roster.fold(here(away(ADA)))
    roster.fold(here(ADA))
    assert roster.take_diff() == Diff((ADA,), ())
    roster.fold(here(away(ADA)))
    roster.fold(here(ADA))
    assert roster.take_diff() is None
    roster.fold(gone(ADA))
    roster.fold(here(away(ADA)))
    assert roster.take_diff() == Diff((), (), (away(ADA),))


def test_of_a_big_room_the_status_is_told_of_those_who_are_named():
    """All the others are shown by their number alone."""
    crowd = [PersonHere(id=uuid4(), name=f"Guest {n}") for n in range(MAX_NAMED + 1)]
    roster = Roster()
    roster.fold(here(*crowd))
    roster.take_diff()
    roster.fold(here(away(crowd[0])))
    assert roster.take_diff() is None
    roster.fold(here(away(crowd[1]), away(crowd[-1])))
    assert roster.take_diff() == Diff((), (), (away(crowd[-1]),))
    roster.fold(gone(crowd[2]))
    diff = roster.take_diff()
    assert diff is not None
    assert (diff.reset, diff.joined[:2]) == (True, (away(crowd[0]), away(crowd[1])))


def test_of_a_big_room_only_the_newest_are_named():
    """And everybody again once it is small enough, in place of whom the members were shown."""
    crowd = [PersonHere(id=uuid4(), name=f"Guest {n}") for n in range(MAX_NAMED + 1)]
    roster = Roster()
    roster.fold(here(*crowd[:-1]))
    assert roster.take_diff() == Diff(tuple(crowd[:-1]), ())
    roster.fold(here(crowd[-1]))
    newest = tuple(crowd[-NEWEST_NAMED:])
    assert (roster.people, len(roster)) == (newest, MAX_NAMED + 1)
    assert roster.take_diff() == Diff(newest, (), reset=True)
    roster.fold(gone(crowd[0]))
    assert roster.take_diff() == Diff(tuple(crowd[1:]), (), reset=True)
    roster.fold(gone(crowd[1]))
    assert roster.take_diff() == Diff((), (UserId(crowd[1].id),))


def test_who_came_in_while_a_room_was_big_for_a_moment_is_told_of_everybody():
    """Also when, on the whole, nothing has changed since the members were told."""
    crowd = [PersonHere(id=uuid4(), name=f"Guest {n}") for n in range(MAX_NAMED + 1)]
    roster = Roster()
    roster.fold(here(*crowd[:-1]))
    roster.take_diff()
    roster.fold(here(crowd[-1]))
    assert len(roster.people) == NEWEST_NAMED
    roster.fold(gone(crowd[-1]))
    assert roster.take_diff() == Diff(tuple(crowd[:-1]), (), reset=True)
    assert roster.take_diff() is None


def test_an_instance_that_says_goodbye_for_a_stranger_changes_nothing():
    """It may have been written off meanwhile."""
    roster = Roster()
    roster.fold(here(ADA, instance_id=ONE))
    roster.take_diff()
    roster.fold(gone(ADA, GRACE, instance_id=TWO))
    assert roster.people == (ADA,)
    assert roster.take_diff() is None


class RosterStory(RuleBasedStateMachine):
    """What instances say, in any interleaving; a client follows by the diffs it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.roster = Roster()
        self.model: dict[tuple[InstanceId, UserId], Status] = {}
        self.told: dict[UserId, Status] = {}

    @rule(instance_id=instances, persons=st.lists(people, max_size=3), times=st.integers(1, 2))
    def come(self, instance_id: InstanceId, persons: list[PersonHere], times: int) -> None:
        """An instance says how people are here, perhaps twice: an echo changes nothing."""
        for _ in range(times):
            self.roster.fold(here(*persons, instance_id=instance_id))
        self.model |= {(instance_id, UserId(person.id)): person.status for person in persons}

    @rule(instance_id=instances, persons=st.lists(people, max_size=3), times=st.integers(1, 2))
    def go(self, instance_id: InstanceId, persons: list[PersonHere], times: int) -> None:
        """An instance names people who went, perhaps twice."""
        for _ in range(times):
            self.roster.fold(gone(*persons, instance_id=instance_id))
        for person in persons:
            self.model.pop((instance_id, UserId(person.id)), None)

    @rule(live=st.sets(instances))
    def die(self, live: set[InstanceId]) -> None:
        """The other instances are dead."""
        self.roster.keep_instances(live)
        self.model = {entry: status for entry, status in self.model.items() if entry[0] in live}

    @rule(said=st.lists(st.tuples(instances, st.lists(people, max_size=3)), max_size=3))
    def read_anew(self, said: list[tuple[InstanceId, list[PersonHere]]]) -> None:
        """What all of them say is read at once, after some of it was missed."""
        self.roster.replace(here(*persons, instance_id=instance) for instance, persons in said)
        self.model = {
            (instance, UserId(person.id)): person.status
            for instance, persons in said
            for person in persons
        }

    @rule()
    def tell(self) -> None:
        """The members are told what has changed, and each name once."""
        if (diff := self.roster.take_diff()) is None:
            assert self.told == self.present
            return
        joined = statuses(diff.joined)
        changed = statuses(diff.changed)
        assert len(joined) == len(diff.joined)
        assert len(set(diff.left)) == len(diff.left)
        assert not joined.keys() & self.told.keys()
        assert all(self.told[user_id] != status for user_id, status in changed.items())
        for user_id in diff.left:
            del self.told[user_id]
        assert changed.keys() <= self.told.keys()
        self.told |= joined | changed
        assert self.told == self.present

    @property
    def present(self) -> dict[UserId, Status]:
        """Everybody whom at least one instance serves, online if one of them says so."""
        all_said = {user_id: status for (_, user_id), status in self.model.items()}
        online = {user_id for (_, user_id), status in self.model.items() if status == "online"}
        return all_said | dict.fromkeys(online, "online")

    @invariant()
    def roster_equals_model(self) -> None:
        """The roster names exactly them."""
        assert statuses(self.roster.people) == self.present
        assert len(self.roster) == len(self.present)
        for person in PEOPLE:
            user_id = UserId(person.id)
            assert (user_id in self.roster) == (user_id in self.present)


def statuses(persons: Iterable[PersonHere]) -> dict[UserId, Status]:
    """Return how people are here."""
    return {UserId(person.id): person.status for person in persons}


TestRosterStory = RosterStory.TestCase
