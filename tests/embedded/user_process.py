"""``user_program.py`` as a process of its own, in its own process group, like from a shell."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Final, Protocol, Self

_PROGRAM: Final = Path(__file__).parent / "user_program.py"


class User:
    """A running user of the servers of a folder."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pids: dict[str, int] = {}  # the servers', by name

    @classmethod
    async def start(cls, folder: Path, uid: int | None = None) -> Self:
        """Start the program, as ``uid`` if given, which takes root."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            _PROGRAM,
            folder,
            *([] if uid is None else [str(uid)]),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return cls(process)

    async def until_served(self) -> Self:
        """Wait until the servers answer it."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, await self.complaint()
        self.pids = json.loads(line)
        return self

    async def complaint(self) -> str:
        """Wait for its end and return what it said on the error output."""
        _, errors = await self._process.communicate()
        return errors.decode()

    async def press_ctrl_c(self) -> int:
        """Do what a terminal does: interrupt the whole process group. Return the exit code."""
        return await self._end(signal.SIGINT)

    async def kill(self) -> None:
        """End it without any chance to clean up."""
        await self._end(signal.SIGKILL)

    async def clean_up(self) -> None:
        """End it if it still runs, and read its pipes to the end."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.communicate()

    async def _end(self, number: signal.Signals) -> int:
        os.killpg(self._process.pid, number)
        return await self._process.wait()


class StartUser(Protocol):
    """The fixture ``start_user``."""

    async def __call__(self, *, uid: int | None = None) -> User:
        """Start a user and return it when it is served."""
