"""From a decoded command to whoever carries it out."""

import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NamedTuple

from gateway.activities import protocol
from gateway.activities.accounts.messages import SignedInOk
from gateway.activities.accounts.requests import SignIn
from gateway.activities.activity import Request, Submission
from gateway.activities.people.messages import PresenceSet
from gateway.activities.protocol import RoomClosed
from gateway.activities.rooms.inbox import InboxClose, InboxOpen
from gateway.activities.rooms.messages import RoomJoin, RoomLeave, TypingStart, TypingStop
from gateway.core.errors import (
    AlreadyAuthenticated,
    GatewayError,
    InternalError,
    NotAMember,
    Unauthenticated,
)
from gateway.core.identity import Identity
from gateway.core.ids import RoomId
from gateway.core.protocol.base import Command, DurableCommand, RoomCommand, WireModel
from gateway.core.protocol.connection import Auth, AuthOk, Ping, PingOk
from gateway.core.protocol.encode import encode_notice
from gateway.runtime.catch_up import CatchUp
from gateway.runtime.connection import Connection
from gateway.runtime.endpoint import Endpoint
from gateway.runtime.inboxes import Inboxes
from gateway.runtime.joining import Joining
from gateway.runtime.ledger import Ledger
from gateway.runtime.typing_notes import TypingNotes
from gateway.runtime.whereabouts import Whereabouts

Work = Coroutine[Any, Any, None]


class Requests(NamedTuple):
    """Who carries out the commands that change no room's log."""

    sign_ins: Mapping[type[Command], SignIn]
    of_people: Mapping[type[Command], Request]
    sign_out: Callable[[Identity], Awaitable[None]]
    """Ends a session that was opened for nothing."""


