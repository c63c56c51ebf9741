"""Commands and their replies on one connection, from its welcome to its end."""

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.client.errors import CommandError
from gateway.client.feed import Feed
from gateway.client.pacer import Pacer
from gateway.client.socket import ConnectionLost, Socket
from gateway.client.wire import Command, Reply
from gateway.core.protocol.base import Status
from gateway.core.protocol.connection import Limits

MAX_IN_FLIGHT: Final = 64
"""Commands that wait for a reply at the same time; further ones wait to be sent."""


class Conversation:
    """Sends commands and finds out whose a reply is. Somebody else reads the socket."""

    def __init__(self, socket: Socket, limits: Limits, on_call: Callable[[], None]) -> None:
        """``on_call`` is called when somebody begins to wait for a reply."""
        self._socket = socket
        self._on_call = on_call
        self._max_message_bytes = limits.max_message_bytes
        self._pacer = Pacer(limits.commands_per_second)
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._ids = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Reply]] = {}
        self._joins: dict[int, Feed] = {}

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for a reply."""
        return bool(self._calls)

    async def call(self, command: Command) -> Mapping[str, Any]:
        """Send a command and return what its reply gives.

        Raises ``CommandError`` when the gateway refused, and ``ConnectionLost``.
        """
        async with self._in_flight:
            await asyncio.sleep(self._pacer.delay_seconds(time.monotonic()))
            command_id = next(self._ids)
            reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            self._calls[command_id] = reply
            self._on_call()
            try:
                await self._send(command, command_id)
                answer = await reply
            finally:
                del self._calls[command_id]
        if answer.error is not None:
            raise answer.error
        return answer.ok

    async def join(self, feed: Feed, status: Status | None) -> None:
        """Ask for a room, from where its feed is; ``joined`` will know the reply.

        ``status`` is how the person is, if it is not left to the gateway.
        """
        command_id = next(self._ids)
        self._joins[command_id] = feed
        data: dict[str, object] = {}
        if feed.state is not None:
            data["since"] = feed.state.position.model_dump()
        if status is not None:
            data["status"] = status
        await self._send(Command("room.join", feed.room_id, data), command_id)

    def joined(self, reply: Reply) -> Feed | None:
        """Return whose join this answers, if it answers one."""
        return self._joins.pop(reply.re, None)

    def answer(self, reply: Reply) -> None:
        """Hand a reply to who waits for it, if they still do."""
        call = self._calls.get(reply.re)
        if call is not None and not call.done():
            call.set_result(reply)

    def end(self) -> None:
        """Tell all who wait that no reply will come."""
        for call in self._calls.values():
            if not call.done():
                call.set_exception(ConnectionLost("The connection was lost."))

    async def _send(self, command: Command, command_id: int) -> None:
        text = command.encode(command_id)
        if len(text) > self._max_message_bytes:
            raise CommandError(
                "too_large",
                f"A message has at most {self._max_message_bytes} bytes, this one {len(text)}.",
                retryable=False,
            )
        await self._socket.send(text)
