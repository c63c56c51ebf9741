"""What a run was, in figures."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.chaos.options import Options


@dataclass(slots=True)
class Report:
    """Faults, counts, times in seconds, and every promise that was found broken."""

    options: Options
    faults: Counter[str] = field(default_factory=Counter)
    recoveries: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[str] = field(default_factory=Counter)
    latencies: Sequence[float] = ()
    log_events: int = 0
    settle_seconds: float | None = None
    logged_errors: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)
    """The faults in their order, for whoever looks for the cause of a finding."""
    findings: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the report, to be read by people."""
        options = self.options
        yield (
            f"seed {options.seed}: {options.clients} clients, {options.rooms} rooms, "
            f"{options.instances} instances, faults for {options.seconds:g} s"
        )
        yield f"{self.log_events} events in the log, {sum(self.faults.values())} faults"
        for kind, times in sorted(self.faults.items()):
            yield f"  {times} × {kind}{self._recovery(kind)}"
        for what, times in sorted(self.counts.items()):
            yield f"  {times:>9,} {what}"
        if self.latencies:
            yield f"delivery, faults included: {self._latency()}"
        if self.settle_seconds is not None:
            yield f"everybody complete {self.settle_seconds:.1f} s after the last fault"
        for event, times in sorted(self.logged_errors.items()):
            yield f"  {times} × logged as an error by an instance: {event}"
        if self.findings:
            yield from self.story
        yield from (f"BROKEN: {finding}" for finding in self.findings[:10])
        yield self._verdict()

    def _recovery(self, kind: str) -> str:
        if not (seconds := self.recoveries.get(kind)):
            return ""
        return f", recovered in {median(seconds):.2f} s, at most {max(seconds):.2f} s"

    def _latency(self) -> str:
        ordered = sorted(self.latencies)
        half, most = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
        return f"p50 {half * 1000:.1f} ms, p99 {most * 1000:.0f} ms"

    def _verdict(self) -> str:
        if not self.findings:
            return f"seed {self.options.seed}: nothing lost, nothing twice"
        return f"seed {self.options.seed}: {len(self.findings)} promises broken"
