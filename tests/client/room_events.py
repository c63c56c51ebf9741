"""Taking events from a room until the one that a test waits for."""

import asyncio
from collections.abc import Callable

from gateway.client import Event, Room

PATIENCE_SECONDS = 30.0


async def take_until(room: Room, is_last: Callable[[Event], bool]) -> list[Event]:
    """Take events until one fits, and return them all."""
    taken = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in room:
            taken.append(event)
            if is_last(event):
                break
    return taken


async def take(room: Room, kind: type) -> Event:
    """Take events until one whose data is of this class, and return that one."""
    return (await take_until(room, lambda event: isinstance(event.data, kind)))[-1]
