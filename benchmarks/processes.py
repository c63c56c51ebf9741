"""Servers under measurement: each a process of its own, with a core to itself where there are two.

The client, Redis and PostgreSQL share the first core; what is measured gets
the last one, so that its CPU time is not that of its caches being emptied.
"""

import contextlib
import os
import re
import resource
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

START_SECONDS = 15.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.02
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
        """Return the CPU time of the process, and of its children, so far."""
        return cpu_seconds(self.pid)

    def rest(self) -> None:
        """Return when it has nothing to do any more but its housekeeping."""
        while True:
            before = self.cpu_seconds()
            time.sleep(REST_SECONDS)
            if self.cpu_seconds() - before < REST_SECONDS / 10:
                return

    def memory_bytes(self) -> int:
        """Return the memory of the process, and of its children, that is resident."""
        return sum(_resident_bytes(pid) for pid in _family(self.pid))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of its children so far, user and system.

    The clock of another process, as clock_getcpuclockid(3) makes it: it counts
    nanoseconds. That of children that have ended is in ``/proc/PID/stat``, in
    hundredths of a second (proc_pid_stat(5), cutime and cstime).
    """
    ended = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15]
    spent = sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")
    for member in _family(pid):
        with contextlib.suppress(OSError):  # a child that has just ended
            spent += time.clock_gettime(~member << 3 | 2)
    return spent


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, children.split())]


def _resident_bytes(pid: int) -> int:
    """Return what is exact, unlike ``/proc/PID/statm``."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kilobytes = re.search(r"^Rss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert kilobytes is not None
    return int(kilobytes[1]) * 1024


def free_port() -> int:
    """Return a port of loopback that nobody listens on, for servers that cannot choose one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def prepare_client() -> None:
    """Give this process, and what it starts by itself, the first core and all the sockets."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    port: int | None = None,
) -> Iterator[Server]:
    """Run a server in ``folder`` until the block ends.

    It prints its address, unless it has been told to listen on ``port``.
    """
    with (
        (folder / "server.log").open("ab") as log,
        _start(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if port is None else log,
            stderr=log,
        ) as process,
    ):
        assert process.stdin is not None
        try:
            address = _printed_port(process) if port is None else _answering(process, port)
            if address is None:
                said = (folder / "server.log").read_text()
                raise RuntimeError(f"{command[0]} did not start:\n{said}")
            yield Server(process.pid, address, process.stdin)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()


def _start(command: Sequence[str | Path], **options: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
    """Start a process that has the server's core from the first: so have its threads."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        return subprocess.Popen(command, **options)
    finally:
        os.sched_setaffinity(0, mine)


def _printed_port(process: subprocess.Popen[bytes]) -> int | None:
    assert process.stdout is not None
    address = _ADDRESS.search(process.stdout.readline())
    return int(address[1]) if address else None


def _answering(process: subprocess.Popen[bytes], port: int) -> int | None:
    """Return the port as soon as something listens there."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return port
        time.sleep(POLL_SECONDS)
    return None
