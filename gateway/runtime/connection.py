"""One WebSocket connection: bytes in, commands out; frames in, bytes out.

An ``asyncio.Protocol`` around websockets' sans-I/O ``ServerProtocol``, plugged
into uvicorn as its WebSocket class. No task, no queue of outgoing messages and
no timer of its own: an idle connection costs memory and nothing else.

Commands are carried out in the order in which they arrive. One that has to
wait (signing in, opening a room) holds back those behind it; durable ones are
handed to the ledger, which keeps their order, and are not waited for.
"""

import asyncio
import fcntl
import http
import math
import struct
import termios
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, cast

import structlog
from typing_extensions import override
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State

from gateway.core.close_codes import CloseCode
from gateway.core.errors import BadRequest, BinaryFrame, GatewayError, RateLimited, TooLarge
from gateway.core.frames import PING, text_frame
from gateway.core.identity import Identity
from gateway.core.ids import ConnectionId, RoomId, UserId
from gateway.core.limits import TokenBucket
from gateway.core.protocol.base import Command, Status, WireModel
from gateway.core.protocol.connection import Draining
from gateway.core.protocol.decode import peek_id
from gateway.core.protocol.encode import encode_committed, encode_error, encode_notice, encode_ok
from gateway.runtime import handshake
from gateway.runtime.handshake import RoomProtocol
from gateway.runtime.ledger import Answer
from gateway.runtime.room import Room

if TYPE_CHECKING:
    from gateway.runtime.endpoint import Endpoint

log = structlog.get_logger()

MAX_INBOX = 64
"""Messages held back behind one that waits. Past it the socket is not read: TCP slows the peer."""

MAX_DEFLATED_BYTES = 4 * 1024
"""Incoming compressed bytes that are looked at together: they may become a thousand times more."""

MAX_UNSENT_BYTES = 32 * 1024
"""Outgoing bytes buffered here for a peer that does not read, before it is parked."""

STALL_SECONDS = 30.0
"""A parked peer that takes not one byte for so long is closed; it may come back and resume."""

MISTAKES_BURST = 20
MISTAKES_PER_SECOND = 0.5
"""Messages that may be undecodable or too fast before the connection is closed."""

CLOSE_SECONDS = 5.0
"""How long a close waits for the peer before the connection is cut."""


