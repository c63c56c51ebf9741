"""How the ledger fares: its transactions, its batches, and what became of the commands."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from gateway.core.errors import GatewayError
from gateway.core.histogram import Histogram
from gateway.runtime.batch import Result

COMMITTED: Final = "committed"
"""The outcome of a command that was carried out, now or when it came for the first time."""

SECONDS_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

BATCH_BOUNDS = (1, 2, 5, 10, 20, 50, 100, 150, 200)
"""Commands, up to the largest batch (``ledger.MAX_BATCH``)."""


class LedgerFigures:
    """Counts what one ledger does."""

    def __init__(self) -> None:
        self.batch_commands = Histogram(BATCH_BOUNDS)
        self.transaction_seconds = Histogram(SECONDS_BOUNDS)
        self.command_seconds = Histogram(SECONDS_BOUNDS)
        """From the queue to the answer, of the commands that were queued."""
        self.outcomes: Counter[str] = Counter()
        """Commands by what became of them: ``COMMITTED``, or the code of an error."""

    @contextmanager
    def transaction(self, commands: int) -> Iterator[None]:
        """Measure a transaction of so many commands, whatever its end."""
        began_at = time.perf_counter()
        try:
            yield
        finally:
            self.batch_commands.observe(commands)
            self.transaction_seconds.observe(time.perf_counter() - began_at)

    def answered(self, results: Sequence[Result], queued_at: Sequence[float]) -> None:
        """Count commands that are being answered now; times as of ``time.perf_counter``."""
        now = time.perf_counter()
        self.command_seconds.observe_all([now - at for at in queued_at])
        self.outcomes.update(map(_outcome, results))

    def refused(self, error: GatewayError) -> None:
        """Count a command that was not queued."""
        self.outcomes[error.code] += 1


def _outcome(result: Result) -> str:
    return result.code if isinstance(result, GatewayError) else COMMITTED
