"""Every metric of a gateway: its name, what it means, what to do about it, and where it is read.

The parts count for themselves, in plain numbers of the one thread they run in:
that takes 0.05 to 0.2 µs, where prometheus_client's own counters and histograms,
made for threads, take 0.6 to 1.7. Here the numbers get their names, and are read
when somebody asks. ``docs/metrics.md`` is written from ``METRICS``.

``read`` takes the readings of one process, ``add_up`` puts those of several
together, ``Told`` tells them to prometheus_client.
"""

import gc
import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from gateway.backplane.leases import LEASE_SECONDS
from gateway.core.close_codes import CloseCode
from gateway.core.errors import error_classes
from gateway.runtime.admission import Refusal
from gateway.runtime.ledger_figures import COMMITTED
from gateway.runtime.metric_kinds import (
    Counter,
    Distribution,
    Gauge,
    LabelledCounter,
    LabelledGauge,
    Parts,
)
from gateway.runtime.siblings import Readings

_STARTED_AT: Final = time.time()  # this is imported at the start

_CODES: Final = tuple(sorted(error.code for error in error_classes()))


METRICS: Final[tuple[Gauge | LabelledGauge | Counter | LabelledCounter | Distribution, ...]] = (
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
        "parley_connections_refused_total",
        "reason",
        tuple(Refusal),
        "Connections that were turned away: the instance was `full` or `draining`, or there were "
        "too many of one `address` or `user`. Their clients come back later.",
        "`full`: add an instance. `address`: one that floods, or a proxy that is not in "
        "`FORWARDED_ALLOW_IPS`. `user`: a client that does not close what it opens.",
        lambda parts: parts.endpoint.admission.refused,
    ),
    Gauge(
        "parley_entering",
        "Sign-ins and joins under way.",
        "At `MAX_ENTERING` for long: PostgreSQL or Redis is slow, or clients come back in circles; "
        "new connections wait.",
        lambda parts: parts.endpoint.admission.entering,
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
        "parley_inboxes",
        "Connections that have their inbox open.",
        "For planning: all rooms of these people are subscriptions in Redis.",
        lambda parts: parts.inboxes.opened,
    ),
    Counter(
        "parley_inbox_reads_total",
        "How often inboxes were read again, those of all people at once.",
        "About one a second in a busy gateway, less when a reading takes long.",
        lambda parts: parts.inboxes.reads,
    ),
    Counter(
        "parley_inbox_notices_total",
        "Changes of inboxes that were told.",
        "Many more than people with an inbox open, in a second: look at the client.",
        lambda parts: parts.inboxes.notices,
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
        together=min,
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
        together=min,
    ),
    Gauge(
        "parley_lease_age_seconds",
        "Time since this instance renewed its lease in Redis.",
        f"Above 4: it could not renew twice; at {LEASE_SECONDS:g} the lease ends, and the others "
        "take its people for gone.",
        lambda parts: parts.liveness.lease_age_seconds,
        together=max,
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
    # The workers
    Gauge(
        "parley_workers",
        "Processes whose figures these are; the ones that do not answer are missing.",
        "Below `parley_workers_expected` for a minute: one cannot start, or hangs; see the log.",
        lambda _: 1,
    ),
    Gauge(
        "parley_workers_expected",
        "Processes that should serve: `WORKERS`.",
        "As above.",
        lambda parts: parts.siblings.count,
        together=max,
    ),
    LabelledGauge(
        "parley_worker_connections",
        "worker",
        "WebSocket connections of each process.",
        "Far apart for long: one was restarted; clients spread anew as they come and go.",
        lambda parts: {str(parts.siblings.number): len(parts.endpoint.connections)},
    ),
    LabelledCounter(
        "parley_worker_cpu_seconds_total",
        "worker",
        (),
        "CPU time of each process, in user mode and in the kernel.",
        "Near 1 a second: its core is full; add a worker or an instance.",
        lambda parts: {str(parts.siblings.number): time.process_time()},
    ),
    # As prometheus_client names them. Its own collector lists the open files, which holds
    # the loop up for 12 ms where there are 10,000 connections.
    Counter(
        "process_cpu_seconds_total",
        "CPU time of this process, in user mode and in the kernel.",
        "Near 1 a second, of one process: its core is full; add a worker or an instance.",
        lambda _: time.process_time(),
    ),
    Gauge(
        "process_start_time_seconds",
        "When this process started, as Unix time.",
        "Later than you know of: it was restarted; the end of the log before tells why.",
        lambda _: _STARTED_AT,
        together=max,
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
        together=min,
    ),
    LabelledCounter(
        "python_gc_collections_total",
        "generation",
        (),
        "Rounds of Python's garbage collector.",
        "Generation 2 more than now and then: its pauses show in `parley_loop_lag_seconds`.",
        lambda _: _collected("collections"),
    ),
    LabelledCounter(
        "python_gc_objects_collected_total",
        "generation",
        (),
        "Objects in cycles that it freed.",
        "For developers: what should not be in cycles.",
        lambda _: _collected("collected"),
    ),
    LabelledCounter(
        "python_gc_objects_uncollectable_total",
        "generation",
        (),
        "Objects that it could not free.",
        "Rising: a fault; report it.",
        lambda _: _collected("uncollectable"),
    ),
)


def read(parts: Parts) -> Readings:
    """Take every reading of this process."""
    return {metric.name: metric.read(parts) for metric in METRICS}


def add_up(present: Sequence[Readings], past: Sequence[Readings] = ()) -> Readings:
    """Put readings of several processes together.

    Of processes that are ``past``, what they had counted stays, or Prometheus
    would take the fall of a counter for a restart, and its next value for a rise.
    """
    together: Readings = {}
    for metric in METRICS:
        asked = (*present, *past) if metric.accumulates else present
        values = [readings[metric.name] for readings in asked if metric.name in readings]
        if values:
            together[metric.name] = metric.together(values)
    return together


class Told(Collector):
    """Tells readings to prometheus_client."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    @override
    def collect(self) -> Iterator[Metric]:
        for metric in METRICS:
            if metric.name in self._readings:
                yield metric.tell(self._readings[metric.name])


def _collected(figure: str) -> dict[str, float]:
    """Return what Python's garbage collector has counted, by generation."""
    return {str(number): counts[figure] for number, counts in enumerate(gc.get_stats())}


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()
