"""How to reach Redis, and how patient to be with it."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio.connection import parse_url


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """``url`` is ``redis://``, ``rediss://`` (TLS) or ``unix://``, with user and password in it.

    ``retry_base_seconds`` and ``retry_cap_seconds`` bound the exponential
    backoff with jitter; a command gives up after ``command_retries`` tries,
    a subscription never does.
    """

    url: str
    connect_seconds: float = 5.0
    command_seconds: float = 2.0
    retry_base_seconds: float = 0.05
    retry_cap_seconds: float = 2.0
    command_retries: int = 3
    silence_seconds: float = 3.0
    """A link that answers no ping for this long is dead, whatever TCP thinks."""

    @property
    def address(self) -> str:
        """Where Redis is, without the password: for people and logs."""
        parts = self.parts
        return str(parts.get("path") or f"{parts.get('host', 'localhost')}:{self.port}")

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.parts.get("port", 6379))

    @property
    def parts(self) -> dict[str, Any]:
        """The URL, taken apart by redis-py, so that both ways to Redis read it alike."""
        return dict(parse_url(self.url))
