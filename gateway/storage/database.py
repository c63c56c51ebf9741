"""The pool of PostgreSQL connections.

Nothing here or in the queries outlives its transaction (no ``SET``, ``LISTEN``,
temporary table or session lock), so PgBouncer in transaction mode may stand in
between, from its version 1.21 on, which follows prepared statements. The one
exception is the lock of the migrations, which want a direct connection.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Final, Self

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from gateway.core.errors import DatabaseUnavailable
from gateway.storage.connecting import patiently
from gateway.storage.connection import (
    CONNECTION_FAILURES,
    Connection,
    driver_failures_mapped,
    prepare_connection,
)
from gateway.storage.generated import server
from gateway.storage.transactions import snapshot, transaction

STATEMENT_SECONDS: Final = 5
"""A statement that takes longer is cut off: a paused server must not hold its callers for ever."""

RETURN_SECONDS: Final = 0.5
"""A connection that comes back with a statement under way has so long to cancel it; then it is cut.

Cancelling first, because the server would go on with the statement otherwise.
"""

STATEMENT_LIFETIME_SECONDS: Final = 10
"""A prepared statement is prepared anew after so long.

PostgreSQL keeps its plan, and one made when a table was small goes through all of
it when it has grown, until the table is analyzed, which may take a minute. Inside
a transaction settings prevent that (``transactions``); outside of one this is what
ends it.
"""

CLOSE_SECONDS: Final = 5
"""How long ``close`` waits for connections still in use before it cuts them."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where PostgreSQL is and how many connections to hold.

    ``url`` is a secret (it may hold the password) and is left out of the
    ``repr``. ``idle_seconds``: a connection above ``pool_min`` unused for so
    long is closed. ``connect_seconds`` bounds the start, and the wait for a
    free connection; ``attempt_seconds`` bounds one attempt to connect.
    ``ssl`` as asyncpg takes it; ``None`` leaves it to the URL.
    """

    url: str = field(repr=False)
    pool_min: int = 5
    pool_max: int = 20
    idle_seconds: float = 30
    connect_seconds: float = 5
    attempt_seconds: float = 2
    ssl: SSLContext | bool | None = None


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """Connections at one moment: open, of these unused, and callers waiting for one."""

    size: int
    idle: int
    waiting: int


class Database:
    """The pool. Made by ``open``, ended by ``close``.

    A lost connection is replaced when the next caller needs one. Nothing is
    retried here: whether a statement may be repeated, only its caller knows.
    """

    def __init__(self, pool: asyncpg.Pool, settings: DatabaseSettings) -> None:
        """``pool`` is open; callers use ``Database.open``."""
        self._pool = pool
        self._settings = settings
        self._waiting = 0

    @classmethod
    async def open(cls, settings: DatabaseSettings) -> Self:
        """Connect, trying again for ``connect_seconds``; then raise ``DatabaseUnavailable``.

        A URL that cannot be read raises ``ConfigurationError`` at once.
        """
        pool = await patiently(
            lambda: _open_pool(settings),
            url=settings.url,
            connect_seconds=settings.connect_seconds,
            attempt_seconds=settings.attempt_seconds,
        )
        return cls(pool, settings)

    async def close(self) -> None:
        """Wait for connections in use, at most ``CLOSE_SECONDS``, and close all."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            # asyncpg has terminated the pool on its way out.
            _log.warning("database_connections_cut", after_seconds=CLOSE_SECONDS)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection for the block.

        Raises ``DatabaseUnavailable`` when there is none within
        ``connect_seconds`` or when it is lost inside the block.
        """
        with driver_failures_mapped():
            conn = await self._acquire()
        try:
            with driver_failures_mapped(conn):
                yield conn
        except DatabaseUnavailable:
            # Whatever state it is in, nobody is to get it again.
            with suppress(asyncpg.InterfaceError):  # the pool has cut it off already
                conn.terminate()
            raise
        finally:
            with driver_failures_mapped():
                await self._pool.release(conn, timeout=RETURN_SECONDS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction: committed at the end, rolled back on any error.

        A ``DatabaseUnavailable`` from the commit itself leaves open whether it
        took place. How long the block may pause between statements: ``transactions.BEGIN``.
        """
        async with self.connection() as conn, transaction(conn):
            yield conn

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Lend a connection to read with: all of it as it stands at the first statement."""
        async with self.connection() as conn, snapshot(conn):
            yield conn

    async def check(self) -> None:
        """Raise ``DatabaseUnavailable`` unless the server answers within ``attempt_seconds``.

        Raising may take ``RETURN_SECONDS`` longer.
        """
        with driver_failures_mapped():
            async with asyncio.timeout(self._settings.attempt_seconds), self.connection() as conn:
                await server.ping(conn)

    def statistics(self) -> PoolStatistics:
        """Return the pool's numbers now."""
        return PoolStatistics(self._pool.get_size(), self._pool.get_idle_size(), self._waiting)

    async def _acquire(self) -> PoolConnectionProxy:
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._settings.connect_seconds)
        finally:
            self._waiting -= 1


@asynccontextmanager
async def direct_connection(settings: DatabaseSettings) -> AsyncIterator[Connection]:
    """Open one connection outside any pool, whose statements may take as long as they need.

    For migrations, seeds and generated code. Raises as ``Database.open`` does.
    """
    conn = await patiently(
        lambda: _open_connection(settings),
        url=settings.url,
        connect_seconds=settings.connect_seconds,
        attempt_seconds=settings.attempt_seconds,
    )
    try:
        with driver_failures_mapped(conn):
            yield conn
    finally:
        # A lost connection fails to say goodbye; that must not hide the first error.
        await _quietly_close(conn)


async def connection_budget(conn: Connection) -> tuple[int, int]:
    """Return the server's ``max_connections``, and how many of these are reserved for others."""
    budget = await server.connection_budget(conn)
    return budget.max_connections, budget.reserved


async def _open_pool(settings: DatabaseSettings) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        settings.url,
        min_size=settings.pool_min,
        max_size=settings.pool_max,
        max_inactive_connection_lifetime=settings.idle_seconds,
        timeout=settings.attempt_seconds,
        command_timeout=STATEMENT_SECONDS,
        max_cached_statement_lifetime=STATEMENT_LIFETIME_SECONDS,
        ssl=settings.ssl,
        init=prepare_connection,
        reset=_leave_as_is,
        server_settings={"application_name": "parley"},
    )


async def _open_connection(settings: DatabaseSettings) -> asyncpg.Connection:
    conn = await asyncpg.connect(
        settings.url,
        timeout=settings.attempt_seconds,
        ssl=settings.ssl,
        server_settings={"application_name": "parley"},
    )
    await prepare_connection(conn)
    return conn


async def _leave_as_is(_conn: object) -> None:
    """Reset nothing when a connection returns to the pool.

    The default costs one more round trip a loan to undo session state, and
    this gateway never makes any. asyncpg still rolls back an open transaction.
    """


async def _quietly_close(conn: asyncpg.Connection) -> None:
    try:
        await conn.close(timeout=CLOSE_SECONDS)
    except CONNECTION_FAILURES as error:
        _log.warning("database_connection_cut", reason=repr(error))
