"""Both servers over one data folder, for as long as anybody uses them.

The first user starts them, later ones join, the last one stops them; who is
who is told by locks (``lock.py``), so a killed process counts no more.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.embedded.layout import Layout, prepare_layout
from gateway.embedded.lock import UserLock, alone
from gateway.embedded.postgres import Postgres
from gateway.embedded.redis import Redis
from gateway.embedded.server import Server


class EmbeddedServers:
    """The addresses of the embedded servers, and hands on them.

    An address is of use only when its server was asked for.
    """

    def __init__(self, layout: Layout, *, postgres: bool, redis: bool) -> None:
        self._layout = layout
        self._postgres = Postgres(layout)
        self._redis = Redis(layout)
        wanted = ((self._redis, redis), (self._postgres, postgres))
        self._used: list[Server] = [server for server, use in wanted if use]
        self.database_url = self._postgres.url
        self.redis_url = self._redis.url

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the running servers, by name: "postgres", "redis"."""
        return {server.name: server.pid for server in self._used if server.pid is not None}

    async def keep_running(self) -> None:
        """Start a server again whenever it dies, until the call is cancelled.

        While this runs the servers are ended by ``embedded_servers`` alone.
        """
        async with asyncio.TaskGroup() as group:
            for server in self._used:
                group.create_task(server.keep(), name=f"keep-{server.name}")

    async def start_postgres(self) -> None:
        """Start PostgreSQL unless it runs. Raises ``ConfigurationError`` when it will not."""
        await self._start(self._postgres)

    async def stop_postgres(self) -> None:
        """End PostgreSQL for everybody, its data safe on disk."""
        await self._stop(self._postgres)

    async def start_redis(self) -> None:
        """Start Redis unless it runs. Raises ``ConfigurationError`` when it will not."""
        await self._start(self._redis)

    async def stop_redis(self) -> None:
        """End Redis for everybody, its data safe on disk."""
        await self._stop(self._redis)

    async def start_all(self, *, take_over: bool) -> None:
        """Start or join every server in use; called ``alone``. ``take_over``: nobody else is in."""
        for server in self._used:
            await server.start(take_over=take_over)

    async def stop_all(self) -> None:
        """End whatever runs over the data folder, in use here or not; called ``alone``."""
        for server in (self._redis, self._postgres):
            await server.stop()

    def release(self) -> None:
        """Let go of the servers, which go on running."""
        for server in self._used:
            server.release()

    async def _start(self, server: Server) -> None:
        async with alone(self._layout):
            await server.start()

    async def _stop(self, server: Server) -> None:
        async with alone(self._layout):
            await server.stop()


@contextlib.asynccontextmanager
async def embedded_servers(
    data_dir: Path, *, postgres: bool = True, redis: bool = True
) -> AsyncIterator[EmbeddedServers]:
    """Start the servers of ``data_dir``, or join them; stop them when nobody else uses them.

    Only what is asked for is started. Raises ``ConfigurationError`` when a
    server cannot be started; its message shows why and what to do.
    """
    layout = await asyncio.to_thread(prepare_layout, data_dir)
    servers = EmbeddedServers(layout, postgres=postgres, redis=redis)
    async with contextlib.AsyncExitStack() as stack:
        async with alone(layout):
            user = UserLock(layout)
            stack.push_async_callback(_leave, layout, servers, user)
            await servers.start_all(take_over=user.is_last())
        yield servers


async def _leave(layout: Layout, servers: EmbeddedServers, user: UserLock) -> None:
    async with alone(layout):
        try:
            servers.release()
            if user.is_last():
                await servers.stop_all()
        finally:
            user.close()
