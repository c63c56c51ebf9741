"""Data folders of embedded servers, for as long as a test needs them."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from gateway.embedded import embedded_servers

_MEMORY: Final = Path("/dev/shm")  # noqa: S108  mkdtemp makes it safe
_DISK: Final = Path("/tmp")  # noqa: S108  the same; both short, for the paths of sockets
_PREFIX: Final = f"parley-tests-{os.geteuid()}-"

ENOUGH_BYTES: Final = 3 * 1024**3
"""Of memory for files: several times what a run ever takes."""


def keep_temporary_files_in_memory() -> None:
    """Put temporary files of this process and its children into memory, where there is plenty.

    A cluster is a thousand small files, which some disks take a second to
    make; and what no test does is to cut the power.
    """
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > ENOUGH_BYTES:
        os.environ.setdefault("TMPDIR", str(_MEMORY))
        tempfile.tempdir = None  # to be found again


@contextlib.asynccontextmanager
async def temporary_data_dir(cluster: Path | None = None) -> AsyncIterator[Path]:
    """Make a data folder, with a copy of ``cluster`` in it or empty.

    What still runs over it in the end is stopped.
    """
    # The number tells whose it is, should this process be killed.
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_place()))
    try:
        if cluster is not None:
            copy_cluster(cluster, folder)
        yield folder
    finally:
        await _remove(folder)


def copy_cluster(cluster: Path, data_dir: Path) -> None:
    """Give a data folder the files of a PostgreSQL that is stopped, of the same owner."""
    subprocess.run(["cp", "-a", cluster, data_dir / "postgres"], check=True)


async def remove_abandoned() -> None:
    """Remove the folders of test runs that were killed, and stop what runs over them."""
    for folder in _place().glob(f"{_PREFIX}*"):
        if _is_abandoned(folder):
            await _remove(folder)


def _place() -> Path:
    found = Path(tempfile.gettempdir())
    return found if found == _MEMORY else _DISK


async def _remove(folder: Path) -> None:
    async with embedded_servers(folder, postgres=False, redis=False):
        pass  # the last user to leave stops whatever runs
    shutil.rmtree(folder)


def _is_abandoned(folder: Path) -> bool:
    pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
    return not Path("/proc", pid).exists()
