"""Parley beside its peers: the same rooms, the same events, one client, in turns.

A peer's program stands in ``peers/``, how it is spoken to in ``dialects.py``.
"""

import contextlib
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from benchmarks.lineup import Entrant, Lineup, open_redis_port
from benchmarks.measures import MEMBERS_A_ROOM, WARM_UP
from benchmarks.report import PARLEY, SEND_LOOP, print_with_machine
from benchmarks.stopwatch import Stopwatch
from gateway.embedded import EmbeddedServers

WIDTH = 200

BIG_ROOM = 0
"""The room of everybody. Teams have the numbers that follow."""


class Column(NamedTuple):
    """One figure of every server."""

    name: str
    unit: str

    @property
    def title(self) -> str:
        """What stands beside the values."""
        return f"{self.name} ({self.unit})"


ONE_IN_FLIGHT = Column("CPU a delivery, one room, one event in flight", "µs")
EIGHT_IN_FLIGHT = Column("CPU a delivery, one room, eight in flight", "µs")
TEAMS = Column("CPU a delivery, teams, steady", "µs")
TEAMS_REDIS = Column("CPU of Redis a delivery, teams, steady", "µs")
P50 = Column("p50, teams, steady", "ms")
P99 = Column("p99, teams, steady", "ms")
P999 = Column("p99.9, teams, steady", "ms")
RUSH = Column("deliveries a second, teams, as fast as it goes", "1/s")
RUSH_CPU = Column("CPU a delivery, teams, as fast as it goes", "µs")
RUSH_P99 = Column("p99, teams, as fast as it goes", "ms")
RUSH_CLIENT = Column("client's share of its core meanwhile", "%")
CONNECTING = Column("CPU of connecting", "µs")
COMING = Column("CPU of connecting and joining", "µs")
MEMORY = Column("memory of an idle connection", "KB")

COLUMNS = (
    ONE_IN_FLIGHT,
    EIGHT_IN_FLIGHT,
    TEAMS,
    TEAMS_REDIS,
    P50,
    P99,
    P999,
    RUSH,
    RUSH_CPU,
    RUSH_P99,
    RUSH_CLIENT,
    CONNECTING,
    COMING,
    MEMORY,
)


@dataclass(frozen=True)
class Sizes:
    """How much is measured. Deliveries are a round's, for each server."""

    members: int = 1000
    deliveries: int = 10_000
    steady_deliveries_per_second: int = 2_000
    steady_seconds: float = 3
    arrivals: int = 300
    rounds: int = 3


@dataclass(frozen=True)
class Comparison:
    """A value a round, by server and figure, and what release each server is of."""

    versions: Mapping[str, str]
    results: Mapping[str, Mapping[Column, Sequence[float]]]

    def print(self) -> None:
        """Print medians, and the median of what they were as multiples of Parley's."""
        table = Table("", *self.results)
        for column in COLUMNS:
            table.add_row(column.title, *(self._cell(name, column) for name in self.results))
        console = print_with_machine(table, width=WIDTH)
        for name, version in self.versions.items():
            console.print(f"{name}: {version or '–'}")

    def as_json(self) -> object:
        """Return every round of every figure."""
        rows = {
            name: {column.title: values for column, values in row.items()}
            for name, row in self.results.items()
        }
        return {"versions": self.versions, "results": rows}

    def _cell(self, name: str, column: Column) -> str:
        if not (values := self.results[name].get(column)):
            return "–"
        median = statistics.median(values)
        shown = f"{median:,.0f}" if median >= 100 else f"{median:.3g}"
        if name == PARLEY:
            return shown
        pairs = zip(values, self.results[PARLEY][column], strict=True)
        ratio = statistics.median(theirs / ours for theirs, ours in pairs if ours)
        return f"{shown} ({ratio:.0f}×)" if ratio >= 10 else f"{shown} ({ratio:.2g}×)"


def compare(servers: EmbeddedServers, folder: Path, sizes: Sizes) -> Comparison:
    """Measure Parley and all peers that are installed."""
    port = open_redis_port(servers)
    with contextlib.ExitStack() as stack:
        entrants = Lineup(servers, port, folder, stack).everybody(sizes.members)
        contest = Contest(entrants, servers.pids["redis"], sizes)
        contest.run()
    return Comparison({entrant.name: entrant.version for entrant in entrants}, contest.results)


