"""Processes that outlive the one that started them: spawn, find again, wait for, end.

A server started by one gateway may be stopped by another, so it is handled by
a pidfd (``man 2 pidfd_open``), which works for children and strangers alike
and never means another process that got the same number later.
"""

import asyncio
import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gateway.embedded.layout import Account, open_private

_ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
# Not ours: PGDATA, PGOPTIONS, LANG and the like would change what the servers do.

_children: dict[int, subprocess.Popen[bytes]] = {}
# The processes to reap here, by pid, so that none stays behind as a zombie.


class Process:
    """A living process, held by its pidfd. Close it when done."""

    def __init__(self, pid: int) -> None:
        """Raise ``ProcessLookupError`` when there is no such process."""
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    @property
    def has_exited(self) -> bool:
        """Whether it is over (it may still have to be reaped)."""
        poll = select.poll()  # select() takes no descriptor above 1023
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(0))

    async def exited(self) -> int | None:
        """Wait for its end, reap it, and return its exit code if it was a child of ours."""
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        descriptor = os.dup(self._descriptor)  # several may wait; the loop takes a number once
        try:
            loop.add_reader(descriptor, over.set)
            await over.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        return _reap(self.pid)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; a process that is over does not mind."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    async def kill_with_children(self) -> None:
        """End it and its children with SIGKILL and wait until they are gone.

        PostgreSQL's workers hold its shared memory, and a new server would
        refuse to start beside them.
        """
        family = [self, *_children_of(self.pid)]
        for process in family:
            process.send(signal.SIGKILL)
        for process in family:
            await process.exited()
        for process in family[1:]:
            process.close()

    def close(self) -> None:
        """Let go of the process. It lives on, or is reaped if it was over."""
        if self.has_exited:
            _reap(self.pid)
        os.close(self._descriptor)


def spawn(command: Sequence[str | Path], *, folder: Path, log: Path, account: Account) -> Process:
    """Start ``command`` in ``folder`` as ``account``, its output appended to ``log``.

    It has a session of its own, so a Ctrl-C in the terminal does not reach it.
    Called on the event loop (a few milliseconds), not in a thread: a
    cancellation must not come between the start and the knowledge of it.
    Raises ``OSError`` when the program cannot be run.
    """
    switch: dict[str, Any] = {"user": account.uid, "group": account.gid, "extra_groups": []}
    output = open_private(log, os.O_WRONLY | os.O_APPEND, account)
    try:
        child = subprocess.Popen(  # noqa: S603  a list of our own making, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_ENVIRONMENT,
            start_new_session=True,
            umask=0o077,
            **(switch if account.is_foreign else {}),
        )
    finally:
        os.close(output)
    _children[child.pid] = child
    return Process(child.pid)


async def run(
    command: Sequence[str | Path], *, folder: Path, log: Path, account: Account
) -> int | None:
    """Run ``command`` to its end and return the exit code; a cancelled call ends it."""
    process = spawn(command, folder=folder, log=log, account=account)
    try:
        return await process.exited()
    except asyncio.CancelledError:
        await process.kill_with_children()
        raise
    finally:
        process.close()


def identity(pid: int, folder: Path) -> str:
    """Return a line that says: this process, and no other before or after, serves ``folder``.

    The start time and the boot tell the process from others of its number,
    the inode tells the folder from a copy of it, record and all.
    Raises ``OSError`` when there is no such process or folder.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
    _, started_ticks = _parent_and_start(Path(f"/proc/{pid}/stat"))
    return f"{pid} {started_ticks} {boot} {folder.stat().st_ino}"


def find(record: Path, folder: Path) -> Process | None:
    """Return the living process whose ``identity`` for ``folder`` is in the file ``record``."""
    pid = recorded_pid(record)
    if pid is None:
        return None
    try:
        process = Process(pid)
    except OSError:
        return None
    with contextlib.suppress(OSError):
        if not process.has_exited and identity(pid, folder) == record.read_text("utf-8"):
            return process
    process.close()
    return None


def recorded_pid(record: Path) -> int | None:
    """Return the number in ``record``, whoever has it now; None if there is none."""
    try:
        return int(record.read_text("utf-8").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _children_of(pid: int) -> list[Process]:
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if _parent_and_start(stat)[0] == pid:
                children.append(Process(int(stat.parent.name)))
    return children


def _parent_and_start(stat: Path) -> tuple[int, int]:
    """Read the parent's pid and the start in clock ticks since boot: man 5 proc_pid_stat."""
    fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
    return int(fields[1]), int(fields[19])  # fields 4 and 22; the name before ")" may hold spaces


def _reap(pid: int) -> int | None:
    child = _children.pop(pid, None)
    if child is not None:
        return child.wait()
    with contextlib.suppress(ChildProcessError):  # not ours; as process 1 we inherit strangers
        os.waitpid(pid, os.WNOHANG)
    return None
