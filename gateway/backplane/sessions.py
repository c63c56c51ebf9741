"""Sign-in sessions, cached. PostgreSQL is the truth: losing all of this costs queries."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final, Literal
from uuid import UUID

import orjson
from redis.asyncio import Redis

from gateway.backplane import keys
from gateway.backplane.client import backplane_errors
from gateway.backplane.courtesy import CourtesyCall
from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable
from gateway.core.identity import Identity
from gateway.core.ids import SessionId, UserId

CACHE_SECONDS: Final = 60
"""How long a copy is believed before PostgreSQL is asked again.

Also the longest that a session outlives its end where Redis could not be told
of it, or where it was ended by hand in the table.
"""

Ended = Literal["ended"]

_ENDED: Final = b"null"

_ENDED_MESSAGE: Final = b"sessions.ended"
# The first word of a message; a release that does not know one leaves it alone.


class SessionCache:
    """What Redis remembers of sessions: who it is, or that the session has ended.

    The end is written down, not merely removed: a request that read the
    session from PostgreSQL just before it was ended must not put it back.
    ``remember`` therefore never overwrites, and ``end`` always does.
    """

    def __init__(self, redis: Redis, settings: RedisSettings) -> None:
        self._redis = redis
        self._settings = settings
        self._call = CourtesyCall(settings)
        script = (files("gateway.backplane") / "forget_sessions.lua").read_text()
        self._forget = redis.register_script(script)

    async def find(
        self, session_ids: Sequence[SessionId]
    ) -> dict[SessionId, Identity | Ended | None]:
        """Return whose session each is; ``None`` when Redis does not know or is away."""
        pipe = self._redis.pipeline(transaction=False)
        for session_id in session_ids:
            pipe.get(keys.session(session_id))
        try:
            texts: list[str | None] = await self._call.ask(pipe.execute)
        except BackplaneUnavailable:
            return dict.fromkeys(session_ids)
        return {
            session_id: _decode(session_id, text) if text is not None else None
            for session_id, text in zip(session_ids, texts, strict=True)
        }

    async def remember(self, sessions: Iterable[tuple[Identity, datetime]]) -> None:
        """Keep sessions that PostgreSQL has just confirmed, unless their end is known already.

        Each with the time at which it expires.
        """
        pipe = self._redis.pipeline(transaction=False)
        for identity, expires_at in sessions:
            remaining = (expires_at - datetime.now(UTC)).total_seconds()
            lifetime_ms = int(min(remaining, CACHE_SECONDS) * 1000)
            if lifetime_ms > 0:
                text = _encode(identity, expires_at)
                pipe.set(keys.session(identity.session_id), text, nx=True, px=lifetime_ms)
        with suppress(BackplaneUnavailable):  # not remembered: the next one costs a query too
            await self._call.ask(pipe.execute)

    async def forget(self, session_ids: Sequence[SessionId]) -> None:
        """Drop what is remembered of sessions, but for their ends.

        ``BackplaneUnavailable`` when Redis cannot be told. A request that read one
        just before may put it back, for ``CACHE_SECONDS`` at most.
        """
        with backplane_errors(self._settings):
            async with asyncio.timeout(self._settings.command_seconds):
                await self._forget(keys=[*map(keys.session, session_ids)], args=[_ENDED])

    async def end(self, session_ids: Sequence[SessionId]) -> None:
        """Make the ends known to every instance; ``BackplaneUnavailable`` when Redis is away.

        Call it after PostgreSQL has forgotten the sessions. The copies are
        overwritten first: who hears of the end finds none any more.
        """
        with backplane_errors(self._settings):
            async with asyncio.timeout(self._settings.command_seconds):
                async with self._redis.pipeline(transaction=False) as pipe:
                    for session_id in session_ids:
                        pipe.set(keys.session(session_id), _ENDED, ex=CACHE_SECONDS)
                    if session_ids:
                        pipe.publish(keys.CONTROL.decode(), encode_ended(session_ids))
                    await pipe.execute()


def encode_ended(session_ids: Sequence[SessionId]) -> bytes:
    """Return the message on the control channel that these sessions have ended."""
    return b" ".join([_ENDED_MESSAGE, *(session_id.encode() for session_id in session_ids)])


def decode_ended(message: bytes) -> list[SessionId]:
    """Return which sessions have ended; none for a message that is about something else."""
    kind, *session_ids = message.decode(errors="replace").split(" ")
    if kind.encode() != _ENDED_MESSAGE:
        return []
    return [SessionId(session_id) for session_id in session_ids]


def _encode(identity: Identity, expires_at: datetime) -> bytes:
    return orjson.dumps(
        {
            "userId": str(identity.user_id),
            "data": {
                "name": identity.name,
                "avatarUrl": identity.avatar_url,
                "isGuest": identity.is_guest,
            },
            "expires": expires_at,
        }
    )


def _decode(session_id: SessionId, text: bytes | str) -> Identity | Ended | None:
    """Read an entry; one that cannot be read, of another release perhaps, is none."""
    try:
        session = orjson.loads(text)
        if session is None:
            return "ended"
        data = session["data"]
        return Identity(
            user_id=UserId(UUID(session["userId"])),
            name=data["name"],
            avatar_url=data["avatarUrl"],
            is_guest=data["isGuest"],
            session_id=session_id,
        )
    except (ValueError, KeyError, TypeError):
        return None
