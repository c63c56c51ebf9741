"""One connection to Redis that is always trying to be up.

The commands of the gateway's daily work go through redis-py (``client.py``).
Publications do not: at one message a time redis-py costs 37 µs to publish and
5.6 µs to receive, this protocol over the same hiredis parser 5.5 and 0.5 µs
(``docs/design/backplane.md``), and it says what redis-py hides, namely when a
subscription was lost and made anew, which is when messages were missed.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Callable
from typing import Any, cast

import hiredis
import structlog
from typing_extensions import override

from gateway.backplane.settings import RedisSettings
from gateway.core.backoff import backoff_seconds
from gateway.core.errors import BackplaneUnavailable

log = structlog.get_logger()

Reply = Any
"""What hiredis makes of a RESP2 reply: bytes, int, None, a list, or ``hiredis.ReplyError``."""

_PING_AFTER_SECONDS = 1.0
"""Silence after which a ping asks whether the other side is there."""


class _Protocol(asyncio.Protocol):
    """Feeds what arrives to the parser and hands on each reply, within the same loop turn."""

    def __init__(self, on_reply: Callable[[Reply], None]) -> None:
        self._reader = hiredis.Reader()
        self._on_reply = on_reply
        self.transport: asyncio.Transport | None = None
        self.heard_at = time.monotonic()
        self.lost = asyncio.Event()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's by contract, not by class.
        self.transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            self._on_reply(reply)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


class Link:
    """A connection to Redis with one owner, who gets every reply by callback.

    ``on_up`` is called on every new connection, before anything else is
    written to it. What is written while the link
    is down is refused, never queued: who cares about it asks again at ``on_up``.
    """

    def __init__(
        self,
        settings: RedisSettings,
        name: str,
        *,
        on_reply: Callable[[Reply], None],
        on_up: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._name = name
        self._on_reply = on_reply
        self._on_up = on_up
        self._transport: asyncio.Transport | None = None
        self._greetings = 0
        self._greeted: asyncio.Future[None] | None = None

    @property
    def is_up(self) -> bool:
        """Whether writes reach Redis, as far as is known."""
        return self._transport is not None

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait in this process because Redis reads too slowly."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    def write(self, commands: bytes) -> bool:
        """Send packed commands; ``False`` when the link is down and nothing was sent."""
        # A connection that was lost in this turn of the loop is closing already, and uvloop
        # would raise.
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(commands)
        return True

    async def run(self) -> None:
        """Connect, stay connected, connect again: until cancelled."""
        failures = 0
        while True:
            try:
                protocol = await self._connect()
            except (OSError, TimeoutError, BackplaneUnavailable) as error:
                failures += 1
                log.warning("redis.link_refused", link=self._name, tries=failures, error=str(error))
            else:
                await self._stay_connected(protocol)
                failures = 1
            await asyncio.sleep(
                backoff_seconds(
                    failures,
                    random.random(),  # noqa: S311 - jitter, not a secret
                    first_seconds=self._settings.retry_base_seconds,
                    most_seconds=self._settings.retry_cap_seconds,
                )
            )

    async def _connect(self) -> _Protocol:
        """Open the connection and greet; raise when that fails or takes too long."""
        self._greeted = asyncio.get_running_loop().create_future()
        protocol = _Protocol(self._receive)
        async with asyncio.timeout(self._settings.connect_seconds):
            await _open(self._settings, protocol)
            try:
                self._greet(protocol)
                await self._greeted
            except BaseException:
                _transport(protocol).abort()
                raise
        return protocol

    def _greet(self, protocol: _Protocol) -> None:
        """Sign in and give the connection its name, which ``CLIENT LIST`` shows."""
        parts = self._settings.parts
        greetings = [pack("CLIENT", "SETNAME", f"parley-{self._name}"), pack("PING")]
        if "password" in parts:
            user = (str(parts["username"]),) if parts.get("username") else ()
            greetings.insert(0, pack("AUTH", *user, str(parts["password"])))
        if database := parts.get("db"):
            # Channels are the same in all of them, but presence is written through a link too.
            greetings.append(pack("SELECT", int(database)))
        self._greetings = len(greetings)
        _transport(protocol).write(b"".join(greetings))

    def _receive(self, reply: Reply) -> None:
        if not self._greetings:
            self._on_reply(reply)
            return
        self._greetings -= 1
        assert self._greeted is not None  # noqa: S101 - set before the first greeting
        if self._greeted.done():
            return
        if isinstance(reply, hiredis.ReplyError):
            self._greeted.set_exception(BackplaneUnavailable(f"Redis refuses us: {reply}"))
        elif not self._greetings:
            self._greeted.set_result(None)

    async def _stay_connected(self, protocol: _Protocol) -> None:
        """Return when the connection is lost or has gone silent."""
        self._transport = _transport(protocol)
        log.info("redis.link_up", link=self._name, address=self._settings.address)
        try:
            self._on_up()
            await self._watch(protocol)
            log.warning("redis.link_down", link=self._name)
        finally:
            self._transport.abort()
            self._transport = None

    async def _watch(self, protocol: _Protocol) -> None:
        """Ping a silent connection, and give it up when it stays silent (a half-open link)."""
        while not protocol.lost.is_set():
            try:
                async with asyncio.timeout(_PING_AFTER_SECONDS):
                    await protocol.lost.wait()
            except TimeoutError:
                silence = time.monotonic() - protocol.heard_at
                if silence > self._settings.silence_seconds:
                    log.warning("redis.link_silent", link=self._name, seconds=round(silence, 1))
                    return
                if silence >= _PING_AFTER_SECONDS:
                    self.write(pack("PING"))


def pack(*command: bytes | str | float) -> bytes:
    """Return a command in Redis's protocol (RESP)."""
    # hiredis's stub wants a tuple of exactly one element; it takes any.
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]
    return packed


def _transport(protocol: _Protocol) -> asyncio.Transport:
    assert protocol.transport is not None  # noqa: S101 - the connection has been made
    return protocol.transport


async def _open(settings: RedisSettings, protocol: _Protocol) -> None:
    loop = asyncio.get_running_loop()
    parts = settings.parts
    if path := parts.get("path"):
        await loop.create_unix_connection(lambda: protocol, str(path))
        return
    host = str(parts.get("host", "localhost"))
    tls = ssl.create_default_context() if settings.url.startswith("rediss://") else None
    await loop.create_connection(
        lambda: protocol, host, settings.port, ssl=tls, server_hostname=host if tls else None
    )
