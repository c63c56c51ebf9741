"""One page about a run: what had to hold, what it cost, and how deliveries were spread."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from loadtests.figures import Figures, Row, percentile
from loadtests.picture import Curve, distribution_svg


@dataclass(frozen=True)
class Claim:
    """Something that must hold for a run to pass, and what was found."""

    text: str
    holds: bool
    found: str


@dataclass(frozen=True)
class Period:
    """Some seconds of the run: prompt deliveries a second, and how long they took (ms)."""

    rate: float
    p50: float
    p99: float

    @classmethod
    def of(cls, rising: list[float], seconds: float) -> Self:
        """Sum up the deliveries of so many seconds."""
        return cls(len(rising) / seconds, percentile(rising, 50), percentile(rising, 99))


@dataclass(frozen=True)
class Summary:
    """All that the page tells."""

    scenario: str
    users: int
    claims: Sequence[Claim]
    notes: Sequence[tuple[str, str]]
    periods: Sequence[Period]
    figures: Figures

    def markdown(self) -> str:
        """Return the page."""
        passed = all(claim.holds for claim in self.claims)
        lines = [
            f"# {self.scenario}, {self.users:,} people: {'passed' if passed else 'FAILED'}",
            "",
            _machine(),
            "",
            *(
                f"- {'✔' if claim.holds else '✘'} {claim.text}"
                + (f": **{claim.found}**" if claim.found else "")
                for claim in self.claims
            ),
            "",
            "![How long deliveries took](latency.svg)",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in self.notes),
            "",
            "Messages and votes, every five seconds of the work:",
            "",
            "| heard a second | p50 | p99 |",
            "|---|---|---|",
            *(f"| {one.rate:,.0f} | {one.p50:.1f} | {one.p99:.1f} |" for one in self.periods),
            "",
            "Milliseconds; deliveries from the sender's clock to the receiver.",
            "",
            "| | | count | faults | p50 | p90 | p99 | p99.9 | most |",
            "|---|---|---|---|---|---|---|---|---|",
            *(_line(kind, name, row) for (kind, name), row in sorted(self.figures.rows.items())),
            "",
        ]
        return "\n".join(lines)


def write_summary(summary: Summary, folder: Path | None) -> None:
    """Print what had to hold, and write the page where a folder is given."""
    for claim in summary.claims:
        print(f"{'passed' if claim.holds else 'FAILED'}: {claim.text} ({claim.found or '-'})")
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.md").write_text(summary.markdown())
    curves = [
        Curve("messages and votes", summary.figures.delivery_times(in_ticks=False)),
        Curve("typing and presence", summary.figures.delivery_times(in_ticks=True)),
    ]
    (folder / "latency.svg").write_text(distribution_svg(curves))
    print(f"Written: {folder / 'summary.md'}")


def _line(kind: str, name: str, row: Row) -> str:
    times = sorted(row.times)
    cells = [f"{percentile(times, percent):.1f}" for percent in (50, 90, 99, 99.9, 100)]
    if not times:
        cells = ["–"] * len(cells)
    return f"| {kind} | {name} | {row.count:,} | {row.failures:,} | {' | '.join(cells)} |"


def _machine() -> str:
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in cpuinfo if line.startswith("model name")]
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores of "
        f"{models[0] if models else platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}; load averages in the end {load}"
    )
