"""Gateways under load: processes of their own, on PostgreSQL and Redis of their own."""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.embedded import EmbeddedServers, embedded_servers
from loadtests.seeding import seed_people

STOP_SECONDS: Final = 30.0

_ADDRESS = re.compile(r"http://[^\s/]+")


@dataclass(frozen=True)
class Instance:
    """A running gateway."""

    pid: int
    url: str


class Site:
    """PostgreSQL and Redis in a temporary folder, and the gateways that run over them."""

    def __init__(self, servers: EmbeddedServers, folder: Path, runner: asyncio.Runner) -> None:
        self.instances: list[Instance] = []
        self._servers = servers
        self._folder = folder
        self._runner = runner

    def seed(self, *, users: int, room_size: int) -> Path:
        """Make people and rooms; return the file that says who they are."""
        file = self._folder / "people.json"
        seeding = seed_people(self._servers.database_url, users=users, room_size=room_size)
        file.write_text(self._runner.run(seeding))
        return file


@contextlib.contextmanager
def running_site(instances: int) -> Iterator[Site]:
    """Run so many gateways for the block."""
    with (
        tempfile.TemporaryDirectory(prefix="parley-load-") as name,
        asyncio.Runner() as runner,
        contextlib.ExitStack() as stack,
    ):
        # Between the runner's calls its event loop stands still.
        servers_stack = contextlib.AsyncExitStack()
        entering = servers_stack.enter_async_context(embedded_servers(Path(name)))
        servers = runner.run(entering)
        stack.callback(lambda: runner.run(servers_stack.aclose()))
        site = Site(servers, Path(name), runner)
        for _ in range(instances):
            site.instances.append(stack.enter_context(_running(servers, Path(name))))
        yield site


@contextlib.contextmanager
def _running(servers: EmbeddedServers, folder: Path) -> Iterator[Instance]:
    environment = {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "MAX_CONNECTIONS": "1000000",
        "MAX_CONNECTIONS_PER_ADDRESS": "1000000",
        # All of them sign in from one address.
        "ARRIVALS_PER_MINUTE": "1000000",
        "LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "gateway", "serve", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(
        command,
        cwd=folder,  # away from any .env
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            address = _ADDRESS.search(process.stdout.readline())
            if address is None:
                raise RuntimeError("the gateway did not start")
            yield Instance(process.pid, address[0])
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()
