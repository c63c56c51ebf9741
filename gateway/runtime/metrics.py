"""Every metric of a gateway: its name, what it means, what to do about it, and where it is read.

The parts count for themselves, in plain numbers of the one thread they run in:
that takes 0.05 to 0.2 µs, where prometheus_client's own counters and histograms,
made for threads, take 0.6 to 1.7. Here the numbers get their names, and are read
when somebody asks. ``docs/metrics.md`` is written from ``METRICS``.
"""

import resource
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import ClassVar, Final

from prometheus_client import CollectorRegistry, GCCollector
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from typing_extensions import override

from gateway.backplane.leases import LEASE_SECONDS
from gateway.backplane.publisher import Publisher
from gateway.core.close_codes import CloseCode
from gateway.core.errors import error_classes
from gateway.core.histogram import Histogram
from gateway.core.ids import RoomId
from gateway.runtime.canary import Canary
from gateway.runtime.catch_up import CatchUp
from gateway.runtime.endpoint import Endpoint
from gateway.runtime.hub import Hub
from gateway.runtime.ledger import Ledger
from gateway.runtime.ledger_figures import COMMITTED
from gateway.runtime.liveness import Liveness
from gateway.runtime.loop_lag import LoopLag
from gateway.runtime.reconciler import Reconciler
from gateway.runtime.room import Room
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database

_STARTED_AT: Final = time.time()  # this is imported at the start

_CODES: Final = tuple(sorted(error.code for error in error_classes()))


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
    supervisor: Supervisor


@dataclass(frozen=True, slots=True)
class Gauge:
    """What is so at this moment."""

    type: ClassVar = "gauge"
    label: ClassVar = None

    name: str
    meaning: str
    advice: str
    read: Callable[[Parts], float]

    def collect(self, parts: Parts) -> Metric:
        """Read it."""
        return GaugeMetricFamily(self.name, self.meaning, self.read(parts))


@dataclass(frozen=True, slots=True)
class Counter:
    """How often it happened since the start."""

    type: ClassVar = "counter"
    label: ClassVar = None

    name: str
    meaning: str
    advice: str
    read: Callable[[Parts], float]

    def collect(self, parts: Parts) -> Metric:
        """Read it."""
        return CounterMetricFamily(self.name, self.meaning, self.read(parts))


