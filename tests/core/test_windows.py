from hypothesis import given
from hypothesis import strategies as st

from gateway.core.windows import Counter, Windows

PERSON = Counter("person", 2, 60)
ADDRESS = Counter("address", 3, 60)


def test_attempts_up_to_the_limit_pass_and_the_next_is_told_how_long_to_wait():
    """A full window answers with the seconds until it ends."""
    windows = Windows()
    assert [windows.take([PERSON], now) for now in (100, 110, 120)] == [0, 0, 40]


def test_a_window_begins_with_its_first_attempt_and_ends_whatever_is_tried_meanwhile():
    """Refused attempts do not prolong the wait."""
    windows = Windows()
    for now in (100, 101, 102, 159):
        windows.take([PERSON], now)
    assert windows.take([PERSON], 160) == 0


def test_an_attempt_that_one_counter_refuses_counts_against_none():
    """Somebody else at the same address is not punished for it."""
    windows = Windows()
    for now in range(10):
        windows.take([PERSON, ADDRESS], now)
    assert windows.take([ADDRESS], 10) == 0
    assert windows.take([ADDRESS], 10) > 0


def test_an_attempt_given_back_can_be_made_again():
    """Giving back undoes one attempt, and nothing where there was none."""
    windows = Windows()
    windows.give_back([PERSON], 0)
    windows.take([PERSON], 0)
    windows.take([PERSON], 0)
    windows.give_back([PERSON], 1)
    assert windows.take([PERSON], 1) == 0
    assert windows.take([PERSON], 1) > 0


def test_a_forgotten_counter_begins_anew():
    """After the right password the failures before it do not matter."""
    windows = Windows()
    windows.take([PERSON], 0)
    windows.take([PERSON], 0)
    windows.forget(PERSON)
    assert windows.take([PERSON], 1) == 0


def test_when_there_are_too_many_counters_the_oldest_is_forgotten():
    """Memory is bounded, and the newest counters hold."""
    windows = Windows(max_counters=2)
    first, second, third = (Counter(key, 1, 60) for key in ("a", "b", "c"))
    for counter in (first, second, third):
        windows.take([counter], 0)
    assert windows.take([third], 1) > 0
    assert windows.take([second], 1) > 0
    assert windows.take([first], 1) == 0


@given(st.lists(st.floats(min_value=0, max_value=100), max_size=60), st.integers(1, 5))
def test_no_window_ever_lets_more_through_than_its_limit(gaps: list[float], limit: int):
    """Whatever the times of the attempts."""
    windows, counter = Windows(), Counter("k", limit, 60)
    now, begins_at, passed = 0.0, -60.0, 0
    for gap in gaps:
        now += gap
        if now >= begins_at + 60:
            begins_at, passed = now, 0
        if windows.take([counter], now) == 0:
            passed += 1
        assert passed <= limit
