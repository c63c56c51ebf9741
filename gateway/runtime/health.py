"""Is this instance fit for traffic? Every part is asked now, and says how long it took."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway.core.errors import GatewayError, Unavailable
from gateway.core.health import HealthReport, PartHealth
from gateway.runtime.canary import Canary
from gateway.runtime.endpoint import Endpoint
from gateway.runtime.siblings import ReadAll, Siblings
from gateway.storage.database import Database
from gateway.storage.migrations import pending_migrations

CHECK_SECONDS = 3.0
"""A part that takes longer to answer is as good as away."""


class Health:
    """The checks behind ``/health/ready`` and ``gateway doctor``."""

    def __init__(
        self, database: Database, canary: Canary, endpoint: Endpoint, siblings: Siblings
    ) -> None:
        self._database = database
        self._canary = canary
        self._endpoint = endpoint
        self._siblings = siblings

    async def report(self) -> HealthReport:
        """Ask every part at once; never raises."""
        checks = {
            "database": self._check_database,
            "backplane": self._check_backplane,
            "migrations": self._check_migrations,
            "serving": self._check_serving,
        }
        if (read_all := self._siblings.read_all) is not None:
            checks["workers"] = lambda: self._look_at_workers(read_all)
        parts = await asyncio.gather(*(_measure(check) for check in checks.values()))
        return HealthReport(dict(zip(checks, parts, strict=True)))

    async def _check_database(self) -> str:
        await self._database.check()
        pool = self._database.statistics()
        return f"{pool.size} connections, {pool.idle} idle"

    async def _check_backplane(self) -> str:
        await self._canary.call()
        return "heard our own message"

    async def _check_migrations(self) -> str:
        async with self._database.connection() as conn:
            pending = await pending_migrations(conn)
        if pending:
            raise _Unfit(f"not yet run: {', '.join(pending)}")
        return "current"

    async def _check_serving(self) -> str:
        if self._endpoint.is_draining:
            raise _Unfit("shutting down")
        return f"{len(self._endpoint.connections)} connections"

    async def _look_at_workers(self, read_all: ReadAll) -> str:
        """Tell of the other workers, which are no reason to keep traffic from this one."""
        number, count = self._siblings.number, self._siblings.count
        try:
            connections = (await read_all())["parley_worker_connections"]
        except Unavailable as error:
            return f"this is {number} of {count}; {error.message}"
        each = ", ".join(f"{worker}: {served}" for worker, served in sorted(connections.items()))
        return f"this is {number} of {count}; connections of those that answer: {each}"


class _Unfit(Exception):
    """A check found a reason that is no error of its part."""


async def _measure(check: Callable[[], Awaitable[str]]) -> PartHealth:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            detail = await check()
        ok = True
    except GatewayError as error:
        ok, detail = False, error.message
    except _Unfit as error:
        ok, detail = False, str(error)
    except TimeoutError:
        ok, detail = False, f"no answer within {CHECK_SECONDS:g} s"
    return PartHealth(ok, detail, round((time.perf_counter() - started) * 1000, 2))
