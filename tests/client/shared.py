"""What the fixtures of the client's tests give."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.client import Client

SignIn = Callable[[str, str], Awaitable[Client]]
"""Signs a guest of a name in at the instance of a URL."""


class Shared(NamedTuple):
    """What instances share."""

    database_url: str
    redis_url: str

    @property
    def settings(self) -> dict[str, object]:
        """The environment of an instance, with room for impatient tests."""
        return {
            "database_url": self.database_url,
            "redis_url": self.redis_url,
            "arrivals_per_minute": 10_000,
            "commands_per_second": 10_000,
        }
