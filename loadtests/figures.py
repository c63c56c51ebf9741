"""Every figure of a run: what Locust is told, kept exactly and not in its rounded buckets."""

from array import array
from dataclasses import dataclass, field
from typing import Final

IN_TICKS: Final = ("typing.changed", "presence.changed")
"""What the gateway tells at once in a quiet room, and in a lively one gathers for a tick."""

TICK_MS: Final = 100.0
"""How long that may wait by design."""


@dataclass
class Row:
    """One kind of thing: how often, how often it went wrong, and how long it took (ms)."""

    count: int = 0
    failures: int = 0
    times: "array[float]" = field(default_factory=lambda: array("f"))


class Figures:
    """Rows by kind ("deliver") and name ("chat.message")."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self._seen: dict[str, int] = {}

    def note(
        self,
        request_type: str,
        name: str,
        response_time: float | None,
        exception: Exception | None = None,
        **_: object,
    ) -> None:
        """Take one in. This is what Locust's event ``request`` calls."""
        row = self.rows.get((request_type, name))
        if row is None:
            row = self.rows[request_type, name] = Row()
        row.count += 1
        if exception is not None:
            row.failures += 1
        elif response_time is not None:
            row.times.append(response_time)

    @property
    def deliveries(self) -> int:
        """How many events have come to anybody, each counted for each who heard it."""
        return sum(row.count for (kind, _), row in self.rows.items() if kind == "deliver")

    @property
    def failures(self) -> int:
        """How many things went wrong."""
        return sum(row.failures for row in self.rows.values())

    def delivery_times(self, *, in_ticks: bool) -> list[float]:
        """Return how long deliveries took (ms), in rising order."""
        times: list[float] = []
        for (kind, name), row in self.rows.items():
            if kind == "deliver" and (name in IN_TICKS) == in_ticks:
                times.extend(row.times)
        return sorted(times)

    def new_delivery_times(self) -> list[float]:
        """Return the times (ms, rising) of prompt deliveries that came since the last call."""
        times: list[float] = []
        for (kind, name), row in self.rows.items():
            if kind == "deliver" and name not in IN_TICKS:
                times.extend(row.times[self._seen.get(name, 0) :])
                self._seen[name] = len(row.times)
        return sorted(times)


def percentile(rising: list[float], percent: float) -> float:
    """Return the value that ``percent`` of them do not exceed; 0 where there are none."""
    if not rising:
        return 0.0
    return rising[min(len(rising) - 1, int(len(rising) * percent / 100))]
