import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.backoff import FIRST_SECONDS, MOST_SECONDS, backoff_seconds

NEARLY_ONE = 1 - 2**-53


@pytest.mark.parametrize(("failures", "limit"), [(1, 0.05), (2, 0.1), (3, 0.2), (6, 1.6), (7, 2.0)])
def test_the_limit_doubles_up_to_the_most(failures: int, limit: float) -> None:
    """50 ms after the first failure, twice as much after each further one, never above 2 s."""
    assert backoff_seconds(failures, NEARLY_ONE) == pytest.approx(limit)


@given(st.integers(1, 10**9), st.floats(0, NEARLY_ONE))
def test_every_wait_is_within_bounds(failures: int, fraction: float) -> None:
    """However long the failure lasts, the wait is a number between nothing and the most."""
    assert 0 <= backoff_seconds(failures, fraction) < MOST_SECONDS


@given(st.integers(1, 100))
def test_the_jitter_is_full(failures: int) -> None:
    """The wait may be anything below the limit, so that clients come back spread out."""
    assert backoff_seconds(failures, 0.0) == 0
    assert backoff_seconds(failures, 0.5) == backoff_seconds(failures, 0.25) * 2


def test_limits_can_be_others() -> None:
    """A caller with another pace gives its own limits."""
    assert backoff_seconds(1, 0.5, first_seconds=1, most_seconds=8) == 0.5
    assert backoff_seconds(9, 0.5, first_seconds=1, most_seconds=8) == 4
    assert FIRST_SECONDS < MOST_SECONDS
