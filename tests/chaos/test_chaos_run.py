"""Everything at once, for a short while."""

import os

import pytest

from tests.chaos.options import Options
from tests.chaos.run import run_chaos

# With this one an instance, both servers, each kind of link and a commit fail soon and shortly.
SEED = int(os.environ.get("CHAOS_SEED", "9702"))


@pytest.mark.slow
async def test_nothing_is_lost_and_nothing_comes_twice():
    """Promises P1 to P3, while instances, servers and links fail as the seed has it."""
    report = await run_chaos(Options(seed=SEED, seconds=12, clients=40, rooms=6))
    assert not report.findings, "\n".join(report.lines())
    assert report.counts["acknowledged"] > 0
    assert sum(report.faults.values()) > 0
