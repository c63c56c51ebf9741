from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.core.ids import InstanceId, UserId
from gateway.core.typing_list import TYPING_SECONDS, TypingList, TypingMark

ONE = InstanceId("one")
ADA, GRACE, JEAN = (UserId(UUID(int=number)) for number in range(1, 4))
users = st.sampled_from([ADA, GRACE, JEAN])


@given(st.text().map(InstanceId), st.uuids().map(UserId), st.floats(0, TYPING_SECONDS))
def test_a_mark_arrives_as_it_was_sent(instance_id: InstanceId, user_id: UserId, seconds: float):
    """Between instances."""
    mark = TypingMark(instance_id, user_id, seconds)
    assert TypingMark.decode(mark.encode()) == mark


def test_a_mark_of_another_instance_is_not_believed_for_longer_than_one_lasts():
    """A wrong clock over there must not make somebody type for ever."""
    assert TypingMark.decode(TypingMark(ONE, ADA, 1e9).encode()).seconds == TYPING_SECONDS


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"7",
        b'["one", "ada", 6]',
        b'["one", 7, 6]',
        b'["one", "00000000-0000-0000-0000-000000000001"]',
        b'["one", "00000000-0000-0000-0000-000000000001", "soon"]',
        b'["one", "00000000-0000-0000-0000-000000000001", null]',
        b'["one", "00000000-0000-0000-0000-000000000001", [6]]',
    ],
)
def test_what_is_no_mark_is_refused(body: bytes):
    """With the one error that the receiver expects."""
    with pytest.raises(ValueError):  # noqa: PT011 - what it says is orjson's or UUID's business
        TypingMark.decode(body)


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_but_a_value_error(body: bytes):
    """A publication comes from outside."""
    try:
        TypingMark.decode(body)
    except ValueError:
        return


class TypingStory(RuleBasedStateMachine):
    """Marks and moments in any order, told to the list and to a model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.list = TypingList()
        self.model: dict[UserId, float] = {}
        self.now = 0.0

    @rule(user_id=users, seconds=st.sampled_from([0.0, 1.0, 6.0]))
    def fold(self, user_id: UserId, seconds: float) -> None:
        """Somebody starts, goes on or stops."""
        before = set(self.model)
        if seconds:
            self.model[user_id] = self.now + seconds
        else:
            self.model.pop(user_id, None)
        changed = self.list.fold(TypingMark(ONE, user_id, seconds), self.now)
        assert changed == (set(self.model) != before)

    @rule(seconds=st.floats(0, 8))
    def expire(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        before = set(self.model)
        self.model = {user: until for user, until in self.model.items() if until > self.now}
        assert self.list.expire(self.now) == (set(self.model) != before)

    @invariant()
    def list_equals_model(self) -> None:
        """The list names exactly those whose time is not over, in order of beginning."""
        assert self.list.users == tuple(self.model)
        assert bool(self.list) == bool(self.model)


TestTypingStory = TypingStory.TestCase
