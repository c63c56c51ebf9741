"""What all connections of an instance share: settings, services and bookkeeping."""

import asyncio
import contextlib
import itertools
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from gateway.core.close_codes import CloseCode
from gateway.core.errors import GatewayError, InvalidToken, RateLimited
from gateway.core.identity import Identity
from gateway.core.ids import ConnectionId, InstanceId, RoomId, SessionId
from gateway.core.protocol.base import Command
from gateway.core.protocol.connection import Limits, Welcome
from gateway.core.protocol.decode import CommandDecoder
from gateway.core.protocol.encode import encode_notice
from gateway.runtime.admission import Admission, AdmissionSettings, Refusal
from gateway.runtime.connection import Connection
from gateway.runtime.handshake import ClientAddress, OriginCheck
from gateway.runtime.session_index import SessionIndex
from gateway.runtime.supervision import Supervisor

log = structlog.get_logger()

SWEEP_SECONDS = 1.0
"""How often connections are looked at for silence and for a sign-in that does not come."""

Identify = Callable[[str], Awaitable[Identity]]
"""Returns whose token it is, or raises ``InvalidToken``."""


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """What one connection may do, and how long it may be silent.

    A message above ``max_message_bytes`` is refused and the connection lives;
    one above ``max_frame_bytes`` cannot be skipped and ends it (1009).
    """

    max_message_bytes: int = 64 * 1024
    max_frame_bytes: int = 1024 * 1024
    max_rooms: int = 100
    commands_per_second: float = 50.0
    commands_burst: float = 200.0
    auth_seconds: float = 10.0
    heartbeat_seconds: float = 25.0
    away_after_seconds: float = 300.0
    compression: bool = False
    admission: AdmissionSettings = field(default_factory=AdmissionSettings)

    @property
    def limits(self) -> Limits:
        """The limits that ``welcome`` tells."""
        return Limits(
            max_message_bytes=self.max_message_bytes,
            max_rooms=self.max_rooms,
            commands_per_second=self.commands_per_second,
        )


class Dispatch(Protocol):
    """Carries out commands."""

    def dispatch(
        self, connection: Connection, command: Command
    ) -> Coroutine[Any, Any, None] | None:
        """Carry out a command; what has to wait comes back as a coroutine to be run."""

    def paused(self, connection: Connection) -> None:
        """Stop sending to a connection whose peer does not read."""

    def resumed(self, connection: Connection) -> None:
        """Go on sending to a connection whose peer reads again."""

    def put_out(self, connection: Connection, room_id: RoomId) -> None:
        """Close a room on the connection of somebody who is not a member any more."""

    def away_changed(self, connection: Connection) -> None:
        """Take in that a connection has become away, or busy again."""

    def signed_in(self, connection: Connection) -> None:
        """Take in that somebody is there."""

    def disconnected(self, connection: Connection, *, said_goodbye: bool) -> None:
        """Take a connection out of its rooms, once it is counted out."""


