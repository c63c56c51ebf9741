"""What the two servers have in common: started, adopted, watched and stopped alike."""

import asyncio
import os
import random
import signal
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Final, NoReturn

import structlog

from gateway.core.backoff import backoff_seconds
from gateway.core.errors import ConfigurationError
from gateway.embedded.layout import Layout, open_private, reason
from gateway.embedded.lock import alone
from gateway.embedded.process import Process, find, identity, recorded_pid, spawn

log = structlog.get_logger()

_START_SECONDS: Final = 300.0
# PostgreSQL replays up to a gigabyte of log after a crash before it answers.
# A server that cannot start exits, which is noticed at once.

_ADOPT_SECONDS: Final = 5.0
# A server that is up answers in milliseconds; one that does not by then hangs.

_STOP_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.01

_LONG_LIFE_SECONDS: Final = 10.0
# A server that dies sooner will probably die again.

_LOG_LINES_SHOWN: Final = 8
_LOG_BYTES_SHOWN: Final = 4096


class Server(ABC):
    """One server over one data folder, perhaps used by several gateways at once.

    ``start`` and ``stop`` are called ``alone`` (``lock.py``).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    variable: ClassVar[str]  # the setting that names a server of one's own instead
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.data = layout.data(self.name)
        self._process: Process | None = None

    @abstractmethod
    async def _prepare(self) -> list[str | Path]:
        """Make the data folder if it is missing, and return the server's command.

        Raises ``ConfigurationError`` when program or data do not allow a start.
        """

    @abstractmethod
    async def _sweep(self, dead_pid: int | None) -> None:
        """Remove what a killed server (``dead_pid``) has left and a new one would stumble over."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Ask the server something through its socket; False while it cannot answer."""

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it is stopped."""
        return None if self._process is None else self._process.pid

    async def start(self, *, take_over: bool = False) -> None:
        """Adopt the running server or start one, and return when it answers.

        One that runs but does not answer is killed and replaced only to
        ``take_over``: when nobody else uses it. Raises ``ConfigurationError``
        with the end of the server's log.
        """
        self.release()
        process = self._find()
        if process is not None:
            if await self._answers_before(_ADOPT_SECONDS, process):
                log.info("embedded.server_joined", server=self.name, pid=process.pid)
                self._process = process
                return
            await self._bury(process, kill=take_over)
        try:
            await self._launch()
        except OSError as error:
            raise ConfigurationError(
                f"the embedded {self.title} cannot be started ({reason(error)}): mend that, "
                f"choose another --data-dir, or set {self.variable}"
            ) from error

    async def stop(self) -> None:
        """End the server if it runs, whoever started it; kill it when it takes too long."""
        self.release()
        process = self._find()
        if process is not None:
            await self._end(process)

    def _find(self) -> Process | None:
        return find(self.layout.record(self.name), self.layout.data_dir)

    def release(self) -> None:
        """Let go of the server, which goes on running."""
        if self._process is not None:
            self._process.close()
            self._process = None

    async def keep(self) -> NoReturn:
        """Start the server again whenever it dies, for as long as the call lasts.

        At once after a long life, after a growing pause when it dies again or cannot start.
        """
        failures = 0
        while True:
            failures = 0 if await self._life_seconds() > _LONG_LIFE_SECONDS else failures + 1
            if failures > 1:
                await asyncio.sleep(backoff_seconds(failures, random.random()))  # noqa: S311
            try:
                async with alone(self.layout):
                    await self.start()
            except ConfigurationError as error:
                log.error("embedded.restart_failed", server=self.name, reason=str(error))

    async def _life_seconds(self) -> float:
        """Wait until the server dies, and return for how long that took."""
        if self._process is None:
            return 0.0
        clock = asyncio.get_running_loop().time
        since = clock()
        await self._process.exited()
        log.error("embedded.server_died", server=self.name, log_file=str(self._earlier_log))
        return clock() - since

    async def _bury(self, process: Process, *, kill: bool) -> None:
        try:
            if process.has_exited:  # while it was asked
                return
            if not kill:
                raise self.refusal(f"runs (process {process.pid}), is in use and does not answer")
            log.error("embedded.server_hangs", server=self.name, pid=process.pid, action="kill")
            await process.kill_with_children()
        finally:
            process.close()

    async def _launch(self) -> None:
        command = await self._prepare()
        if await self._answers():
            raise ConfigurationError(
                f"{self.data} is served by a {self.title} that this process cannot see, perhaps in "
                f"another container: give each its own --data-dir, or set {self.variable}"
            )
        await self._sweep(recorded_pid(self.layout.record(self.name)))
        process = self._spawn(command)
        try:
            self._write_record(process.pid)
            await self._until_ready(process)
        except BaseException:
            await self._end(process)
            raise
        self._process = process
        log.info("embedded.server_started", server=self.name, pid=process.pid)

    def _spawn(self, command: list[str | Path]) -> Process:
        output = self.layout.log(self.name)
        if output.exists():
            output.replace(self._earlier_log)
        return spawn(command, folder=self.data, log=output, account=self.layout.account)

    @property
    def _earlier_log(self) -> Path:
        """Where the log of a run goes when the next one starts."""
        return self.layout.log(self.name).with_suffix(".log.1")

    def _write_record(self, pid: int) -> None:
        record = self.layout.record(self.name)
        half_written = record.with_suffix(".pid.new")
        half_written.unlink(missing_ok=True)
        with os.fdopen(open_private(half_written, os.O_WRONLY, self.layout.account), "w") as file:
            file.write(identity(pid, self.layout.data_dir))
        half_written.replace(record)

    async def _end(self, process: Process) -> None:
        process.send(self.stop_signal)
        process.send(signal.SIGCONT)  # one that was paused could not obey
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.exited()
        except TimeoutError:
            log.warning("embedded.server_does_not_stop", server=self.name, action="kill")
            await process.kill_with_children()
        finally:
            process.close()

    async def _until_ready(self, process: Process) -> None:
        if not await self._answers_before(_START_SECONDS, process):
            raise self.refusal("did not start")

    async def _answers_before(self, seconds: float, process: Process) -> bool:
        """Ask until the server answers; False when it exits first or the time is up."""
        try:
            async with asyncio.timeout(seconds):
                while not process.has_exited:
                    if await self._answers():
                        return True
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            pass
        return False

    def refusal(self, what: str) -> ConfigurationError:
        """Return the error that says ``what`` happened and shows the end of the server's log."""
        return ConfigurationError(
            f"the embedded {self.title} {what}. {self.layout.log(self.name)} ends with:\n"
            f"{self._log_end()}\nMend that, choose another --data-dir, or set {self.variable} "
            "to use a server of your own"
        )

    def _log_end(self) -> str:
        try:
            with self.layout.log(self.name).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_BYTES_SHOWN))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError as error:
            return f"  (it cannot be read: {reason(error)})"
        return "\n".join(f"  {line}" for line in lines[-_LOG_LINES_SHOWN:]) or "  (nothing)"
