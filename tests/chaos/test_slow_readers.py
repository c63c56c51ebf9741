"""Members that do not read."""

import pytest

from tests.chaos.site import Site
from tests.chaos.slow_readers import measure

pytestmark = pytest.mark.slow

CLIENTS = 100
SECONDS = 5.0

MOST_BYTES = 64 * 1024
"""Of the process for each, with what allocators keep; the gateway's own buffer is half of it."""


async def test_slow_readers_cost_little_and_lose_nothing(site: Site):
    """Promise P5: memory is bounded, the fast ones go on, and the slow ones end complete."""
    figures = await measure(site, CLIENTS, SECONDS, bytes_per_second=0)
    assert figures.behind_events >= SECONDS
    assert figures.process_bytes < MOST_BYTES
    assert figures.kernel_bytes < 4 * MOST_BYTES
    assert figures.p99_seconds < SECONDS / 2
