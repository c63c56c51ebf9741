"""A WebSocket client for tests: it sees every byte, and may send what no client should.

Around websockets' sans-I/O ``ClientProtocol``. It reads when a test waits for
something, so it needs no task of its own.
"""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlsplit

import orjson
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.extensions import ClientExtensionFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from tests.support.waiting import WAIT_SECONDS

Message = dict[str, Any]


class Refused(Exception):
    """The gateway answered a command with an error."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: str = error["code"]
        self.message: str = error["message"]
        self.retryable: bool = error["retryable"]


class Rejected(Exception):
    """The opening handshake was answered with an HTTP error."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.status = response.status_code
        self.body = response.body or b""
        self.headers = response.headers


class Closed(Exception):
    """The connection ended while the test waited for something else."""


class SocketClient:
    """One connection, as a client has it."""

    def __init__(
        self, protocol: ClientProtocol, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.received = bytearray()
        self.welcome: Message = {}
        self._protocol = protocol
        self._reader = reader
        self._writer = writer
        self._inbox: list[Message] = []
        self._ids = itertools.count(1)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        subprotocols: tuple[str, ...] = ("parley.v1",),
        receive_buffer_bytes: int | None = None,
        extensions: Sequence[ClientExtensionFactory] = (),
    ) -> Self:
        """Connect, and read the welcome. Raises ``Rejected``, or ``Closed`` when none comes.

        ``token`` goes as a bearer header. With a small ``receive_buffer_bytes``
        the gateway notices soon when the test does not read.
        """
        protocol = ClientProtocol(
            parse_uri(url),
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            extensions=list(extensions) or None,
        )
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        if receive_buffer_bytes is not None:
            line = writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        client = cls(protocol, reader, writer)
        request = protocol.connect()
        request.headers.update(headers or {})
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        protocol.send_request(request)
        try:
            await client._shake_hands()
            client.welcome = await client.take(lambda message: message.get("type") == "welcome")
        except BaseException:
            await client.abort()
            raise
        return client

    @property
    def subprotocol(self) -> str | None:
        """What was agreed on."""
        return self._protocol.subprotocol

    @property
    def extensions(self) -> list[str]:
        """What else was agreed on, as the library writes it."""
        return [repr(extension) for extension in self._protocol.extensions]

    # Speaking

    async def ask(
        self, command: str, *, room: str | None = None, key: str | None = None, **data: object
    ) -> Message:
        """Give a command and return what the reply's ``ok`` holds, or raise ``Refused``."""
        return await self.answer(await self.say(command, room=room, key=key, **data))

    async def say(
        self, command: str, *, room: str | None = None, key: str | None = None, **data: object
    ) -> int:
        """Give a command, and return its id without waiting for the reply."""
        message: Message = {"id": next(self._ids), "type": command}
        message |= {name: value for name, value in (("room", room), ("key", key)) if value}
        if data:
            message["data"] = data
        await self.send_text(orjson.dumps(message))
        command_id: int = message["id"]
        return command_id

    async def answer(self, command_id: int) -> Message:
        """Wait for the reply to a command: its ``ok``, or ``Refused``."""
        reply = await self.take(lambda message: message.get("re") == command_id)
        if "error" in reply:
            raise Refused(reply["error"])
        ok: Message = reply["ok"]
        return ok

    async def send_text(self, text: str | bytes) -> None:
        """Send one text frame."""
        self._protocol.send_text(text.encode() if isinstance(text, str) else text)
        await self._flush()

    async def send_binary(self, payload: bytes) -> None:
        """Send one binary frame."""
        self._protocol.send_binary(payload)
        await self._flush()

    async def send_fragments(self, *fragments: bytes) -> None:
        """Send one text message in several frames."""
        self._protocol.send_text(fragments[0], fin=False)
        for fragment in fragments[1:-1]:
            self._protocol.send_continuation(fragment, fin=False)
        self._protocol.send_continuation(fragments[-1], fin=True)
        await self._flush()

    async def send_raw(self, octets: bytes) -> None:
        """Put bytes on the wire that need not be a frame."""
        self._writer.write(octets)
        await self._writer.drain()

    async def close(self) -> None:
        """Say goodbye, and wait until the server has agreed."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000)
            await self._flush()
            await self.closed()
        await self.abort()

    async def abort(self) -> None:
        """Cut the connection."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return  # the other side was faster

    # Listening

    async def take(self, wanted: Callable[[Message], bool]) -> Message:
        """Return the first message that is wanted and was not taken before, waiting for it."""
        position = 0
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while True:
            for index in range(position, len(self._inbox)):
                if wanted(self._inbox[index]):
                    return self._inbox.pop(index)
            position = len(self._inbox)
            async with asyncio.timeout_at(deadline):
                if not await self._read():
                    raise Closed(f"closed with {self._protocol.close_code}; kept: {self._inbox}")

    async def event(self, event_type: str, room: str, **data: object) -> Message:
        """Wait for an event of a room whose ``data`` has these values."""
        return await self.take(
            lambda message: (
                message.get("type") == event_type
                and message.get("room") == room
                and all(message["data"].get(name) == value for name, value in data.items())
            )
        )

    async def error_notice(self) -> Refused:
        """Wait for an error that answers no command."""
        notice = await self.take(lambda message: message.get("type") == "error")
        return Refused(notice["data"]["error"])

    async def closed(self) -> int:
        """Wait until the server has closed the connection, and return its code."""
        async with asyncio.timeout(WAIT_SECONDS):
            while await self._read():
                pass
        code = self._protocol.close_code
        assert code is not None
        return code

    async def _shake_hands(self) -> None:
        await self._flush()
        async with asyncio.timeout(WAIT_SECONDS):
            while self._protocol.state is State.CONNECTING:
                if not await self._read():
                    break
        error = self._protocol.handshake_exc
        if isinstance(error, InvalidStatus):
            raise Rejected(error.response) from error
        if isinstance(error, InvalidMessage):
            raise Closed(f"closed in the handshake: {error.__cause__ or error}") from error
        if error is not None:
            raise error

    async def _read(self) -> bool:
        """Take in what has arrived; ``False`` when nothing more will come."""
        try:
            octets = await self._reader.read(64 * 1024)
        except ConnectionError:
            octets = b""
        self.received += octets
        if octets:
            self._protocol.receive_data(octets)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._inbox.append(orjson.loads(event.data))
        await self._flush()
        return bool(octets)

    async def _flush(self) -> None:
        for octets in self._protocol.data_to_send():
            if octets:
                self._writer.write(octets)
        try:
            await self._writer.drain()
        except ConnectionError:
            return  # what there is to know of it, reading tells


@asynccontextmanager
async def open_socket(url: str, token: str | None = None) -> AsyncIterator[SocketClient]:
    """Connect for the block, and say goodbye in the end."""
    client = await SocketClient.open(url, token=token)
    try:
        yield client
    finally:
        await client.close()
