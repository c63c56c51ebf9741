"""Everything at once, for a short while."""

import os

import pytest

from tests.chaos.options import Options
from tests.chaos.run import run_chaos

SEED_OF_THE_DAY = int(os.environ.get("CHAOS_SEED", "2"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [6, SEED_OF_THE_DAY])
async def test_nothing_is_lost_and_nothing_comes_twice(seed: int):
    """Promises P1 to P3, while instances, servers and links fail as the seed has it."""
    report = await run_chaos(Options(seed=seed, seconds=10, clients=60, rooms=8))
    assert not report.findings, "\n".join(report.lines())
    assert report.counts["acknowledged"] > 0
    assert sum(report.faults.values()) > 0
