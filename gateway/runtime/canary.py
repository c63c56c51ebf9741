"""Does this instance hear the backplane? It calls to itself and listens for the echo.

An open connection to Redis proves nothing: a failover or a half-open link
leaves an instance that publishes into nowhere or hears nothing while every
check is green. The one proof is a message that went the whole way.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable

import structlog

from gateway.backplane import keys
from gateway.backplane.publisher import Publisher
from gateway.backplane.subscriber import Subscriber
from gateway.core.errors import BackplaneUnavailable
from gateway.core.histogram import Histogram
from gateway.core.ids import InstanceId

log = structlog.get_logger()

CALL_SECONDS = 1.0
"""Time between calls: with the wait for the echo, deafness is known within 3 s."""

ECHO_SECONDS = 2.0
"""How long the echo may take."""

ECHO_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
"""Seconds, up to ``ECHO_SECONDS``."""


class Canary:
    """This instance's channel to itself."""

    def __init__(
        self,
        instance_id: InstanceId,
        publisher: Publisher,
        subscriber: Subscriber,
        on_change: Callable[[], None],
    ) -> None:
        """``on_change`` is called when this instance has gone deaf, or hears again."""
        self._channel = keys.instance_channel(instance_id)
        self._publisher = publisher
        self._subscriber = subscriber
        self._on_change = on_change
        self._heard = False
        self._heard_once = asyncio.Event()
        self._wake = asyncio.Event()
        self._numbers = itertools.count()
        self._waiting: dict[bytes, asyncio.Future[None]] = {}
        self.echo_seconds = Histogram(ECHO_BOUNDS)
        """How long the echoes took that came in time."""
        self.late_echoes = 0
        """Calls that brought no echo within ``ECHO_SECONDS``."""

    @property
    def hears(self) -> bool:
        """Whether the last call came back and the links still stand."""
        return self._heard and self._subscriber.is_up and self._publisher.is_up

    async def first_echo(self, within_seconds: float) -> None:
        """Return once the backplane is heard; without Redis, after ``within_seconds``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self._heard_once.wait()

    async def run(self) -> None:
        """Call again and again: until cancelled."""
        confirmed = self._subscriber.subscribe(self._channel, self)
        confirmed.add_done_callback(lambda _: self.call_soon())
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CALL_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            await self._check()

    def call_soon(self) -> None:
        """Call now: a link has come back."""
        self._wake.set()

    async def _check(self) -> None:
        heard = self._subscriber.is_up and self._publisher.is_up
        try:
            if heard:
                await self.call()
        except BackplaneUnavailable:
            heard = False
        if heard == self._heard:
            return
        self._heard = heard
        if heard:
            self._heard_once.set()
            log.info("backplane.heard")
        else:
            log.warning("backplane.deaf", instead="the log is polled")
        self._on_change()

    async def call(self) -> None:
        """Return when the echo has come; ``BackplaneUnavailable`` when it does not."""
        number = b"%d" % next(self._numbers)
        echo = self._waiting[number] = asyncio.get_running_loop().create_future()
        called_at = time.perf_counter()
        try:
            self._publisher.publish(self._channel, number)
            async with asyncio.timeout(ECHO_SECONDS):
                await echo
            self.echo_seconds.observe(time.perf_counter() - called_at)
        except TimeoutError:
            self.late_echoes += 1
            raise BackplaneUnavailable("A message to ourselves did not come back.") from None
        finally:
            del self._waiting[number]

    def on_message(self, message: bytes) -> None:
        """Hear the echo."""
        if (echo := self._waiting.get(message)) is not None and not echo.done():
            echo.set_result(None)

    def on_gap(self) -> None:
        """Listen again: the link was lost and is back."""
        self.call_soon()
