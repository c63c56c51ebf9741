"""The servers every other test stands on: real ones, started once a run.

``servers`` are shared by the whole run: a test makes its own database and its
own keys in there. A test that stops, pauses or kills a server asks for
``private_servers``.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from gateway.embedded import EmbeddedServers, embedded_servers

# Examples are found at random by whoever works on the code, and are the same in CI; how
# long one takes is the machine's affair.
settings.register_profile("parley", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("parley")

_PLACE: Final = Path("/tmp")  # noqa: S108  short, for the paths of sockets; mkdtemp makes it safe
_PREFIX: Final = f"parley-tests-{os.geteuid()}-"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI everything is installed, so a test that is skipped there is a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which in CI is a failure: {report.longrepr}"


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[EmbeddedServers]:
    """PostgreSQL and Redis for the whole run; nobody stops them."""
    for folder in _PLACE.glob(f"{_PREFIX}*"):
        if _is_abandoned(folder):
            await _remove(folder)
    async with _temporary_folder() as folder, embedded_servers(folder) as running:
        yield running


@pytest.fixture
async def private_servers(data_dir: Path) -> AsyncIterator[EmbeddedServers]:
    """PostgreSQL and Redis for one test, which may do to them what it likes."""
    async with embedded_servers(data_dir) as running:
        yield running


@pytest.fixture
async def data_dir() -> AsyncIterator[Path]:
    """Make an empty data folder; what still runs over it after the test is stopped."""
    async with _temporary_folder() as folder:
        yield folder


@contextlib.asynccontextmanager
async def _temporary_folder() -> AsyncIterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_PLACE))
    try:
        yield folder
    finally:
        await _remove(folder)


async def _remove(folder: Path) -> None:
    async with embedded_servers(folder, postgres=False, redis=False):
        pass  # the last user to leave stops whatever runs
    shutil.rmtree(folder)


def _is_abandoned(folder: Path) -> bool:
    """Whether the test run that made the folder was killed."""
    try:
        with (folder / "users.lock").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # in use, or its run has only just begun
        return False
    return True
