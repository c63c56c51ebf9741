from hypothesis import given
from hypothesis import strategies as st

from gateway.client.reconnection import (
    DELAY_SECONDS,
    MOST_ASKED_SECONDS,
    MOST_SECONDS,
    RESUME_SECONDS,
    is_final,
    retry_after_seconds,
    wait_seconds,
)
from gateway.core.close_codes import CloseCode

FRACTION = st.floats(0, 1, exclude_max=True)
FAILURES = st.integers(0, 1_000)


@given(st.integers(4000, 4099), FRACTION)
def test_a_resumable_close_is_followed_by_a_quick_return(code: int, fraction: float):
    """After 4000–4099 a client is back within half a second, at a moment of its own."""
    assert wait_seconds(code, 0, fraction) == RESUME_SECONDS * fraction


@given(st.integers(4100, 4199), FAILURES, FRACTION)
def test_a_full_instance_is_left_alone_for_a_while(code: int, failures: int, fraction: float):
    """After 4100–4199 a client waits five to ten seconds."""
    assert DELAY_SECONDS <= wait_seconds(code, failures, fraction) <= 2 * DELAY_SECONDS


@given(st.none() | st.integers(1000, 4099), FAILURES, FRACTION)
def test_the_wait_has_a_limit(code: int | None, failures: int, fraction: float):
    """However often it failed, a client tries again within a quarter of a minute."""
    assert 0 <= wait_seconds(code, failures, fraction) <= MOST_SECONDS


def test_repeated_failures_wait_longer_even_after_a_resumable_close():
    """An instance that welcomes nobody is not asked twice a second for ever."""
    assert wait_seconds(CloseCode.DRAINING, 5, 0.9) > wait_seconds(CloseCode.DRAINING, 0, 0.9)


def test_only_codes_of_the_last_range_are_final():
    """Who was signed out does not come back; who was slow or unlucky does."""
    assert is_final(CloseCode.SESSION_ENDED)
    assert is_final(CloseCode.TOO_MANY_ERRORS)
    assert not any(map(is_final, (None, 1000, 1006, 1009, 4001, 4010, 4100, 4300)))


def test_retry_after_is_taken_in_seconds_up_to_a_limit():
    """A date depends on two clocks, and nobody is sent away for a day."""
    assert retry_after_seconds("0") == 0
    assert retry_after_seconds("15") == 15
    assert retry_after_seconds("86400") == MOST_ASKED_SECONDS
    for other in ("", "-1", "1.5", "٣", "²", "Fri, 31 Dec 1999 23:59:59 GMT"):
        assert retry_after_seconds(other) is None
