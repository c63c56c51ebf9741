"""The ``main`` connection: commands of which somebody waits for the answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable

MAX_CONNECTIONS: Final = 16
"""Connections of one client. Each command takes well under a millisecond of one."""

_WRITE_AFTER_RESET: Final = RuntimeError
# What uvloop raises, where asyncio says nothing, for a write to a connection that the other
# side has just reset. redis-py does not know it, but does give up the connection.


def open_client(settings: RedisSettings, name: str = "main") -> Redis:
    """Return a pooled client that retries what may be repeated, within a bound.

    It connects at the first command. Every command it is used for is safe to
    repeat (reads, idempotent writes, scripts that check before they write).
    """
    pool = BlockingConnectionPool.from_url(
        settings.url,
        max_connections=MAX_CONNECTIONS,
        # Beyond them callers take turns; the plain pool would fail, and a storm
        # of joins would look like an outage.
        timeout=settings.command_seconds,
        client_name=f"parley-{name}",
        decode_responses=True,
        socket_connect_timeout=settings.connect_seconds,
        socket_timeout=settings.command_seconds,
        retry=Retry(
            ExponentialWithJitterBackoff(
                base=settings.retry_base_seconds, cap=settings.retry_cap_seconds
            ),
            settings.command_retries,
            # The annotation promises less than it does: it catches whatever it is given.
            supported_errors=(RedisConnectionError, RedisTimeoutError, _WRITE_AFTER_RESET),  # type: ignore[arg-type]
        ),
        health_check_interval=30,
    )
    return Redis.from_pool(pool)


@contextmanager
def backplane_errors(settings: RedisSettings) -> Iterator[None]:
    """Turn redis-py's errors into ``BackplaneUnavailable``."""
    try:
        yield
    except (RedisError, OSError, _WRITE_AFTER_RESET) as error:
        raise BackplaneUnavailable(f"Redis at {settings.address} does not answer.") from error


@asynccontextmanager
async def answered_within(seconds: float) -> AsyncIterator[None]:
    """Raise ``BackplaneUnavailable`` where Redis takes longer than that: retries take a while."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise BackplaneUnavailable(f"Redis has not answered within {seconds:g} s.") from None
