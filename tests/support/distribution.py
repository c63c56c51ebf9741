"""Which tests go to one worker, and in which order they begin."""

from pathlib import PurePath
from typing import Final

import pytest
from typing_extensions import override
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

LONGEST_FIRST: Final = (
    "tests/chaos",
    "tests/integration",
    "tests/chaos/test_chaos_run.py",
    "tests/integration/test_workers.py",
    "tests/loadtests",
    "tests/benchmarks",
    "tests/client",
    "tests/cli",
    "tests/integration/test_restart.py",
    "tests/storage",
    "tests/integration/test_outages.py",
    "tests/embedded",
    "tests/runtime",
)
"""Who began one of these last would end alone. The files among them share nothing with others."""


def unit(node_id: str) -> str:
    """Return what a test is handed out with: its folder, whose servers a worker starts once."""
    file = node_id.partition("::")[0]
    return file if file in LONGEST_FIRST else str(PurePath(file).parent)


def place(node_id: str) -> int:
    """Return when a test's unit is handed out; those that are not among the longest come last."""
    name = unit(node_id)
    return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)


class UnitScheduling(LoadScopeScheduling):
    """Hands out unit after unit, in the order of the collection."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    @override
    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
