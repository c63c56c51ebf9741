"""Commands about one's own sign-in sessions, and their replies."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from gateway.core.protocol.base import Command, CommandData, WireModel

PUBLIC_ID_LENGTH: Final = 16
"""Hexadecimal digits by which a session is named: 64 bits, among the few of one person."""

# It begins the SHA-256 of the token, from which nobody gets back to the token.
PublicSessionId = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{PUBLIC_ID_LENGTH}}}$")]


class NoSessionData(CommandData):
    """A command that needs no data."""


class SessionEndData(CommandData):
    """``id`` as ``session.list`` tells it."""

    id: PublicSessionId


class SessionList(Command):
    """Where are you signed in? The newest hundred sessions, this one first."""

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


SESSION_COMMANDS: tuple[type[Command], ...] = (SessionList, SessionEnd, SessionEndOthers)
