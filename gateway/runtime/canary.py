"""Does this instance hear the backplane? It calls to itself and listens for the echo.

An open connection to Redis proves nothing: a failover or a half-open link
leaves an instance that publishes into nowhere or hears nothing while every
check is green. The one proof is a message that went the whole way.
"""

import asyncio
import itertools

from gateway.backplane import keys
from gateway.backplane.publisher import Publisher
from gateway.backplane.subscriber import Subscriber
from gateway.core.errors import BackplaneUnavailable
from gateway.core.ids import InstanceId

ECHO_SECONDS = 2.0
"""How long the echo may take."""


class Canary:
    """This instance's channel to itself."""

    def __init__(
        self, instance_id: InstanceId, publisher: Publisher, subscriber: Subscriber
    ) -> None:
        self._channel = keys.instance_channel(instance_id)
        self._publisher = publisher
        self._subscriber = subscriber
        self._numbers = itertools.count()
        self._waiting: dict[bytes, asyncio.Future[None]] = {}

    def start(self) -> None:
        """Begin to listen."""
        self._subscriber.subscribe(self._channel, self)

    async def call(self) -> None:
        """Return when the echo has come; ``BackplaneUnavailable`` when it does not."""
        number = b"%d" % next(self._numbers)
        echo = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._publisher.publish(self._channel, number)
            async with asyncio.timeout(ECHO_SECONDS):
                await echo
        except TimeoutError:
            raise BackplaneUnavailable("A message to ourselves did not come back.") from None
        finally:
            del self._waiting[number]

    def on_message(self, message: bytes) -> None:
        """Hear the echo."""
        if (echo := self._waiting.get(message)) is not None and not echo.done():
            echo.set_result(None)

    def on_gap(self) -> None:
        """Nothing to make up for: whoever still waits calls again."""
