"""Redis where its answer is welcome but not needed.

A caller that can do without Redis must not wait for it. When Redis is away or
slow, it is left alone for a moment, and everybody takes the other way at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar

from gateway.backplane.client import backplane_errors
from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable

PATIENCE_SECONDS: Final = 0.25
"""How long an answer is waited for: a hundred times what Redis takes when it is well."""

REST_SECONDS: Final = 1.0
"""How long nobody asks after a failure."""

MAX_CALLS: Final = 16
"""Calls under way at once, so that a crowd waits here and does not use up the connections."""

_T = TypeVar("_T")


class CourtesyCall:
    """Asks Redis briefly, or not at all while it rests."""

    def __init__(self, settings: RedisSettings) -> None:
        self._settings = settings
        self._turn = asyncio.Semaphore(MAX_CALLS)
        self._rests_until = 0.0

    async def ask(self, command: Callable[[], Awaitable[_T]]) -> _T:
        """Return the command's answer, or raise ``BackplaneUnavailable`` without delay.

        Waiting for one's turn does not count as waiting for Redis: a crowd is
        no failure, and its turns end at once when there is one.
        """
        async with self._turn:
            if monotonic() < self._rests_until:
                raise BackplaneUnavailable("Redis has failed a moment ago.")
            try:
                with backplane_errors(self._settings):
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        return await command()
            except BackplaneUnavailable:
                self._rests_until = monotonic() + REST_SECONDS
                raise
