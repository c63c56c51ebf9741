"""The one place where tasks are made, so that each has an owner, a name and a failure path.

Two kinds:

- a *service* runs as long as the gateway. When one dies the gateway is not
  whole, and stops with the reason, as a supervisor outside expects of it;
- a *job* does one thing for somebody and ends. Its failure is that somebody's
  concern, and is logged and counted here as well.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


class Supervisor:
    """Owns every task of one gateway."""

    def __init__(self) -> None:
        self._services: set[asyncio.Task[None]] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.failed_jobs = 0
        self.failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done, with the name of the service, as soon as one has died."""

    def service(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` until ``stop``; its end before that is a failure of the gateway."""
        task = asyncio.create_task(work, name=name)  # noqa: TID251 - this is the one place
        self._services.add(task)
        task.add_done_callback(self._service_ended)

    def job(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` once. Its failure is logged and counted here, whoever else looks."""
        task = asyncio.create_task(work, name=name)  # noqa: TID251 - this is the one place
        self._jobs.add(task)
        task.add_done_callback(self._job_ended)
        return task

    async def stop(self) -> None:
        """Cancel the services and whatever jobs are left, and wait until they have ended."""
        self._stopping = True
        await _cancel(self._services | self._jobs)

    def _service_ended(self, task: asyncio.Task[None]) -> None:
        self._services.discard(task)
        if self._stopping:
            return
        error = None if task.cancelled() else task.exception()
        log.critical("service.died", service=task.get_name(), exc_info=error)
        if not self.failure.done():
            self.failure.set_result(task.get_name())

    def _job_ended(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed_jobs += 1
            log.error("job.failed", job=task.get_name(), exc_info=error)


async def every(seconds: float, *ticks: Callable[[], None]) -> None:
    """Call ``ticks`` every so many seconds: until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        for tick in ticks:
            tick()


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