class Endpoint:
    """Makes connections, knows them all, and ends the silent ones."""

    def __init__(
        self,
        instance_id: InstanceId,
        settings: ConnectionSettings,
        decoder: CommandDecoder,
        supervisor: Supervisor,
        origin_allowed: OriginCheck,
        client_address: ClientAddress,
        identify: Identify,
    ) -> None:
        self.settings = settings
        self.decoder = decoder
        self.supervisor = supervisor
        self.origin_allowed = origin_allowed
        self.client_address = client_address
        self.admission = Admission(settings.admission)
        self.connections: set[Connection] = set()
        self.sessions = SessionIndex()
        self.dispatcher: Dispatch
        self.draining_since: float | None = None
        """When this instance began to take nobody any more."""
        self.opened = 0
        """Connections that came, those that were rejected included."""
        self.closes: Counter[CloseCode] = Counter()
        """Connections that were closed from here, by the reason."""
        self.errors: Counter[str] = Counter()
        """Errors that clients were told over their connections, by code."""
        self._empty = asyncio.Event()
        self._empty.set()
        self._instance_id = instance_id
        self._identify = identify
        self._unauthenticated: dict[Connection, float] = {}
        self._ended: set[Connection] = set()
        """Whose session has ended and who have not agreed to the close yet: they are gone."""

    @property
    def is_draining(self) -> bool:
        """Whether this instance takes nobody any more."""
        return self.draining_since is not None

    @property
    def draining_seconds(self) -> float:
        """For how long it has."""
        return self.now() - self.draining_since if self.draining_since is not None else 0.0

    def drain(self) -> None:
        """Take nobody any more."""
        if self.draining_since is None:
            self.draining_since = self.now()

    def connect(self, **_uvicorn: object) -> Connection:
        """Make the protocol of a new connection (uvicorn's ``ws`` class)."""
        return Connection(self, ConnectionId(secrets.token_urlsafe(9)))

    def refusal(self, address: str) -> Refusal | None:
        """Return why a connection from this address, counted in already, cannot stay."""
        if self.is_draining:
            return Refusal.DRAINING
        if len(self.connections) > self.settings.admission.max_connections:
            return Refusal.FULL
        return None if self.admission.has_room_for_address(address) else Refusal.ADDRESS

    def now(self) -> float:
        """Return a steady time in seconds."""
        return time.monotonic()

    def made(self, connection: Connection) -> None:
        """Count a connection in."""
        self.connections.add(connection)
        self.opened += 1
        self._empty.clear()

    def lost(self, connection: Connection, *, said_goodbye: bool) -> None:
        """Count a connection out."""
        self.connections.discard(connection)
        if not self.connections:
            self._empty.set()
        self._unauthenticated.pop(connection, None)
        if connection.address is not None:
            self.admission.leave(connection.address)
        if connection.identity is not None:
            self.admission.leave_user(connection.identity.user_id)
            self.sessions.discard(connection.identity.session_id, connection)
        has_ended = connection in self._ended
        self._ended.discard(connection)
        self.dispatcher.disconnected(connection, said_goodbye=said_goodbye or has_ended)

    async def welcome(self, connection: Connection, token: str | None) -> None:
        """Sign the connection in if its handshake carried a token, and greet it."""
        if token is not None:
            try:
                self.signed_in(connection, await self._identify(token))
            except InvalidToken:
                pass  # an old cookie: it may still send ``auth``
            except RateLimited:
                return  # it is closed
            except Exception as error:
                # Whoever it is, their commands must not be refused as a stranger's.
                connection.close(CloseCode.UNAVAILABLE, "Your sign-in could not be checked.")
                if isinstance(error, GatewayError):
                    return
                raise
        identity = connection.identity
        if identity is None and connection.is_open:
            self._unauthenticated[connection] = self.now()
        notice = Welcome(
            connection=connection.id,
            instance=self._instance_id,
            user=identity.person if identity else None,
            auth_within_seconds=self.settings.auth_seconds,
            heartbeat_seconds=self.settings.heartbeat_seconds,
            server_time_ms=time.time() * 1000,
            limits=self.settings.limits,
        )
        connection.send(encode_notice(notice))

    async def authenticate(self, connection: Connection, token: str) -> Identity:
        """Sign the connection in with a token, or raise ``InvalidToken`` or ``RateLimited``."""
        identity = await self._identify(token)
        self.signed_in(connection, identity)
        return identity

    def signed_in(self, connection: Connection, identity: Identity) -> None:
        """Note who is on a connection; close it and raise ``RateLimited`` where it is too much.

        ``InvalidToken`` when the session has ended while it was looked up.
        """
        if connection not in self.connections:
            return  # gone meanwhile
        if self.sessions.has_ended(identity.session_id):
            raise InvalidToken("This session has ended; sign in again.")
        if not self.admission.has_room_for_user(identity.user_id):
            self.admission.turn_away(Refusal.USER)
            connection.close(CloseCode.TOO_MANY_CONNECTIONS, "You have too many connections open.")
            raise RateLimited("You have too many connections open.")
        self.admission.enter_user(identity.user_id)
        self.sessions.add(identity.session_id, connection)
        connection.identity = identity
        connection.user_agent = None
        self._unauthenticated.pop(connection, None)
        self.dispatcher.signed_in(connection)

    def end_sessions(self, session_ids: Iterable[SessionId]) -> None:
        """Close the connections of sessions that have ended, and say nothing more to them."""
        for connection in self.sessions.end(session_ids, self.now()):
            connection.close(CloseCode.SESSION_ENDED, "Your session has ended.")
            self._ended.add(connection)
            # Not when the peer agrees to the close: until then it would hear its rooms.
            self.dispatcher.disconnected(connection, said_goodbye=True)

    async def run(self) -> None:
        """Ping the silent, close the dead and the anonymous, note the idle: until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._close_anonymous()
            self._check_heartbeats()
            self._note_idle()

    @property
    def return_window_seconds(self) -> float:
        """Within how long those who are here now would be elsewhere, if they were sent away."""
        return self.admission.return_window_seconds(len(self.connections))

    async def close_all(self, within_seconds: float) -> None:
        """Close every connection, and wait for the peers to agree."""
        crowd = list(self.connections)
        for connection in crowd:
            connection.shutdown(self.admission.return_seconds(len(crowd)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self._empty.wait()
        for connection in list(self.connections):
            connection.abort()

    def _close_anonymous(self) -> None:
        """Close who did not sign in. Entries are in order of the welcomes: the oldest is first."""
        latest = self.now() - self.settings.auth_seconds
        overdue = itertools.takewhile(
            lambda entry: entry[1] < latest, self._unauthenticated.items()
        )
        for connection, _ in list(overdue):
            del self._unauthenticated[connection]
            connection.close(CloseCode.SIGN_IN_TIMEOUT, "Nobody signed in.")

    def _check_heartbeats(self) -> None:
        silent_since = self.now() - self.settings.heartbeat_seconds
        dead_since = silent_since - self.settings.heartbeat_seconds
        for connection in list(self.connections):
            if connection.is_paused:
                # It cannot answer a ping that it has not read yet: its progress counts.
                if connection.is_stalled(self.now()):
                    connection.close(CloseCode.SLOW_READER, "You do not read what you are sent.")
            elif connection.heard_at < dead_since:
                connection.close(CloseCode.HEARTBEAT_LOST, "Nothing was heard from you.")
            elif connection.heard_at < silent_since and not connection.pinged:
                connection.ping()

    def _note_idle(self) -> None:
        """Have those be away who only prove that they live. No timer each: so many look at once."""
        idle_since = self.now() - self.settings.away_after_seconds
        for connection in self.connections:
            if connection.active_at < idle_since and not connection.is_away:
                connection.set_away(away=True)
