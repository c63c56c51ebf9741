"""Commands and notices of the connection itself, before and beside any room."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gateway.core.protocol.base import Command, CommandData, NoticeData, Person, WireModel

SUBPROTOCOL = "parley.v1"
"""The WebSocket subprotocol (RFC 6455, section 1.9)."""


class AuthData(CommandData):
    """``token`` is the bearer token that the HTTP API gave at sign-in."""

    token: Annotated[str, Field(min_length=1, max_length=4096)]


class Auth(Command):
    """Sign in on an open connection, for clients that can send neither cookie nor header."""

    is_activity: ClassVar[bool] = False

    type: Literal["auth"]
    data: AuthData


class AuthOk(WireModel):
    """Who you are."""

    user: Person


class PingData(CommandData):
    """``sent_at`` is the client's own clock, echoed: milliseconds, any origin."""

    sent_at: float | None = None


class Ping(Command):
    """Measure the round trip and the server's clock; also keeps an idle connection alive."""

    is_activity: ClassVar[bool] = False

    type: Literal["ping"]
    data: PingData = PingData()


class PingOk(WireModel):
    """Both stamps, so that the client can estimate its clock's offset."""

    sent_at: float | None
    server_time_ms: float


class Limits(WireModel):
    """What this gateway takes from one connection."""

    max_message_bytes: int
    max_rooms: int
    commands_per_second: float


class Welcome(NoticeData):
    """The first message on every connection.

    ``user`` is null until the connection has signed in, which it must within
    ``auth_within_seconds``. ``server_time_ms`` is Unix time in milliseconds.
    """

    type: ClassVar[str] = "welcome"

    connection: str
    instance: str
    user: Person | None
    auth_within_seconds: float
    heartbeat_seconds: float
    server_time_ms: float
    limits: Limits


class ErrorBody(WireModel):
    """What went wrong, for people (``message``) and for programs (``code``, ``retryable``)."""

    code: str
    message: str
    retryable: bool


class ErrorNotice(NoticeData):
    """An error that answers no command: the message had no readable ``id``."""

    type: ClassVar[str] = "error"

    error: ErrorBody


class Draining(NoticeData):
    """This instance is shutting down: come back after ``reconnect_in_ms``, random per client."""

    type: ClassVar[str] = "draining"

    reconnect_in_ms: int


CONNECTION_COMMANDS: tuple[type[Command], ...] = (Auth, Ping)
NOTICES: tuple[type[NoticeData], ...] = (Welcome, ErrorNotice, Draining)
