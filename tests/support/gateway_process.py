"""``gateway serve`` as a process of its own, and what its HTTP API gives to its users."""

import asyncio
import contextlib
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import httpx

START_SECONDS: Final = 60.0
"""A first start makes a cluster of PostgreSQL, on a machine that other tests use as well."""

STOP_SECONDS: Final = 30.0

_OURS: Final = ("PARLEY_", "DATABASE_", "REDIS_", "DB_", "JWT_")
# Variables of whoever runs the tests, which must not reach the gateway under test.

_names = itertools.count(1)


@dataclass(frozen=True)
class Guest:
    """Somebody signed in by name."""

    id: str
    name: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        """The header that says who they are."""
        return {"Authorization": f"Bearer {self.token}"}


class GatewayProcess:
    """A running instance."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self._process = process

    @classmethod
    async def start(
        cls, folder: Path, *, arguments: Iterable[str | Path] = (), **settings: object
    ) -> Self:
        """Start an instance on a free port and return when it answers.

        ``settings`` are environment variables in small letters; ``folder``
        gets the log, and is where the process runs, away from any ``.env``.
        """
        log = folder / f"gateway-{next(_names)}.log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "serve", "--port", "0", *arguments),
                cwd=folder,
                env=_environment(settings),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        try:
            return cls(process, await _announced_url(process, log), log)
        except BaseException:
            await _end(process, signal.SIGKILL)
            raise

    @property
    def socket_url(self) -> str:
        """Where it speaks WebSocket."""
        return self.url.replace("http", "ws", 1) + "/ws"

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def http(self, guest: Guest | None = None) -> httpx.AsyncClient:
        """Return a client of its HTTP API, to be closed by the caller."""
        return httpx.AsyncClient(
            base_url=self.url, headers=guest.bearer if guest else {}, timeout=15
        )

    async def new_guest(self, name: str) -> Guest:
        """Let somebody in."""
        async with self.http() as client:
            answer = await client.post("/v1/auth/guest", json={"name": name})
        answer.raise_for_status()
        body = answer.json()
        return Guest(body["user"]["id"], body["user"]["name"], body["token"])

    async def new_room(self, owner: Guest, name: str, *, is_private: bool = False) -> str:
        """Make a room and return its id."""
        async with self.http(owner) as client:
            answer = await client.post("/v1/rooms", json={"name": name, "is_private": is_private})
        answer.raise_for_status()
        room_id: str = answer.json()["id"]
        return room_id

    def descendants(self) -> set[int]:
        """Return the processes that it has started, and those that they have."""
        parents = {pid: parent for pid, (parent, state) in _processes().items() if state != "Z"}
        found = {self.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found - {self.pid}

    async def press_ctrl_c(self) -> int:
        """Do what a terminal does: interrupt the whole process group. Return the exit code."""
        return await _end(self._process, signal.SIGINT, whole_group=True)

    async def exit_code(self) -> int:
        """Wait until it has ended by itself."""
        async with asyncio.timeout(STOP_SECONDS):
            return await self._process.wait()

    async def kill(self) -> None:
        """End it without any chance to clean up."""
        await _end(self._process, signal.SIGKILL)

    async def clean_up(self) -> None:
        """Stop it if it still runs, by force if it must be."""
        if self._process.returncode is None:
            await _end(self._process, signal.SIGTERM)


@asynccontextmanager
async def running_gateway(
    folder: Path, *, arguments: Iterable[str | Path] = (), **settings: object
) -> AsyncIterator[GatewayProcess]:
    """Run an instance for the block (``GatewayProcess.start``)."""
    gateway = await GatewayProcess.start(folder, arguments=arguments, **settings)
    try:
        yield gateway
    finally:
        await gateway.clean_up()


def running(pids: set[int]) -> set[int]:
    """Return which of these processes still run."""
    return {pid for pid, (_, state) in _processes().items() if state != "Z"} & pids


def _processes() -> dict[int, tuple[int, str]]:
    """Read every process's parent and state: man 5 proc_pid_stat."""
    found: dict[int, tuple[int, str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name before ")" may hold spaces.
            state, parent = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
            found[int(stat.parent.name)] = (int(parent), state)
    return found


async def _announced_url(process: asyncio.subprocess.Process, log: Path) -> str:
    """Read the address from "Parley is at http://… (API: …)"."""
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        line = (await process.stdout.readline()).decode()
    if not line.startswith("Parley is at "):
        raise AssertionError(f"it did not start: {await asyncio.to_thread(log.read_text)}")
    return line.split()[3]


async def _end(
    process: asyncio.subprocess.Process, number: signal.Signals, *, whole_group: bool = False
) -> int:
    """Send the signal, read the output to its end, and return the exit code."""
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if whole_group else os.kill)(process.pid, number)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    assert process.returncode is not None
    return process.returncode


def _environment(settings: Mapping[str, object]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return inherited | {name.upper(): str(value) for name, value in settings.items()}
