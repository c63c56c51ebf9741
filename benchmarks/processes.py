"""Servers under measurement: each a process of its own, with a core to itself where there are two.

The client, Redis and PostgreSQL share the first core; what is measured gets
the last one, so that its CPU time is not that of its caches being emptied.
"""

import contextlib
import os
import re
import resource
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

STOP_SECONDS = 15.0
REST_SECONDS = 0.1

CLIENT_CORE, SERVER_CORE = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))

_ADDRESS = re.compile(rb"127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Server:
    """A running server, and where it listens on loopback."""

    pid: int
    port: int
    stdin: IO[bytes]

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its threads so far, user and system.

        The clock of another process, as clock_getcpuclockid(3) makes it: it
        counts nanoseconds, where ``/proc/PID/stat`` counts hundredths.
        """
        return time.clock_gettime(~self.pid << 3 | 2)

    def rest(self) -> None:
        """Return when it has nothing to do any more but its housekeeping."""
        while True:
            before = self.cpu_seconds()
            time.sleep(REST_SECONDS)
            if self.cpu_seconds() - before < REST_SECONDS / 10:
                return

    def memory_bytes(self) -> int:
        """Return the memory that is resident: exact, unlike ``/proc/PID/statm``."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        kilobytes = re.search(r"^Rss:\s+(\d+) kB", rollup, re.MULTILINE)
        assert kilobytes is not None
        return int(kilobytes[1]) * 1024


def prepare_client() -> None:
    """Give this process, and what it starts by itself, the first core and all the sockets."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a server that prints its address, in ``folder``, until the block ends."""
    with (
        (folder / "server.log").open("ab") as log,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        os.sched_setaffinity(process.pid, {SERVER_CORE})
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            address = _ADDRESS.search(process.stdout.readline())
            if address is None:
                said = (folder / "server.log").read_text()
                raise RuntimeError(f"{command[0]} did not start:\n{said}")
            yield Server(process.pid, int(address[1]), process.stdin)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()