class Contest:
    """All servers, running side by side and measured in turns."""

    def __init__(self, entrants: Sequence[Entrant], redis_pid: int, sizes: Sizes) -> None:
        self._entrants = entrants
        self._redis_pid = redis_pid
        self._sizes = sizes
        self.results: dict[str, dict[Column, list[float]]] = {
            entrant.name: defaultdict(list) for entrant in entrants
        }

    def run(self) -> None:
        """Measure everything."""
        with_rooms = [entrant for entrant in self._entrants if entrant.name != SEND_LOOP]
        with contextlib.ExitStack() as stack:
            crowds = {entrant: stack.enter_context(self._crowd(entrant)) for entrant in with_rooms}
            for entrant, crowd in crowds.items():
                self._memory(entrant, crowd)
            for _ in range(self._sizes.rounds):
                for entrant, crowd in crowds.items():
                    self._rush(entrant, crowd)
                for entrant, crowd in crowds.items():
                    self._steady(entrant, crowd)
        for _ in range(self._sizes.rounds):
            for entrant in with_rooms:
                self._coming(entrant)
        self._one_room()

    def _memory(self, entrant: Entrant, crowd: Stopwatch) -> None:
        """Let everybody in, in teams; they stay."""
        with self._crowd(entrant) as first:
            first.come_in(entrant.dialect, _teams(WARM_UP))
        entrant.server.rest()
        before = entrant.server.memory_bytes()
        crowd.come_in(entrant.dialect, _teams(self._sizes.members))
        grown = entrant.server.memory_bytes() - before
        self._note(entrant, MEMORY, grown / self._sizes.members / 1024)

    def _steady(self, entrant: Entrant, crowd: Stopwatch) -> None:
        rate = self._sizes.steady_deliveries_per_second / MEMBERS_A_ROOM
        figures = crowd.paced(entrant.publish, int(rate * self._sizes.steady_seconds), rate)
        self._note(entrant, TEAMS, figures.cpu_us["server"])
        self._note(entrant, TEAMS_REDIS, figures.cpu_us["redis"])
        self._note(entrant, P50, figures.p50_ms)
        self._note(entrant, P99, figures.p99_ms)
        self._note(entrant, P999, figures.p999_ms)

    def _rush(self, entrant: Entrant, crowd: Stopwatch) -> None:
        """Keep one event under way in each team."""
        figures = crowd.chased(entrant.publish, self._sizes.deliveries // MEMBERS_A_ROOM, 1)
        self._note(entrant, RUSH, figures.per_second)
        self._note(entrant, RUSH_CPU, figures.cpu_us["server"])
        self._note(entrant, RUSH_P99, figures.p99_ms)
        self._note(entrant, RUSH_CLIENT, figures.client_share * 100)

    def _coming(self, entrant: Entrant) -> None:
        """Let people in who leave again."""
        dialect, count = entrant.dialect, self._sizes.arrivals
        visits = dialect.visits(_teams(count))
        entrant.server.rest()
        with self._crowd(entrant) as crowd:
            before = entrant.server.cpu_seconds()
            crowd.connect([visit.opening for visit in visits], until=dialect.opened)
            self._note(entrant, CONNECTING, (entrant.server.cpu_seconds() - before) / count * 1e6)
            if dialect.joined:
                crowd.ask([visit.joining for visit in visits], until=dialect.joined)
            crowd.settle()
            self._note(entrant, COMING, (entrant.server.cpu_seconds() - before) / count * 1e6)

    def _one_room(self) -> None:
        members = self._sizes.members
        with contextlib.ExitStack() as stack:
            crowds: dict[Entrant, Stopwatch] = {}
            for entrant in self._entrants:
                crowds[entrant] = crowd = stack.enter_context(self._crowd(entrant))
                crowd.come_in(entrant.dialect, [BIG_ROOM] * members)
            for _ in range(self._sizes.rounds):
                for column, in_flight in ((ONE_IN_FLIGHT, 1), (EIGHT_IN_FLIGHT, 8)):
                    for entrant, crowd in crowds.items():
                        events = max(self._sizes.deliveries // members, in_flight)
                        figures = crowd.chased(entrant.publish, events, in_flight)
                        self._note(entrant, column, figures.cpu_us["server"])

    def _crowd(self, entrant: Entrant) -> Stopwatch:
        pids = {"server": entrant.server.pid, "redis": self._redis_pid}
        return Stopwatch(entrant.server.port, pids)

    def _note(self, entrant: Entrant, column: Column, value: float) -> None:
        self.results[entrant.name][column].append(value)


def _teams(count: int) -> list[int]:
    """Return the room of each of so many people."""
    return [BIG_ROOM + 1 + number // MEMBERS_A_ROOM for number in range(count)]
