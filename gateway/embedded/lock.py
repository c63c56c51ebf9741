"""Who starts, stops and uses the servers of a data folder, told between processes by ``flock``.

``start.lock`` is held alone while servers are started or stopped.
``users.lock`` is shared by every process that uses them, for as long as it
does: whoever can turn it exclusive is the last one, and stops the servers.

The kernel drops the locks of a process that dies, however it dies. No server
ever holds one: Python's descriptors are not inherited (PEP 446).
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from typing import Final

import structlog

from gateway.core.errors import ConfigurationError
from gateway.embedded.layout import Layout, open_private

log = structlog.get_logger()

_POLL_SECONDS: Final = 0.05
# A thread blocked in flock() could not be cancelled, so Ctrl-C would hang: hence polling.

_PATIENCE_SECONDS: Final = 360.0
# Longer than a start may take (server.py).


@contextlib.asynccontextmanager
async def alone(layout: Layout) -> AsyncIterator[None]:
    """Keep every other process from starting or stopping servers of this data folder.

    Raises ``ConfigurationError`` when another process does not finish in six minutes.
    """
    descriptor = _open(layout, "start.lock")
    try:
        await _lock_patiently(descriptor, layout)
        yield
    finally:
        os.close(descriptor)


async def _lock_patiently(descriptor: int, layout: Layout) -> None:
    if _try_lock(descriptor, fcntl.LOCK_EX):
        return
    log.info("embedded.waiting", reason="another process starts or stops the servers")
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not _try_lock(descriptor, fcntl.LOCK_EX):  # noqa: ASYNC110  see _POLL_SECONDS
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise ConfigurationError(
            f"another process has been starting or stopping the servers in {layout.data_dir} for "
            f"{_PATIENCE_SECONDS:.0f} s; end it (fuser {layout.data_dir}/start.lock names it), "
            "or choose another folder with --data-dir"
        ) from error


class UserLock:
    """One user's share of the servers. Take, ask and close only while ``alone``."""

    def __init__(self, layout: Layout) -> None:
        self._descriptor = _open(layout, "users.lock")
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def is_last(self) -> bool:
        """Whether nobody else uses the servers."""
        is_last = _try_lock(self._descriptor, fcntl.LOCK_EX)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        return is_last

    def close(self) -> None:
        """Give the share back."""
        os.close(self._descriptor)


def _open(layout: Layout, name: str) -> int:
    path = layout.data_dir / name
    try:
        return open_private(path, os.O_RDWR, layout.account)
    except OSError as error:
        raise ConfigurationError(
            f"the file {path} cannot be opened ({error.strerror}): start as the user the data "
            "folder belongs to, or choose another folder, e.g. --data-dir ./data"
        ) from error


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
