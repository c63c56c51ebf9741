"""The servers every other test stands on: real ones, started once a run.

``servers`` are shared by the whole run: a test makes its own database and its
own keys in there. A test that stops, pauses or kills a server asks for
``private_servers``.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer

from gateway.embedded import EmbeddedServers, embedded_servers
from tests.support.data_dirs import (
    copy_cluster,
    keep_temporary_files_in_memory,
    remove_abandoned,
    temporary_data_dir,
)
from tests.support.distribution import UnitScheduling, place

# Examples are found at random by whoever works on the code, and are the same in CI; how
# long one takes is the machine's affair.
settings.register_profile("parley", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("parley")

keep_temporary_files_in_memory()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin first."""
    items.sort(key=lambda item: place(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> UnitScheduling:
    """Spread the tests over the workers of ``-n`` (pytest-xdist's hook)."""
    return UnitScheduling(config, log)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI everything is installed, so a test that is skipped there is a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which in CI is a failure: {report.longrepr}"


@pytest.fixture(scope="session")
async def cluster() -> AsyncIterator[Path]:
    """PostgreSQL's files as a first start makes them, to be copied: that takes a tenth."""
    async with temporary_data_dir() as folder:
        async with embedded_servers(folder, redis=False):
            pass
        yield folder / "postgres"


@pytest.fixture(scope="session")
async def servers(cluster: Path) -> AsyncIterator[EmbeddedServers]:
    """PostgreSQL and Redis for the whole run; nobody stops them."""
    await remove_abandoned()
    async with temporary_data_dir(cluster) as folder, embedded_servers(folder) as running:
        yield running


@pytest.fixture
async def private_servers(used_data_dir: Path) -> AsyncIterator[EmbeddedServers]:
    """PostgreSQL and Redis for one test, which may do to them what it likes."""
    async with embedded_servers(used_data_dir) as running:
        yield running


@pytest.fixture
async def data_dir() -> AsyncIterator[Path]:
    """Make an empty data folder; what still runs over it after the test is stopped."""
    async with temporary_data_dir() as folder:
        yield folder


@pytest.fixture
def used_data_dir(cluster: Path, data_dir: Path) -> Path:
    """The same folder, where PostgreSQL has run before: its start is not the first."""
    copy_cluster(cluster, data_dir)
    return data_dir
