"""The ``main`` connection: commands of which somebody waits for the answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable


def open_client(settings: RedisSettings, name: str = "main") -> Redis:
    """Return a pooled client that retries what may be repeated, within a bound.

    It connects at the first command. Every command it is used for is safe to
    repeat (reads, idempotent writes, scripts that check before they write).
    """
    return Redis.from_url(
        settings.url,
        client_name=f"parley-{name}",
        decode_responses=True,
        socket_connect_timeout=settings.connect_seconds,
        socket_timeout=settings.command_seconds,
        retry=Retry(
            ExponentialWithJitterBackoff(
                base=settings.retry_base_seconds, cap=settings.retry_cap_seconds
            ),
            settings.command_retries,
            supported_errors=(RedisConnectionError, RedisTimeoutError),
        ),
        health_check_interval=30,
    )


@contextmanager
def backplane_errors(settings: RedisSettings) -> Iterator[None]:
    """Turn redis-py's errors into ``BackplaneUnavailable``."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise BackplaneUnavailable(f"Redis at {settings.address} does not answer.") from error
