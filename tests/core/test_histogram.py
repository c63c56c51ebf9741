from hypothesis import given
from hypothesis import strategies as st

from gateway.core.histogram import Histogram

BOUNDS = (1, 2, 5)


def test_a_value_on_a_bound_belongs_below_it():
    """As Prometheus has it: a bucket is for values less than or equal to its bound."""
    histogram = Histogram(BOUNDS)
    for value in (0, 1, 1.5, 2, 5, 5.1, 1_000):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1, 2]


@given(st.lists(st.integers(-10, 10)))
def test_every_value_is_in_one_bucket_and_in_the_total(values: list[int]):
    """Nothing is lost above the highest bound or below the lowest."""
    histogram = Histogram(BOUNDS)
    histogram.observe_all(values)
    assert sum(histogram.counts) == len(values)
    assert histogram.total == sum(values)
    assert histogram.counts[0] == sum(value <= BOUNDS[0] for value in values)
