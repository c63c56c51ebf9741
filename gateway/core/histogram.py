"""How values are spread: so many in each bucket, as Prometheus wants to read them."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence


class Histogram:
    """Counts values by size.

    ``bounds`` rise; ``counts`` has one number for each, of the values up to it
    and above the one before, and a last one for those above all of them.
    ``total`` is the sum of the values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def observe_all(self, values: Iterable[float]) -> None:
        """Count many: cheaper than one by one."""
        bounds, counts, total = self.bounds, self.counts, self.total
        for value in values:
            counts[bisect_left(bounds, value)] += 1
            total += value
        self.total = total
