"""Typed functions for queries/accounts.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from datetime import datetime
from typing import Final, NamedTuple

from gateway.core.ids import SessionId, UserId
from gateway.storage.connection import Connection
from gateway.storage.sql import sql_of

_SQL: Final = sql_of("accounts")


class ListSessionsRow(NamedTuple):
    sid: SessionId
    created_at: datetime | None
    address: str | None
    user_agent: str | None
    expires_at: datetime


async def sessions_of(
    conn: Connection,
    *,
    user_id: UserId,
) -> list[SessionId]:
    """The person's sessions, so that copies of them can be renewed. Index on sess ->> 'user_id'."""
    answer = await conn.fetch(
        _SQL["sessions_of"],
        user_id,
    )
    return [record[0] for record in answer]


async def end_other_sessions(
    conn: Connection,
    *,
    user_id: UserId,
    kept_sid: SessionId,
) -> list[SessionId]:
    """All but the session that asks, or that has changed the password. Tells which have ended, so that
    copies of them can be called in. Index on sess ->> 'user_id'.
    """
    answer = await conn.fetch(
        _SQL["end_other_sessions"],
        user_id,
        kept_sid,
    )
    return [record[0] for record in answer]


async def list_sessions(
    conn: Connection,
    *,
    user_id: UserId,
    own_sid: str,
    most: int,
) -> list[ListSessionsRow]:
    """Where a person is signed in: the session that asks, then the newest. Index on sess ->> 'user_id'."""
    answer = await conn.fetch(
        _SQL["list_sessions"],
        user_id,
        own_sid,
        most,
    )
    return [ListSessionsRow(*record) for record in answer]


async def end_session(
    conn: Connection,
    *,
    user_id: UserId,
    public_id: str,
) -> SessionId | None:
    """One session of a person, by the id they see: the beginning of sid. Index on sess ->> 'user_id'."""
    answer: SessionId | None = await conn.fetchval(
        _SQL["end_session"],
        user_id,
        public_id,
    )
    return answer