@dataclass(frozen=True, slots=True)
class LabelledCounter:
    """How often each of several things happened since the start.

    Those that are ``known`` beforehand are told from 0 on: of a series that
    begins with its first event, Prometheus would not see that event as a rise.
    """

    type: ClassVar = "counter"

    name: str
    label: str
    known: Iterable[str]
    meaning: str
    advice: str
    read: Callable[[Parts], Mapping[str, float]]

    def collect(self, parts: Parts) -> Metric:
        """Read it."""
        family = CounterMetricFamily(self.name, self.meaning, labels=[self.label])
        for value, count in (dict.fromkeys(self.known, 0) | dict(self.read(parts))).items():
            family.add_metric([value], count)
        return family


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the values were spread since the start."""

    type: ClassVar = "histogram"
    label: ClassVar = None

    name: str
    meaning: str
    advice: str
    read: Callable[[Parts], Histogram]

    def collect(self, parts: Parts) -> Metric:
        """Read it."""
        histogram = self.read(parts)
        bounds = map(floatToGoString, (*histogram.bounds, float("inf")))
        buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
        return HistogramMetricFamily(self.name, self.meaning, buckets, histogram.total)


METRICS: Final[tuple[Gauge | Counter | LabelledCounter | Distribution, ...]] = (
    # Connections
    Gauge(
        "parley_connections",
        "WebSocket connections, those that have not signed in included.",
        "Near `MAX_CONNECTIONS`: add an instance. Fallen to 0 while others rise: look at its log.",
        lambda parts: len(parts.endpoint.connections),
    ),
    Counter(
        "parley_connections_opened_total",
        "Connections that came, those that were rejected included.",
        "Many more than people: clients come back in circles; the closes tell why.",
        lambda parts: parts.endpoint.opened,
    ),
    LabelledCounter(
        "parley_connections_closed_total",
        "reason",
        tuple(code.name.lower() for code in CloseCode),
        "Connections that the gateway closed, by the name of the close code.",
        "`slow_reader`: networks or clients that do not keep up. `heartbeat_lost`: dead networks, "
        "or a proxy with a shorter timeout. `too_many_errors`: a client with a fault.",
        lambda parts: {code.name.lower(): n for code, n in parts.endpoint.closes.items()},
    ),
    LabelledCounter(
        "parley_errors_total",
        "code",
        _CODES,
        "Errors that clients were told over WebSocket, by code ([errors.md](errors.md)).",
        "`internal_error`: a fault of the gateway, look at its log. `rate_limited`: a client that "
        "is too fast, or `COMMANDS_PER_SECOND` too low.",
        lambda parts: parts.endpoint.errors,
    ),
    # Delivery
    Gauge(
        "parley_rooms",
        "Rooms that somebody on this instance has open.",
        "For planning: each is a subscription in Redis and a line of the comparison with the log.",
        lambda parts: len(parts.rooms),
    ),
    Counter(
        "parley_deliveries_total",
        "Live events handed to sockets: one event to one member is one.",
        "With `process_cpu_seconds_total` it tells what a delivery costs here.",
        lambda parts: parts.hub.deliveries,
    ),
    Gauge(
        "parley_readers_parked",
        "Connections that read too slowly or come back from far behind, and are fed from the log.",
        "Many for long: the network behind this instance is too slow.",
        lambda parts: sum(
            connection.is_paused or connection.is_catching_up
            for connection in parts.endpoint.connections
        ),
    ),
    Counter(
        "parley_parkings_total",
        "Connections that followed the live events until their sockets took no more.",
        "Rising fast: events are larger or more than the clients' networks carry.",
        lambda parts: parts.catch_up.parkings,
    ),
    LabelledCounter(
        "parley_log_events_total",
        "purpose",
        ("heal", "catch_up"),
        "Events read from the log for rooms that had missed them (`heal`; while the backplane is "
        "not heard, all that come from other instances) and for slow or returning readers "
        "(`catch_up`, once for each reader).",
        "`heal` rising while `parley_backplane_hears` is 1: Redis loses publications; see whether "
        "it disconnects clients (`client-output-buffer-limit pubsub`).",
        lambda parts: {
            "heal": parts.reconciler.healed_events,
            "catch_up": parts.catch_up.events_sent,
        },
    ),
    Counter(
        "parley_gaps_healed_total",
        "How often a room was filled up from the log.",
        "As above. Members have missed nothing, but got it later.",
        lambda parts: parts.reconciler.healed_gaps,
    ),
    Gauge(
        "parley_rooms_behind",
        "Rooms that are being filled up from the log.",
        "Above 0 for longer than a minute: PostgreSQL is away or slow; the log names the room.",
        lambda parts: parts.reconciler.rooms_behind,
    ),
    # The ledger
    LabelledCounter(
        "parley_commands_total",
        "outcome",
        (COMMITTED, *_CODES),
        "Durable commands that came to the ledger, over WebSocket, HTTP or by joining, by what "
        "became of them: `committed`, or the code of the error.",
        "`overloaded`: more than PostgreSQL commits. `database_unavailable`: it is away. "
        "`internal_error`: a fault of the gateway, look at its log.",
        lambda parts: parts.ledger.figures.outcomes,
    ),
    Distribution(
        "parley_command_seconds",
        "From the queue to the answer of a durable command.",
        "Far above `parley_ledger_transaction_seconds`: commands queue; else PostgreSQL is slow.",
        lambda parts: parts.ledger.figures.command_seconds,
    ),
    Gauge(
        "parley_ledger_queue",
        "Durable commands that wait for a transaction.",
        "Rising: PostgreSQL is slower than what comes in. At 10,000 commands are refused.",
        lambda parts: parts.ledger.queued,
    ),
    Distribution(
        "parley_ledger_batch_commands",
        "Commands in one transaction.",
        "Mostly 200: the ledger is at its limit; add an instance or a faster disk for PostgreSQL.",
        lambda parts: parts.ledger.figures.batch_commands,
    ),
    Distribution(
        "parley_ledger_transaction_seconds",
        "A transaction of the ledger, from asking for a connection to the commit or the failure.",
        "Slow: PostgreSQL's disk, or rooms locked by other instances; see `pg_stat_activity`.",
        lambda parts: parts.ledger.figures.transaction_seconds,
    ),
    # The backplane
    Gauge(
        "parley_backplane_hears",
        "1 while this instance hears itself through Redis, else 0.",
        "0: Redis is away, or hangs. Messages go on through PostgreSQL, half a second later; "
        "presence of other instances stands still.",
        lambda parts: parts.canary.hears,
    ),
    Distribution(
        "parley_backplane_echo_seconds",
        "How long a message to itself took through Redis; one a second.",
        "Slow: Redis is busy (`SLOWLOG`), the network is, or this process is: compare "
        "`parley_loop_lag_seconds`.",
        lambda parts: parts.canary.echo_seconds,
    ),
    Counter(
        "parley_backplane_late_echoes_total",
        "Messages to itself that did not come back within 2 s.",
        "Rising while the links stand: Redis hangs, or a half-open connection.",
        lambda parts: parts.canary.late_echoes,
    ),
    Counter(
        "parley_backplane_dropped_total",
        "Publications and notes of presence not sent because Redis was away or did not keep up.",
        "Rising while `parley_backplane_hears` is 1: Redis reads too slowly.",
        lambda parts: parts.publisher.dropped,
    ),
    Gauge(
        "parley_live_instances",
        "Instances with a lease, as this one saw when it renewed its own.",
        "Not the same everywhere, or not the number you run: one cannot renew, and its people "
        "are shown as gone.",
        lambda parts: parts.liveness.live_instances,
    ),
    Gauge(
        "parley_lease_age_seconds",
        "Time since this instance renewed its lease in Redis.",
        f"Above 4: it could not renew twice; at {LEASE_SECONDS:g} the lease ends, and the others "
        "take its people for gone.",
        lambda parts: parts.liveness.lease_age_seconds,
    ),
    # The database
    Gauge(
        "parley_database_pool_size",
        "Connections to PostgreSQL that are open.",
        "At `DATABASE_POOL_MAX` with callers waiting: raise it, within PostgreSQL's limit.",
        lambda parts: parts.database.statistics().size,
    ),
    Gauge(
        "parley_database_pool_idle",
        "Of these, the ones that nobody uses.",
        "0 for long: as above.",
        lambda parts: parts.database.statistics().idle,
    ),
    Gauge(
        "parley_database_pool_waiting",
        "Callers that wait for a connection.",
        "Above 0 for long: the pool is too small, or PostgreSQL is slow.",
        lambda parts: parts.database.statistics().waiting,
    ),
    # The process
    Distribution(
        "parley_loop_lag_seconds",
        "How much later than asked the event loop wakes who sleeps; ten samples a second.",
        "Above 0.05: this process has more to do than one core can: add an instance.",
        lambda parts: parts.loop_lag.seconds,
    ),
    Counter(
        "parley_jobs_failed_total",
        "Pieces of work that ended with an error nobody expected.",
        "Each is a fault; the log has its trace.",
        lambda parts: parts.supervisor.failed_jobs,
    ),
    # As prometheus_client names them. Its own collector lists the open files, which holds
    # the loop up for 12 ms where there are 10,000 connections.
    Counter(
        "process_cpu_seconds_total",
        "CPU time of this process, in user mode and in the kernel.",
        "Near 1 a second: its core is full; add an instance.",
        lambda _: time.process_time(),
    ),
    Gauge(
        "process_start_time_seconds",
        "When this process started, as Unix time.",
        "Later than you know of: it was restarted; the end of the log before tells why.",
        lambda _: _STARTED_AT,
    ),
    Gauge(
        "process_resident_memory_bytes",
        "Memory of this process that is in RAM.",
        "Growing while connections do not: report it, with this page's figures.",
        lambda _: _resident_bytes(),
    ),
    Gauge(
        "process_max_fds",
        "Files this process may open; each connection is one.",
        "Less than `MAX_CONNECTIONS` and 100: raise it (`ulimit -n`).",
        lambda _: resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    ),
)


class Metrics(Collector):
    """Reads ``METRICS`` from the parts of one gateway."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @override
    def collect(self) -> Iterator[Metric]:
        for metric in METRICS:
            yield metric.collect(self._parts)


def open_registry(parts: Parts) -> CollectorRegistry:
    """Return all that one gateway tells; a registry of its own, as there may be several."""
    registry = CollectorRegistry()
    registry.register(Metrics(parts))
    GCCollector(registry)
    return registry


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()