class Connection(asyncio.Protocol):
    """A client, from its handshake to its last byte."""

    __slots__ = (
        "_bucket",
        "_busy",
        "_endpoint",
        "_fragments",
        "_inbox",
        "_patience",
        "_progress",
        "_protocol",
        "_reading_paused",
        "_transport",
        "active_at",
        "address",
        "heard_at",
        "id",
        "identity",
        "is_away",
        "is_catching_up",
        "is_paused",
        "opened_at",
        "pinged",
        "rooms",
        "takes_deflate",
        "user_agent",
        "write",
    )

    def __init__(self, endpoint: "Endpoint", connection_id: ConnectionId) -> None:
        self.id = connection_id
        self.address: str | None = None
        """Where the client is, once its handshake is accepted: behind a proxy, not the peer."""
        self.user_agent: str | None = None
        """What the client calls itself, until somebody signs in: ten thousand names are memory."""
        self.identity: Identity | None = None
        self.rooms: dict[RoomId, Room] = {}
        self.opened_at = self.heard_at = self.active_at = endpoint.now()
        """``active_at``: when somebody last showed to be there; infinite after ``online``."""
        self.is_away = False
        self.pinged = False
        self._endpoint = endpoint
        self._protocol = RoomProtocol(
            endpoint.settings.max_frame_bytes, compression=endpoint.settings.compression
        )
        self.takes_deflate = False
        self._transport: asyncio.Transport
        self.write: Callable[[bytes], None]
        """Send ready frames: the transport's own method, as a room calls it for each delivery."""
        self._fragments: list[Frame] | None = None
        self._inbox: list[bytes] = []  # not a deque: an empty one takes 0.7 KB
        self._bucket = TokenBucket(
            endpoint.settings.commands_per_second,
            endpoint.settings.commands_burst,
            self.opened_at,
        )
        self._patience = TokenBucket(MISTAKES_PER_SECOND, MISTAKES_BURST, self.opened_at)
        self._busy = False
        self._reading_paused = False
        self.is_paused = False
        self.is_catching_up = False
        self._progress: tuple[int, float] | None = None

    # asyncio.Protocol

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's by contract, not by class.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
        self.write = self._transport.write
        self._endpoint.made(self)

    @override
    def data_received(self, data: bytes) -> None:
        self.heard_at = self._endpoint.now()
        self.pinged = False
        if self.takes_deflate:
            for start in range(0, len(data), MAX_DEFLATED_BYTES):
                self._receive(data[start : start + MAX_DEFLATED_BYTES])
        else:
            self._receive(data)
        self._send_protocol_data()

    def _receive(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._receive_frame(event)
            elif isinstance(event, Request):
                self._open(event)

    @override
    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._send_protocol_data()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._inbox.clear()
        code = self._protocol.close_rcvd.code if self._protocol.close_rcvd else None
        self._endpoint.lost(self, said_goodbye=code == CloseCode.NORMAL)

    @override
    def pause_writing(self) -> None:
        # Who does not read the answers gets no more questions in, either.
        self.is_paused = True
        self._progress = None
        self._update_reading()
        self._endpoint.dispatcher.paused(self)

    @override
    def resume_writing(self) -> None:
        self.is_paused = False
        self.heard_at = self._endpoint.now()
        self._work_on()
        self._endpoint.dispatcher.resumed(self)

    # What the server side does with it

    @property
    def _peer(self) -> str:
        """The address of the other side, which may be a proxy."""
        name = self._transport.get_extra_info("peername")
        return str(name[0]) if isinstance(name, tuple) else "local"

    @property
    def is_open(self) -> bool:
        """Whether messages can still be sent."""
        return self._protocol.state is State.OPEN and not self._transport.is_closing()

    def is_stalled(self, now: float) -> bool:
        """Whether a paused peer has taken not one byte for ``STALL_SECONDS``.

        To be asked from time to time: it compares with the last answer.
        """
        socket_fd = self._transport.get_extra_info("socket").fileno()
        in_kernel = struct.unpack("i", fcntl.ioctl(socket_fd, termios.TIOCOUTQ, b"\0" * 4))[0]
        waiting = self._transport.get_write_buffer_size() + in_kernel
        if self._progress is None or waiting < self._progress[0]:
            self._progress = (waiting, now)
        return now - self._progress[1] > STALL_SECONDS

    def send(self, message: bytes) -> None:
        """Send one message to this client alone."""
        if self.is_open:
            self._transport.write(text_frame(message))

    def reply(self, command: Command, body: WireModel | None = None) -> None:
        """Tell that a command was carried out."""
        self.send(encode_ok(command.id, body))

    def refuse(self, command_id: int | None, error: GatewayError) -> None:
        """Tell that a command failed, and why."""
        self.send(self._refusal(command_id, error))

    def answer(self, answers: Sequence[Answer]) -> None:
        """Tell what became of durable commands, in one write."""
        replies = [
            self._refusal(command_id, result)
            if isinstance(result, GatewayError)
            else encode_committed(command_id, result)
            for command_id, result in answers
        ]
        if self.is_open:
            self._transport.write(b"".join(map(text_frame, replies)))

    def _refusal(self, command_id: int | None, error: GatewayError) -> bytes:
        self._endpoint.errors[error.code] += 1
        return encode_error(command_id, error)

    @property
    def user_id(self) -> UserId | None:
        """Who has signed in."""
        return self.identity.user_id if self.identity is not None else None

    def put_out(self, room_id: RoomId) -> None:
        """Close a room of which the person is not a member any more."""
        self._endpoint.dispatcher.put_out(self, room_id)

    def start_over(self, code: CloseCode) -> None:
        """Make the client come back and join its rooms anew."""
        self.close(code, "Come back and join your rooms anew.")

    def ping(self) -> None:
        """Ask whether the peer is there; any byte from it is an answer."""
        if self.is_open:
            self.pinged = True
            self._transport.write(PING)

    def set_away(self, *, away: bool) -> None:
        """Be away from now on, or busy again."""
        if away != self.is_away:
            self.is_away = away
            self._endpoint.dispatcher.away_changed(self)

    def say_status(self, status: Status) -> None:
        """Be as the client says: away until somebody acts, or online until it says otherwise."""
        self.active_at = math.inf if status == "online" else self._endpoint.now()
        self.set_away(away=status == "away")

    def close(self, code: CloseCode, reason: str) -> None:
        """Close with a code; the peer has ``CLOSE_SECONDS`` to agree."""
        if self._protocol.state is State.OPEN:
            self._endpoint.closes[code] += 1
            self._protocol.send_close(code, reason)
            self._send_protocol_data()

    def abort(self) -> None:
        """Cut the connection now."""
        self._transport.abort()

    def shutdown(self, reconnect_in_seconds: float) -> None:
        """Close because the server stops, and tell when to come back."""
        self.send(encode_notice(Draining(reconnect_in_ms=round(1000 * reconnect_in_seconds))))
        self.close(CloseCode.DRAINING, "This instance is shutting down.")

    # Handshake

    def _open(self, request: Request) -> None:
        """Accept or reject the opening handshake."""
        endpoint = self._endpoint
        address = endpoint.client_address(self._peer, request.headers.get_all("X-Forwarded-For"))
        try:
            response = self._respond(request, address)
        except Exception:  # uvicorn would forget that this connection was counted in
            log.exception("handshake.failed", path=request.path)
            text = "This handshake cannot be read.\n"
            response = self._protocol.reject(http.HTTPStatus.BAD_REQUEST, text)
        self._protocol.send_response(response)
        if self._protocol.state is State.OPEN:
            self._protocol.forget_handshake()
            self.address = address
            self.user_agent = handshake.user_agent_of(request)
            self.takes_deflate = bool(self._protocol.extensions)
            endpoint.admission.enter(address)
            self._run(self._endpoint.welcome(self, handshake.token_of(request)))

    def _respond(self, request: Request, address: str) -> Response:
        endpoint = self._endpoint
        if (refusal := endpoint.refusal(address)) is not None:
            retry_after_seconds = endpoint.admission.turn_away(refusal)
            return handshake.turn_away(self._protocol, refusal, retry_after_seconds)
        return handshake.answer(self._protocol, request, endpoint.origin_allowed)

    # Messages

    def _receive_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT and frame.fin:
            self._receive_text(bytes(frame.data))
        elif frame.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            self._receive_part(frame)

    def _receive_part(self, frame: Frame) -> None:
        """Put a message together that came in several frames, or refuse a binary one."""
        if frame.opcode is not Opcode.CONT:
            self._fragments = []
        assert self._fragments is not None  # noqa: S101 - the protocol checks the order of frames
        self._fragments.append(frame)
        if not frame.fin:
            return
        parts, self._fragments = self._fragments, None
        if parts[0].opcode is Opcode.BINARY:
            self._mistake(None, BinaryFrame("Messages are JSON text; a binary frame is not read."))
        else:
            self._receive_text(b"".join(part.data for part in parts))

    def _receive_text(self, text: bytes) -> None:
        """Carry out a message now, or when those before it are done and their answers taken."""
        if self._busy or self.is_paused:
            self._inbox.append(text)
            self._update_reading()
        else:
            self._handle(text)

    def _handle(self, text: bytes) -> None:
        if not self.is_open:
            return
        if not _is_utf8(text):
            self.close(CloseCode.NOT_UTF8, "A text frame was not UTF-8.")
            return
        limit = self._endpoint.settings.max_message_bytes
        now = self._endpoint.now()
        if not self._bucket.take(now):
            self._mistake(peek_id(text), RateLimited("Too many commands: slow down."))
            return
        try:
            if len(text) > limit:
                raise TooLarge(f"A message has at most {limit} bytes, this one {len(text)}.")
            command = self._endpoint.decoder.decode(text)
        except BadRequest as error:
            self._mistake(peek_id(text), error)
            return
        if command.shows_activity:
            self.active_at = max(self.active_at, now)
            if self.is_away:
                self.set_away(away=False)
        if (work := self._endpoint.dispatcher.dispatch(self, command)) is not None:
            self._run(work)

    def _mistake(self, command_id: int | None, error: GatewayError) -> None:
        """Refuse what cannot be understood or comes too fast; too many of these end it."""
        self.refuse(command_id, error)
        if not self._patience.take(self._endpoint.now()):
            self.close(CloseCode.TOO_MANY_ERRORS, "Too many messages were wrong or too fast.")
            self._protocol.extensions.clear()  # nothing more from there is inflated

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Let what has to wait wait, and hold back the messages behind it."""
        self._busy = True
        job = self._endpoint.supervisor.job("command", work)
        if self.rooms:
            job.add_done_callback(self._work_done)
        else:  # it is on its way in
            self._endpoint.admission.entering += 1
            job.add_done_callback(self._entered)

    def _entered(self, task: asyncio.Task[None]) -> None:
        self._endpoint.admission.entering -= 1
        self._work_done(task)

    def _work_done(self, _task: asyncio.Task[None]) -> None:
        self._busy = False
        self._work_on()

    def _work_on(self) -> None:
        """Carry out what was held back, as long as nothing holds it back again."""
        while self._inbox and not self._busy and not self.is_paused:
            self._handle(self._inbox.pop(0))
        self._update_reading()

    def _update_reading(self) -> None:
        """Read only what can be carried out and answered: TCP slows the peer down meanwhile."""
        should_pause = self.is_paused or len(self._inbox) >= MAX_INBOX
        if should_pause == self._reading_paused or self._transport.is_closing():
            return
        self._reading_paused = should_pause
        if should_pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # Protocol data: handshake, pongs and close frames

    def _send_protocol_data(self) -> None:
        if self._transport.is_closing():
            return
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                # The protocol is done; what is buffered is still sent.
                self._transport.close()
                return
        if self._protocol.close_expected():
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.abort)


def _is_utf8(text: bytes) -> bool:
    """Whether a text frame holds text; one that does not ends the connection (RFC 6455, 8.1)."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
