"""How tests wait: for an event, and never for ever."""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

WAIT_SECONDS: Final = 15.0
"""How long anything may take: far beyond what it does take, for a machine that is busy."""

_T = TypeVar("_T")


async def soon(awaitable: Awaitable[_T]) -> _T:
    """Return what is awaited; fail when it takes too long."""
    async with asyncio.timeout(WAIT_SECONDS):
        return await awaitable
