"""The workers of a parent: started, replaced when they die, restarted and ended one by one."""

import asyncio
import contextlib
import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import structlog

from gateway.core.backoff import backoff_seconds
from gateway.runtime.supervision import Supervisor

log = structlog.get_logger()

LONG_LIFE_SECONDS: Final = 10.0
"""A worker that dies sooner will probably die again: the next one has to wait."""

FIRST_BACKOFF_SECONDS: Final = 0.5
MOST_BACKOFF_SECONDS: Final = 15.0

READY: Final = "ready"
"""What a worker says on its standard output when it takes connections."""

STOP_SECONDS: Final = 25.0
"""All workers have ended by then, or are killed: within the 30 s of compose.yaml."""


@dataclass(slots=True)
class Worker:
    """One process. ``name`` is where it tells its readings; no other ever has it."""

    number: int
    name: str
    process: asyncio.subprocess.Process
    started_at: float
    is_ready: bool = False

    def send(self, number: signal.Signals) -> None:
        """Send a signal; a process that is over does not mind."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def first_words(self) -> str:
        """Return ``READY`` when it takes connections, or what it says at its end."""
        output = cast("asyncio.StreamReader", self.process.stdout)
        line = (await output.readline()).decode()
        return READY if line == f"{READY}\n" else line + await self.last_words()

    async def last_words(self) -> str:
        """Return what it says when it ends by itself."""
        output = cast("asyncio.StreamReader", self.process.stdout)
        return (await output.read()).decode().strip()

    async def ended(self) -> str:
        """Wait for its end; return the exit code, or the signal's name."""
        code = await self.process.wait()
        return signal.Signals(-code).name if code < 0 else str(code)


class Crew:
    """The workers, each replaced when it dies."""

    def __init__(self, family: str, count: int, environment: Mapping[str, str]) -> None:
        """``family`` is the parent's name, and the beginning of theirs."""
        self._family = family
        self._environment = environment
        self._workers: dict[int, Worker] = {}
        self._births = itertools.count(1)
        self._settled = {number: asyncio.Event() for number in range(1, count + 1)}
        self._refusals: dict[int, str] = {}
        self._restarting = asyncio.Lock()
        self._restarted: Worker | None = None
        self._keepers = Supervisor()
        self.failure = self._keepers.failure
        """Done as soon as a keeper has died: a fault of ours."""
        self.refusal: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done, with the reason, when not one worker could start."""

    def start(self) -> None:
        """Start them all."""
        for number in self._settled:
            self._keepers.service(f"worker {number}", self._keep(number))

    async def settled(self) -> None:
        """Wait until each has started, or could not for the first time."""
        for event in self._settled.values():
            await event.wait()

    def names(self) -> list[str]:
        """Return the names of those that serve."""
        return [worker.name for worker in self._workers.values() if worker.is_ready]

    async def restart(self) -> None:
        """Restart one after another; stop at the first that does not come back."""
        if self._restarting.locked():
            log.warning("workers.restart_refused", reason="one is under way")
            return
        async with self._restarting:
            for number in self._settled:
                if not await self._restart_one(number):
                    log.error("workers.restart_stopped", worker=number)
                    return

    async def stop(self) -> None:
        """End one after another, with all that serve still open, and nobody new coming to any."""
        await self._keepers.stop()
        workers = list(self._workers.values())
        for worker in workers:
            # Else whoever leaves the first one comes to the second, to be sent away again.
            # One that starts serves nobody, and may not listen before it has done so.
            worker.send(signal.SIGUSR1 if worker.is_ready else signal.SIGKILL)
        clock = asyncio.get_running_loop().time
        end_at = clock() + STOP_SECONDS
        for left, worker in zip(range(len(workers), 0, -1), workers, strict=True):
            worker.send(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout((end_at - clock()) / left):
                    await worker.ended()
        for worker in workers:
            await self._kill_after(end_at - clock(), worker)

    async def _restart_one(self, number: int) -> bool:
        """Return whether it serves again. One that is being replaced anyway counts as such."""
        settled = self._settled[number]
        await settled.wait()
        worker = self._restarted = self._workers.get(number)
        if worker is None:
            return True
        settled.clear()
        worker.send(signal.SIGTERM)
        await self._kill_after(STOP_SECONDS, worker)
        await settled.wait()
        return number not in self._refusals

    async def _keep(self, number: int) -> None:
        quick_deaths = 0
        while True:
            try:
                worker = await self._spawn(number)
            except OSError as error:  # no memory, too many processes
                self._refused(number, str(error))
                quick_deaths += 1
                await asyncio.sleep(_pause_seconds(quick_deaths))
                continue
            await self._until_it_serves(worker)
            how = await worker.ended()
            del self._workers[number]
            if worker is self._restarted:
                log.info("worker.restarting", worker=number)
                continue
            lived_seconds = time.monotonic() - worker.started_at
            log.error(
                "worker.died",
                worker=number,
                pid=worker.process.pid,
                exit=how,
                reason=self._refusals.get(number) or await worker.last_words() or None,
                lived_seconds=round(lived_seconds, 1),
            )
            quick_deaths = 0 if lived_seconds > LONG_LIFE_SECONDS else quick_deaths + 1
            if quick_deaths > 1:
                await asyncio.sleep(_pause_seconds(quick_deaths))

    async def _spawn(self, number: int) -> Worker:
        name = f"{self._family}-{next(self._births)}"
        # -P: a file in the working folder must not take a library's place.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "gateway.serving.worker"),
            *(self._family, str(number), name, str(os.getpid())),
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the parent, which ends them in turn
        )
        worker = self._workers[number] = Worker(number, name, process, time.monotonic())
        return worker

    async def _until_it_serves(self, worker: Worker) -> None:
        said = await worker.first_words()
        if said != READY:
            self._refused(worker.number, said or "it ended before it took connections; see the log")
            return
        worker.is_ready = True
        self._refusals.pop(worker.number, None)
        log.info("worker.ready", worker=worker.number, pid=worker.process.pid)
        self._settled[worker.number].set()

    def _refused(self, number: int, reason: str) -> None:
        self._refusals[number] = reason
        if len(self._refusals) == len(self._settled) and not self.refusal.done():
            self.refusal.set_result(reason)
        self._settled[number].set()

    async def _kill_after(self, seconds: float, worker: Worker) -> None:
        try:
            async with asyncio.timeout(seconds):
                await worker.ended()
        except TimeoutError:
            log.warning("worker.does_not_stop", worker=worker.number, action="kill")
            worker.send(signal.SIGKILL)
            await worker.ended()


def _pause_seconds(quick_deaths: int) -> float:
    return backoff_seconds(
        quick_deaths,
        random.random(),  # noqa: S311 - jitter, no secret
        first_seconds=FIRST_BACKOFF_SECONDS,
        most_seconds=MOST_BACKOFF_SECONDS,
    )
