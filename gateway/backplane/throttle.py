"""How often may somebody try? Counted in Redis, so that all instances count together."""

from collections.abc import Sequence
from importlib.resources import files
from time import monotonic

import structlog
from redis.asyncio import Redis

from gateway.backplane.courtesy import CourtesyCall
from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable, RateLimited
from gateway.core.windows import Counter, Windows

log = structlog.get_logger()


def counter_key(shared: str, name: str) -> str:
    """Return a counter's key. Counters with the same ``shared`` can be counted together.

    It is a hash tag: Redis Cluster keeps such keys in one place.
    """
    return f"throttle:{{{shared}}}:{name}"


class Throttle:
    """Counts attempts before they are made, so that a burst cannot slip through between.

    While Redis is away, each instance counts on its own with the same limits:
    n instances then allow n times as many attempts, and never any number.
    """

    def __init__(self, redis: Redis, settings: RedisSettings) -> None:
        folder = files("gateway.backplane")
        self._redis = redis
        self._take = redis.register_script((folder / "throttle_take.lua").read_text())
        self._give_back = redis.register_script((folder / "throttle_give_back.lua").read_text())
        self._call = CourtesyCall(settings)
        self._windows = Windows()

    async def take(self, counters: Sequence[Counter]) -> None:
        """Count one attempt against every counter, or raise ``RateLimited`` and count none.

        The counters' keys have the same ``shared``.
        """
        try:
            wait_seconds = await self._take_together(counters)
        except BackplaneUnavailable:
            log.warning("throttle.alone", counters=len(counters))
            wait_seconds = self._windows.take(counters, monotonic())
        if wait_seconds > 0:
            raise RateLimited(
                "Too many attempts; try again later.", retry_after_seconds=wait_seconds
            )

    async def give_back(self, counters: Sequence[Counter]) -> None:
        """Take one attempt off each: it was none, or it succeeded."""
        self._windows.give_back(counters, monotonic())
        keys = [counter.key for counter in counters]
        try:
            await self._call.ask(lambda: self._give_back(keys=keys))
        except BackplaneUnavailable:
            log.warning("throttle.not_given_back")

    async def forget(self, counter: Counter) -> None:
        """Begin anew: the attempts so far were made by the right person."""
        self._windows.forget(counter)
        try:
            await self._call.ask(lambda: self._redis.delete(counter.key))
        except BackplaneUnavailable:
            log.warning("throttle.not_forgotten")

    async def _take_together(self, counters: Sequence[Counter]) -> float:
        limits = [
            number
            for counter in counters
            for number in (counter.max_count, int(counter.window_seconds * 1000))
        ]
        keys = [counter.key for counter in counters]
        wait_ms = await self._call.ask(lambda: self._take(keys=keys, args=limits))
        return float(wait_ms) / 1000
