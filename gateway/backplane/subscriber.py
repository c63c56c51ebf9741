"""What Redis tells this instance, for exactly the channels it has asked for."""

import asyncio
from typing import Protocol

import hiredis

from gateway.backplane.link import Link, Reply, pack
from gateway.backplane.settings import RedisSettings


class Listener(Protocol):
    """Hears one channel."""

    def on_message(self, message: bytes) -> None:
        """A message was published."""

    def on_gap(self) -> None:
        """The subscription was lost and is back: messages in between were missed."""


class _Subscription:
    """A channel this instance wants; ``confirmed`` is done once Redis has said so."""

    __slots__ = ("confirmed", "listener")

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Subscriber:
    """The ``sub`` connection. Subscriptions never give up: they come back with the link."""

    def __init__(self, settings: RedisSettings) -> None:
        self._link = Link(settings, "sub", on_reply=self._receive, on_up=self._resubscribe)
        self._subscriptions: dict[bytes, _Subscription] = {}
        self._pending: dict[bytes, bytes] = {}

    @property
    def is_up(self) -> bool:
        """Whether the link stands, as far as is known."""
        return self._link.is_up

    async def run(self) -> None:
        """Keep the connection: until cancelled."""
        await self._link.run()

    def subscribe(self, channel: bytes, listener: Listener) -> asyncio.Future[None]:
        """Ask for a channel; the future is done when nothing published from then on is missed."""
        subscription = self._subscriptions[channel] = _Subscription(listener)
        self._enqueue(channel, b"SUBSCRIBE")
        return subscription.confirmed

    def unsubscribe(self, channel: bytes) -> None:
        """Stop hearing a channel."""
        subscription = self._subscriptions.pop(channel)
        subscription.confirmed.cancel()
        self._enqueue(channel, b"UNSUBSCRIBE")

    def _enqueue(self, channel: bytes, command: bytes) -> None:
        """Collect this turn's changes; the last wish for a channel is the one that counts."""
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._flush)
        self._pending[channel] = command

    def _flush(self) -> None:
        pending, self._pending = self._pending, {}
        for command in (b"UNSUBSCRIBE", b"SUBSCRIBE"):
            channels = [channel for channel, wish in pending.items() if wish == command]
            if channels:
                # Refused while the link is down: _resubscribe asks for all that is wanted then.
                self._link.write(pack(command, *channels))

    def _resubscribe(self) -> None:
        # Wishes of this turn are among them; asked twice, they would look like a gap.
        self._pending.clear()
        if self._subscriptions:
            self._link.write(pack(b"SUBSCRIBE", *self._subscriptions))

    def _receive(self, reply: Reply) -> None:
        if isinstance(reply, hiredis.ReplyError) or not isinstance(reply, list):
            return
        kind = reply[0]
        if kind == b"message":
            if subscription := self._subscriptions.get(reply[1]):
                subscription.listener.on_message(reply[2])
        elif kind == b"subscribe" and (subscription := self._subscriptions.get(reply[1])):
            self._confirm(subscription)

    def _confirm(self, subscription: _Subscription) -> None:
        """A first confirmation opens the ear; a repeated one means that it was shut meanwhile."""
        if subscription.confirmed.done():
            subscription.listener.on_gap()
        else:
            subscription.confirmed.set_result(None)
