"""Writes to Redis that nobody waits for: publications, presence and typing.

What is written in one turn of the event loop leaves in one write, so the load
itself makes the batches and an idle gateway adds no delay.
"""

import asyncio
from collections.abc import Callable

import hiredis
import structlog

from gateway.backplane.link import Link, Reply, pack
from gateway.backplane.settings import RedisSettings

log = structlog.get_logger()

MAX_UNSENT_BYTES = 16 * 1024 * 1024
"""Beyond this Redis is not keeping up, and publications are dropped and counted.

A dropped durable event is not lost: it is in the log, and every instance
compares its rooms with the log every few seconds.
"""


class Publisher:
    """The ``pub`` connection."""

    def __init__(self, settings: RedisSettings, *, on_up: Callable[[], None]) -> None:
        """``on_up`` is called on each new connection: what Redis may have lost is said again."""
        self._link = Link(settings, "pub", on_reply=self._check, on_up=on_up)
        self._outbox: list[bytes] = []
        self.dropped = 0

    @property
    def is_up(self) -> bool:
        """Whether what is sent now reaches Redis, as far as is known."""
        return self._link.is_up

    async def run(self) -> None:
        """Keep the connection: until cancelled."""
        await self._link.run()

    def publish(self, channel: bytes, message: bytes) -> None:
        """Publish at the end of this turn of the event loop; dropped and counted when down."""
        self.send(b"PUBLISH", channel, message)

    def send(self, *command: bytes | str | float) -> None:
        """Send any command, in order with the publications, and do not wait for its reply."""
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbox.append(pack(*command))

    def _flush(self) -> None:
        commands, self._outbox = self._outbox, []
        if self._link.unsent_bytes > MAX_UNSENT_BYTES or not self._link.write(b"".join(commands)):
            self.dropped += len(commands)

    def _check(self, reply: Reply) -> None:
        if isinstance(reply, hiredis.ReplyError):
            log.error("redis.command_refused", error=str(reply))
