"""What Redis tells this instance, for exactly the channels it has asked for."""

import asyncio
from typing import Protocol

import hiredis

from gateway.backplane.link import Link, Reply, pack
from gateway.backplane.settings import RedisSettings


class Listener(Protocol):
    """Hears channels. As a key it stands for itself: equal listeners are one."""

    def on_message(self, message: bytes) -> None:
        """A message was published."""

    def on_gap(self) -> None:
        """The subscription was lost and is back: messages in between were missed."""


class _Subscription:
    """A channel this instance wants, and who listens; each waits for Redis to confirm it."""

    __slots__ = ("is_confirmed", "listeners")

    def __init__(self) -> None:
        self.listeners: dict[Listener, asyncio.Future[None]] = {}
        self.is_confirmed = False


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
        """Ask for a channel; the future is done when nothing published from then on is missed.

        Several listeners may hear one channel, each of them once.
        """
        subscription = self._subscriptions.get(channel)
        if subscription is None:
            subscription = self._subscriptions[channel] = _Subscription()
            self._enqueue(channel, b"SUBSCRIBE")
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if subscription.is_confirmed:
            confirmed.set_result(None)
        subscription.listeners[listener] = confirmed
        return confirmed

    def unsubscribe(self, channel: bytes, listener: Listener) -> None:
        """Stop hearing a channel; Redis is told when nobody listens to it any more."""
        subscription = self._subscriptions[channel]
        subscription.listeners.pop(listener).cancel()
        if not subscription.listeners:
            del self._subscriptions[channel]
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
                for listener in tuple(subscription.listeners):
                    listener.on_message(reply[2])
        elif kind == b"subscribe" and (subscription := self._subscriptions.get(reply[1])):
            self._confirm(subscription)

    def _confirm(self, subscription: _Subscription) -> None:
        """A first confirmation opens the ear; a repeated one means that it was shut meanwhile."""
        was_confirmed, subscription.is_confirmed = subscription.is_confirmed, True
        for listener, confirmed in tuple(subscription.listeners.items()):
            if was_confirmed:
                listener.on_gap()
            elif not confirmed.done():
                confirmed.set_result(None)
