"""Getting through to PostgreSQL: again and again for a while, and never telling the password."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar
from urllib.parse import parse_qs, urlsplit

import asyncpg
import structlog

from gateway.core.backoff import backoff_seconds
from gateway.core.errors import ConfigurationError, DatabaseUnavailable
from gateway.storage.connection import DRIVER_FAILURES

_REFUSALS: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,  # class 28: user, password, pg_hba.conf
    asyncpg.InvalidCatalogNameError,  # 3D000: no such database (yet)
)

_UNREADABLE: Final = (
    "The URL of PostgreSQL cannot be read. Characters such as / ? # @ in the password are "
    "percent-encoded. Example: postgresql://user:password@localhost:5432/parley"
)

_log = structlog.get_logger(__name__)

_T = TypeVar("_T")


async def patiently(
    connect: Callable[[], Awaitable[_T]],
    *,
    url: str,
    connect_seconds: float,
    attempt_seconds: float,
) -> _T:
    """Call ``connect``, which connects to ``url``, until it succeeds or time is up.

    One attempt may take ``attempt_seconds``, all of them ``connect_seconds``;
    then ``DatabaseUnavailable`` says where PostgreSQL was looked for and what
    it answered last, or that time ran out when it never did. A ``url`` that cannot be read raises
    ``ConfigurationError`` at once.
    """
    address = _address(url)
    deadline = monotonic() + connect_seconds
    answer: Exception | None = None
    for failures in itertools.count(1):
        try:
            async with asyncio.timeout(min(attempt_seconds, deadline - monotonic())):
                return await connect()
        except (*DRIVER_FAILURES, *_REFUSALS) as error:
            # The last attempt may be cut short; that tells less than a refusal before it.
            if answer is None or not isinstance(error, TimeoutError):
                answer = error
            pause = backoff_seconds(failures, random.random())  # noqa: S311 - jitter, no secret
            if monotonic() + pause >= deadline:
                raise DatabaseUnavailable(
                    f"PostgreSQL at {address} does not answer: {_reason(answer)}."
                ) from answer
            _log.warning("database_unreachable", database=address, reason=_reason(error))
            await asyncio.sleep(pause)
        except (ValueError, asyncpg.InterfaceError):
            # From None: the driver quotes the part of the URL it cannot read,
            # which may be a piece of the password.
            raise ConfigurationError(_UNREADABLE) from None
    raise AssertionError("itertools.count never ends")


def _address(url: str) -> str:
    """Return host, port and database of ``url``, without user and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ConfigurationError(_UNREADABLE) from None
    # An @ further on means that a character of the password ended the host
    # before it began; what looks like the host is then a piece of the password.
    if "@" in parts.path + parts.query + parts.fragment:
        raise ConfigurationError(_UNREADABLE)
    hosts = parse_qs(parts.query).get("host") or [parts.netloc.rpartition("@")[2]]
    return f"{hosts[0] or 'localhost'}{parts.path}"


def _reason(error: BaseException) -> str:
    """Return the error's first line, or what kind it is when it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
