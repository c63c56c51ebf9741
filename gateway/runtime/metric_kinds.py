"""What a metric may be, and what it is told with: a number, numbers by label, or a histogram."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, TypedDict

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from gateway.backplane.publisher import Publisher
from gateway.core.histogram import Histogram
from gateway.core.ids import RoomId
from gateway.runtime.canary import Canary
from gateway.runtime.catch_up import CatchUp
from gateway.runtime.endpoint import Endpoint
from gateway.runtime.hub import Hub
from gateway.runtime.inboxes import Inboxes
from gateway.runtime.ledger import Ledger
from gateway.runtime.liveness import Liveness
from gateway.runtime.loop_lag import LoopLag
from gateway.runtime.reconciler import Reconciler
from gateway.runtime.room import Room
from gateway.runtime.siblings import Siblings
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database


class Spread(TypedDict):
    """A histogram on its way: see ``core/histogram.py``."""

    bounds: Sequence[float]
    counts: Sequence[float]
    total: float


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one gateway that have something to tell."""

    endpoint: Endpoint
    rooms: Mapping[RoomId, Room]
    hub: Hub
    ledger: Ledger
    database: Database
    canary: Canary
    publisher: Publisher
    liveness: Liveness
    reconciler: Reconciler
    catch_up: CatchUp
    loop_lag: LoopLag
    inboxes: Inboxes
    supervisor: Supervisor
    siblings: Siblings


@dataclass(frozen=True, slots=True)
class Gauge:
    """What is so at this moment.

    ``together`` makes one value of those of several workers: ``sum``, ``min`` or ``max``.
    """

    type: ClassVar = "gauge"
    label: ClassVar = None
    accumulates: ClassVar = False

    name: str
    meaning: str
    advice: str
    read: Callable[[Parts], float]
    together: Callable[[Iterable[float]], float] = sum

    def tell(self, value: float) -> Metric:
        """Make it known."""
        return GaugeMetricFamily(self.name, self.meaning, value)


@dataclass(frozen=True, slots=True)
class LabelledGauge:
    """What is so at this moment, of several things."""

    type: ClassVar = "gauge"
    accumulates: ClassVar = False

    name: str
    label: str
    meaning: str
    advice: str
    read: Callable[[Parts], Mapping[str, float]]

    def tell(self, values: Mapping[str, float]) -> Metric:
        """Make it known."""
        family = GaugeMetricFamily(self.name, self.meaning, labels=[self.label])
        for label, value in sorted(values.items()):
            family.add_metric([label], value)
        return family

    def together(self, values: Iterable[Mapping[str, float]]) -> Mapping[str, float]:
        """Add up, label by label."""
        return _added(values)


@dataclass(frozen=True, slots=True)
class Counter:
    """How often it happened since the start."""

    type: ClassVar = "counter"
    label: ClassVar = None
    accumulates: ClassVar = True

    name: str
    meaning: str
    advice: str
    read: Callable[[Parts], float]

    def tell(self, count: float) -> Metric:
        """Make it known."""
        return CounterMetricFamily(self.name, self.meaning, count)

    def together(self, counts: Iterable[float]) -> float:
        """Add up."""
        return sum(counts)


@dataclass(frozen=True, slots=True)
class LabelledCounter:
    """How often each of several things happened since the start.

    Those that are ``known`` beforehand are told from 0 on: of a series that
    begins with its first event, Prometheus would not see that event as a rise.
    """

    type: ClassVar = "counter"
    accumulates: ClassVar = True

    name: str
    label: str
    known: Iterable[str]
    meaning: str
    advice: str
    read: Callable[[Parts], Mapping[str, float]]

    def tell(self, counts: Mapping[str, float]) -> Metric:
        """Make it known."""
        family = CounterMetricFamily(self.name, self.meaning, labels=[self.label])
        for label, count in (dict.fromkeys(self.known, 0) | dict(counts)).items():
            family.add_metric([label], count)
        return family

    def together(self, counts: Iterable[Mapping[str, float]]) -> Mapping[str, float]:
        """Add up, label by label."""
        return _added(counts)


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the values were spread since the start."""

    type: ClassVar = "histogram"
    label: ClassVar = None
    accumulates: ClassVar = True

    name: str
    meaning: str
    advice: str
    histogram: Callable[[Parts], Histogram]

    def read(self, parts: Parts) -> Spread:
        """Take a copy that can travel."""
        histogram = self.histogram(parts)
        return Spread(
            bounds=histogram.bounds, counts=tuple(histogram.counts), total=histogram.total
        )

    def tell(self, spread: Spread) -> Metric:
        """Make it known."""
        bounds = map(floatToGoString, (*spread["bounds"], float("inf")))
        buckets = list(zip(bounds, accumulate(spread["counts"]), strict=True))
        return HistogramMetricFamily(self.name, self.meaning, buckets, spread["total"])

    def together(self, spreads: Iterable[Spread]) -> Spread:
        """Add up, bucket by bucket."""
        some = list(spreads)
        return Spread(
            bounds=some[0]["bounds"],
            counts=[
                sum(counts) for counts in zip(*(spread["counts"] for spread in some), strict=True)
            ],
            total=sum(one["total"] for one in some),
        )


def _added(some: Iterable[Mapping[str, float]]) -> Mapping[str, float]:
    total: Tally[str] = Tally()
    for values in some:
        total.update(values)
    return total
