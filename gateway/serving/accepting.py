"""Takes new connections from the kernel, no faster than those before them come in.

At most one in each turn of the event loop, so that a storm lengthens no turn;
and one every ``PACE_SECONDS`` while as many are on their way in as should be.
The rest wait in the kernel's backlog, where they cost nothing; who finds it
full is tried again by the client's own kernel. So nobody is refused, and
health checks, which come by the same door, still get in.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger()

PACE_SECONDS: Final = 0.005
"""Between two connections while many are on their way in."""

RETRY_SECONDS: Final = 1.0
"""After a failure, which is nearly always that the process may have no more files."""


async def accept(
    listener: socket.socket,
    make_protocol: Callable[[], asyncio.Protocol],
    is_crowded: Callable[[], bool],
) -> None:
    """Accept until cancelled. ``is_crowded`` tells whether many are on their way in."""
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    while True:
        try:
            line, _ = await loop.sock_accept(listener)
            await loop.connect_accepted_socket(make_protocol, line)
        except ConnectionError:
            pass  # they have gone already
        except OSError as error:
            log.warning("connections.cannot_accept", error=str(error))
            await asyncio.sleep(RETRY_SECONDS)
        if is_crowded():
            await asyncio.sleep(PACE_SECONDS)