class Dispatcher:
    """Carries out commands: at once where nothing has to wait, else as work to be run."""

    def __init__(  # noqa: PLR0913, PLR0917 - whoever carries out commands
        self,
        endpoint: Endpoint,
        ledger: Ledger,
        joining: Joining,
        typing: TypingNotes,
        catch_up: CatchUp,
        whereabouts: Whereabouts,
        inboxes: Inboxes,
        requests: Requests,
    ) -> None:
        self._endpoint = endpoint
        self._ledger = ledger
        self._joining = joining
        self._typing = typing
        self._catch_up = catch_up
        self._whereabouts = whereabouts
        self._inboxes = inboxes
        self._requests = requests
        self._handlers: Mapping[type[Command], Callable[[Connection, Any], Work | None]] = {
            Auth: self._auth,
            Ping: self._ping,
            PresenceSet: self._set_status,
            RoomJoin: self._join,
            RoomLeave: self._leave,
            TypingStart: self._start_typing,
            TypingStop: self._stop_typing,
            InboxOpen: self._open_inbox,
            InboxClose: self._close_inbox,
            **dict.fromkeys(requests.sign_ins, self._sign_in),
            **dict.fromkeys(requests.of_people, self._request),
            **{
                command: self._record
                for command in protocol.COMMANDS
                if issubclass(command, DurableCommand)
            },
        }

    def dispatch(self, connection: Connection, command: Command) -> Work | None:
        """Carry out a command; what has to wait comes back as a coroutine to be run."""
        try:
            return self._handlers[type(command)](connection, command)
        except GatewayError as error:
            connection.refuse(command.id, error)
            return None

    def paused(self, connection: Connection) -> None:
        """Stop sending to a connection whose peer does not read."""
        self._catch_up.paused(connection)

    def resumed(self, connection: Connection) -> None:
        """Go on sending to a connection whose peer reads again."""
        self._catch_up.resumed(connection)
        self._inboxes.resumed(connection)

    def put_out(self, connection: Connection, room_id: RoomId) -> None:
        """Close a room on the connection of somebody who is not a member any more."""
        if room_id in connection.rooms:
            self._joining.leave(connection, room_id, for_good=True)
            connection.send(encode_notice(RoomClosed(room=room_id)))

    def away_changed(self, connection: Connection) -> None:
        """Take in that a connection has become away, or busy again."""
        self._joining.away_changed(connection)

    def signed_in(self, connection: Connection) -> None:
        """Take in that somebody is there."""
        self._whereabouts.came(_identity(connection).user_id)

    def disconnected(self, connection: Connection, *, said_goodbye: bool) -> None:
        """Take a connection out of its rooms, and close its inbox."""
        self._inboxes.close(connection)
        for room_id in list(connection.rooms):
            self._joining.leave(connection, room_id, for_good=said_goodbye)
        if connection.identity is not None:
            self._whereabouts.went(connection.identity.user_id, for_good=said_goodbye)

    def _auth(self, connection: Connection, command: Auth) -> Work:
        _require_nobody(connection)
        return _answer(connection, command, self._authenticate(connection, command))

    def _sign_in(self, connection: Connection, command: Command) -> Work:
        _require_nobody(connection)
        return _answer(connection, command, self._come_in(connection, command))

    async def _come_in(self, connection: Connection, command: Command) -> SignedInOk:
        address = connection.address or "local"
        sign_in = self._requests.sign_ins[type(command)]
        signed_in = await sign_in(command, address, connection.user_agent)
        try:
            self._endpoint.signed_in(connection, signed_in.identity)
        finally:
            if connection.identity is None:  # gone, or turned away: nobody is told the token
                await self._requests.sign_out(signed_in.identity)
        return SignedInOk(
            user=signed_in.identity.person,
            is_guest=signed_in.identity.is_guest,
            token=signed_in.token,
            expires_at=signed_in.expires_at,
        )

    async def _authenticate(self, connection: Connection, command: Auth) -> AuthOk:
        identity = await self._endpoint.authenticate(connection, command.data.token)
        return AuthOk(user=identity.person)

    def _ping(self, connection: Connection, command: Ping) -> None:
        ok = PingOk(sent_at=command.data.sent_at, server_time_ms=time.time() * 1000)
        connection.reply(command, ok)

    def _set_status(self, connection: Connection, command: PresenceSet) -> None:
        _identity(connection)
        connection.say_status(command.data.status)
        connection.reply(command)

    def _record(self, connection: Connection, command: DurableCommand) -> None:
        """Hand a durable command to the ledger; the reply follows the commit."""
        submission = Submission(
            room_id=command.room_id,
            actor=_identity(connection),
            command=command,
            key=command.key,
        )
        self._ledger.enqueue(submission, connection, command.id)

    def _request(self, connection: Connection, command: Command) -> Work:
        carry_out = self._requests.of_people[type(command)]
        return _answer(connection, command, carry_out(_identity(connection), command))

    def _join(self, connection: Connection, command: RoomJoin) -> Work:
        identity = _identity(connection)
        return _carry_out(connection, command, self._joining.join(connection, identity, command))

    def _leave(self, connection: Connection, command: RoomLeave) -> None:
        _require_joined(connection, command)
        self._joining.leave(connection, command.room_id, for_good=True)
        connection.reply(command)

    def _open_inbox(self, connection: Connection, command: InboxOpen) -> Work:
        identity = _identity(connection)
        return _carry_out(connection, command, self._inboxes.open(connection, identity, command))

    def _close_inbox(self, connection: Connection, command: InboxClose) -> None:
        _identity(connection)
        self._inboxes.close(connection)
        connection.reply(command)

    def _start_typing(self, connection: Connection, command: TypingStart) -> None:
        self._mark_typing(connection, command, typing=True)

    def _stop_typing(self, connection: Connection, command: TypingStop) -> None:
        self._mark_typing(connection, command, typing=False)

    def _mark_typing(
        self, connection: Connection, command: TypingStart | TypingStop, *, typing: bool
    ) -> None:
        _require_joined(connection, command)
        room = connection.rooms[command.room_id]
        self._typing.mark(room, _identity(connection).user_id, typing=typing)
        connection.reply(command)


async def _answer(
    connection: Connection, command: Command, work: Awaitable[WireModel | None]
) -> None:
    """Await ``work`` and reply with what it returns, or with why it failed."""

    async def reply() -> None:
        connection.reply(command, await work)

    await _carry_out(connection, command, reply())


async def _carry_out(connection: Connection, command: Command, work: Awaitable[None]) -> None:
    """Await ``work``, which replies by itself where it does not fail."""
    try:
        await work
    except GatewayError as error:
        connection.refuse(command.id, error)
    except Exception:
        connection.refuse(command.id, InternalError("The gateway could not carry this out."))
        raise


def _require_nobody(connection: Connection) -> None:
    if connection.identity is not None:
        raise AlreadyAuthenticated("This connection has signed in already.")


def _identity(connection: Connection) -> Identity:
    if connection.identity is None:
        raise Unauthenticated("Sign in first: send an auth command.")
    return connection.identity


def _require_joined(connection: Connection, command: RoomCommand) -> None:
    if command.room_id not in connection.rooms:
        raise NotAMember("This room is not open on this connection: join it first.")
