from hypothesis import given
from hypothesis import strategies as st

from gateway.core.limits import TokenBucket


def test_a_burst_passes_and_what_follows_it_at_once_does_not():
    """The bucket begins full."""
    bucket = TokenBucket(per_second=1, burst=3, now=100.0)
    assert [bucket.take(100.0) for _ in range(5)] == [True, True, True, False, False]


def test_tokens_grow_back_with_time_and_not_beyond_the_burst():
    """A long silence is no licence for more than one burst."""
    bucket = TokenBucket(per_second=2, burst=2, now=0.0)
    assert [bucket.take(0.0) for _ in range(3)] == [True, True, False]
    assert bucket.take(0.5)
    assert not bucket.take(0.5)
    assert [bucket.take(1_000.0) for _ in range(3)] == [True, True, False]


def test_a_refusal_costs_no_token():
    """Whoever keeps trying gets through as soon as whoever waits."""
    bucket = TokenBucket(per_second=1, burst=1, now=0.0)
    assert bucket.take(0.0)
    assert not any(bucket.take(step / 10) for step in range(1, 10))
    assert bucket.take(1.0)


@given(
    per_second=st.floats(0.1, 100),
    burst=st.floats(1, 50),
    pauses=st.lists(st.floats(0, 3), min_size=1, max_size=100),
)
def test_no_stretch_of_time_lets_through_more_than_burst_and_rate_allow(
    per_second: float, burst: float, pauses: list[float]
):
    """However the attempts are spread."""
    bucket = TokenBucket(per_second, burst, now=0.0)
    now = 0.0
    passed: list[float] = []
    for pause in pauses:
        now += pause
        if bucket.take(now):
            passed.append(now)
    for first, since in enumerate(passed):
        for last in range(first, len(passed)):
            allowed = burst + (passed[last] - since) * per_second
            assert last - first + 1 <= allowed + 1e-6
