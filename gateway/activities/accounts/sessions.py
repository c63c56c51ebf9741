"""Sign-in sessions: PostgreSQL is the truth, Redis remembers it for a minute."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog

from gateway.activities.accounts.tokens import TOKEN_BYTES, encode_token, hash_token
from gateway.backplane.sessions import CACHE_SECONDS, SessionCache
from gateway.core.errors import (
    BackplaneUnavailable,
    DatabaseUnavailable,
    GatewayError,
    InvalidToken,
)
from gateway.core.identity import Identity
from gateway.core.ids import SessionId
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import sessions as session_queries
from gateway.storage.generated.tables import UserRow

log = structlog.get_logger()


OnEnd = Callable[[Sequence[SessionId]], None]
"""Is told which sessions have ended, before the other instances are."""


class Device(NamedTuple):
    """What a session is opened from, by which its owner knows it in the list."""

    address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. ``token`` is the only copy there is, kept by its owner and out of logs."""

    token: str = field(repr=False)
    identity: Identity
    expires_at: datetime


class Sessions:
    """Opens sessions, finds whose a token is, and sees to it that an ended one is gone."""

    def __init__(
        self, database: Database, cache: SessionCache, lifetime: timedelta, on_end: OnEnd
    ) -> None:
        self._database = database
        self._cache = cache
        self._lifetime = lifetime
        self._on_end = on_end

    async def open(self, conn: Connection, user: UserRow, device: Device) -> SignedIn:
        """Sign somebody in, within the caller's transaction."""
        token = encode_token(secrets.token_bytes(TOKEN_BYTES))
        session_id = SessionId(hash_token(token))
        expires_at = datetime.now(UTC) + self._lifetime
        await session_queries.create_session(
            conn,
            sid=session_id,
            user_id=user.id,
            address=device.address,
            user_agent=device.user_agent,
            expires_at=expires_at,
        )
        identity = Identity(user.id, user.username, user.avatar_url, user.is_guest, session_id)
        return SignedIn(token, identity, expires_at)

    async def identify(self, tokens: Sequence[str]) -> list[Identity | GatewayError]:
        """Return whose each token is; ``InvalidToken`` for nobody's, or not any more.

        Works without Redis; without PostgreSQL for sessions seen within the last
        minute, and for others the answer is ``DatabaseUnavailable``.
        """
        if not tokens:
            return []
        session_ids = [SessionId(hash_token(token)) for token in tokens]
        found = await self._cache.find(session_ids)
        answers: dict[SessionId, Identity | GatewayError] = {
            session_id: identity
            for session_id, identity in found.items()
            if isinstance(identity, Identity)
        }
        if unknown := [session_id for session_id, known in found.items() if known is None]:
            try:
                answers |= await self._read(unknown)
            except DatabaseUnavailable as error:
                answers |= dict.fromkeys(unknown, error)
        return [answers.get(session_id) or _invalid_token() for session_id in session_ids]

    async def call_in(self, session_ids: Sequence[SessionId]) -> None:
        """Make it known everywhere, here first, that these sessions are no more in the table."""
        if not session_ids:
            return
        self._on_end(session_ids)
        try:
            await self._cache.end(session_ids)
        except BackplaneUnavailable:
            # Without Redis nobody reads its copies. One that is still there when
            # Redis is back may be believed until it runs out.
            # The instances find out by their sweeps.
            log.warning("sessions.not_called_in", believed_at_most_seconds=CACHE_SECONDS)

    async def read_anew(self, session_ids: Sequence[SessionId]) -> None:
        """Have these sessions read from the table again: their person has changed."""
        try:
            await self._cache.forget(session_ids)
        except BackplaneUnavailable:
            log.warning("sessions.not_read_anew", believed_at_most_seconds=CACHE_SECONDS)

    async def _read(self, session_ids: Sequence[SessionId]) -> dict[SessionId, Identity]:
        async with self._database.connection() as conn:
            rows = await session_queries.find_sessions(conn, sids=session_ids)
        identities = {
            row.sid: Identity(row.user_id, row.username, row.avatar_url, row.is_guest, row.sid)
            for row in rows
        }
        await self._cache.remember([(identities[row.sid], row.expires_at) for row in rows])
        return identities


def _invalid_token() -> InvalidToken:
    return InvalidToken("This session is unknown or has ended; sign in again.")
