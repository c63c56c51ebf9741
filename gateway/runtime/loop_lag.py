"""How late the event loop is: whatever holds it up holds up every connection."""

import asyncio
import time

from gateway.core.histogram import Histogram

SAMPLE_SECONDS = 0.1
"""Time between samples: a hold-up of this length or more cannot hide between two of them."""

LAG_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Seconds. The loop's timers count whole milliseconds, so less than one means nothing."""


class LoopLag:
    """Sleeps again and again, and notes how much later than asked it is woken."""

    def __init__(self) -> None:
        self.seconds = Histogram(LAG_BOUNDS)

    async def run(self) -> None:
        """Take samples: until cancelled."""
        while True:
            due = time.perf_counter() + SAMPLE_SECONDS
            await asyncio.sleep(SAMPLE_SECONDS)
            self.seconds.observe(max(0.0, time.perf_counter() - due))
