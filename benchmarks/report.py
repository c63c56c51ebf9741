"""The figures, as a table for people and as JSON for programs."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

PARLEY = "Parley"
SEND_LOOP = "C loop of send()"
BROADCAST = "websockets broadcast"
AWAITED = "websockets await"

SERVERS = (PARLEY, SEND_LOOP, BROADCAST, AWAITED)

WIDTH = 130


@dataclass(frozen=True)
class Row:
    """One figure: a value a round for each server, and ``notes`` on those that have none."""

    name: str
    aim: float | None
    values: Mapping[str, Sequence[float]]
    notes: Mapping[str, str] = field(default_factory=dict)

    def cell(self, server: str) -> str:
        """Return the median of a server's rounds."""
        if server not in self.values:
            return self.notes.get(server, "–")
        median = statistics.median(self.values[server])
        return f"{median:.2f}" if median < 20 else f"{median:.0f}"

    def ratio(self, server: str) -> float:
        """Return Parley's value as a multiple of another server's, round by round: the median."""
        pairs = zip(self.values[PARLEY], self.values[server], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)


def machine() -> dict[str, str]:
    """Tell where and when this was measured."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in cpuinfo if line.startswith("model name")]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": models[0] if models else platform.machine(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        # What else goes on: with more than a core's worth of it, only ratios mean anything.
        "load": f"{os.getloadavg()[2]:.1f}",
    }


def print_table(rows: Sequence[Row]) -> None:
    """Print the medians, and how Parley compares."""
    table = Table(*("", *SERVERS, "aim"))
    for row in rows:
        aim = f"≤ {row.aim:g}" if row.aim else "–"
        table.add_row(row.name, *(row.cell(server) for server in SERVERS), aim)
    console = print_with_machine(table)
    for row in rows:
        for server in SERVERS[1:]:
            if server in row.values:
                ratio = f"{row.ratio(server):.2f}"
                console.print(f"{row.name}: {PARLEY} takes {ratio} × {server}")


def print_with_machine(table: Table, width: int = WIDTH) -> Console:
    """Print a table below the machine it is about, and return where."""
    # As wide as the table, whatever reads it.
    console = Console(width=width, highlight=False)
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()))
    console.print(table)
    return console


def write_json(rows: Sequence[Row], path: Path, peers: object = None) -> None:
    """Write every round of every row, and what was measured beside peers."""
    report = {"machine": machine(), "rows": [asdict(row) for row in rows], "peers": peers}
    path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
