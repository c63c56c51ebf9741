"""Commands about one's own account and sign-in sessions, and their replies."""

from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from gateway.activities.accounts import fields
from gateway.core.protocol.base import Command, CommandData, Person, WireModel

PUBLIC_ID_LENGTH: Final = 16
"""Hexadecimal digits by which a session is named: 64 bits, among the few of one person."""

# It begins the SHA-256 of the token, from which nobody gets back to the token.
PublicSessionId = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{PUBLIC_ID_LENGTH}}}$")]


_Email = Annotated[str, Field(max_length=fields.MAX_EMAIL)]
_Name = Annotated[str, Field(min_length=1, max_length=fields.MAX_NAME)]
_NewPassword = Annotated[str, Field(min_length=fields.MIN_PASSWORD, max_length=fields.MAX_PASSWORD)]


class NoSessionData(CommandData):
    """A command that needs no data."""


class RegisterData(CommandData):
    """A new account."""

    email: _Email
    username: _Name
    password: _NewPassword


class AuthRegister(Command):
    """Make an account and sign in with it, on this connection."""

    is_activity: ClassVar[bool] = False

    type: Literal["auth.register"]
    data: RegisterData


class SignInData(CommandData):
    """E-mail and password of an account."""

    email: _Email
    password: str


class AuthSignIn(Command):
    """Sign in with e-mail and password, on this connection."""

    is_activity: ClassVar[bool] = False

    type: Literal["auth.sign_in"]
    data: SignInData


class GuestData(CommandData):
    """Somebody who only needs a name."""

    name: _Name
    avatar_url: Annotated[str | None, Field(max_length=fields.MAX_AVATAR_URL)] = None


class AuthGuest(Command):
    """Come in with a name alone. If it is taken, you get one close to it."""

    is_activity: ClassVar[bool] = False

    type: Literal["auth.guest"]
    data: GuestData


class ChangePasswordData(CommandData):
    """The password so far, and the one from now on."""

    old_password: str
    new_password: _NewPassword


class AuthChangePassword(Command):
    """Change the password. Your other sessions end; this one stays."""

    is_activity: ClassVar[bool] = False

    type: Literal["auth.change_password"]
    data: ChangePasswordData


class AuthSignOut(Command):
    """End this session. Its connections, this one among them, are closed at once (4201)."""

    is_activity: ClassVar[bool] = False

    type: Literal["auth.sign_out"]
    data: NoSessionData = NoSessionData()


class SignedInOk(WireModel):
    """Who you are now. ``token`` is shown this once; with it ``auth`` signs you in again."""

    user: Person
    is_guest: bool
    token: str
    expires_at: datetime


class SessionEndData(CommandData):
    """``id`` as ``session.list`` tells it."""

    id: PublicSessionId


class SessionList(Command):
    """Where are you signed in? The newest hundred sessions, this one first."""

    is_activity: ClassVar[bool] = False

    type: Literal["session.list"]
    data: NoSessionData = NoSessionData()


class SessionEnd(Command):
    """End one of your sessions. Its connections are closed at once, on every instance (4201).

    For the session of this very connection that is the answer.
    """

    type: Literal["session.end"]
    data: SessionEndData


class SessionEndOthers(Command):
    """End all your sessions but this one. Their connections are closed at once (4201)."""

    type: Literal["session.end_others"]
    data: NoSessionData = NoSessionData()


class SessionInfo(WireModel):
    """A sign-in session, as its owner sees it. ``address`` and ``user_agent`` are of the sign-in.

    ``id`` names it and signs nobody in; ``current`` is the session that asks.
    """

    id: str
    created_at: datetime | None
    expires_at: datetime
    address: str | None
    user_agent: str | None
    current: bool


class SessionsListed(WireModel):
    """Your sessions: the one that asks, then the newest."""

    sessions: tuple[SessionInfo, ...]


class SessionsEnded(WireModel):
    """How many sessions have ended now."""

    ended: int


ACCOUNT_COMMANDS: tuple[type[Command], ...] = (
    AuthRegister,
    AuthSignIn,
    AuthGuest,
    AuthChangePassword,
    AuthSignOut,
    SessionList,
    SessionEnd,
    SessionEndOthers,
)
