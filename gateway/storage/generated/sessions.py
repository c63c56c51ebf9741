"""Typed functions for queries/sessions.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from gateway.core.ids import SessionId, UserId
from gateway.storage.connection import Connection
from gateway.storage.sql import affected_rows, sql_of

_SQL: Final = sql_of("sessions")


class FindSessionsRow(NamedTuple):
    sid: SessionId
    user_id: UserId
    username: str
    avatar_url: str | None
    is_guest: bool
    expires_at: datetime


async def create_session(
    conn: Connection,
    *,
    sid: SessionId,
    user_id: UserId,
    address: str | None,
    user_agent: str | None,
    expires_at: datetime,
) -> int:
    """Somebody has signed in, until expires_at, from where and with what. Primary key."""
    answer = await conn.execute(
        _SQL["create_session"],
        sid,
        user_id,
        address,
        user_agent,
        expires_at,
    )
    return affected_rows(answer)


async def find_sessions(
    conn: Connection,
    *,
    sids: Sequence[SessionId],
) -> list[FindSessionsRow]:
    """Who is signed in by each of these sessions, unless it has expired: everything a new connection
    needs, for as many as come at once. Primary keys.
    """
    answer = await conn.fetch(
        _SQL["find_sessions"],
        sids,
    )
    return [FindSessionsRow(*record) for record in answer]


async def find_ended_sessions(
    conn: Connection,
    *,
    sids: Sequence[SessionId],
) -> list[SessionId]:
    """Which of these sessions are over: deleted or expired. Only they are told, so that asking for all
    sessions of an instance costs an answer of a few. Primary keys.
    """
    answer = await conn.fetch(
        _SQL["find_ended_sessions"],
        sids,
    )
    return [record[0] for record in answer]


async def delete_session(
    conn: Connection,
    *,
    sid: SessionId,
) -> int:
    """Signing out. Primary key."""
    answer = await conn.execute(
        _SQL["delete_session"],
        sid,
    )
    return affected_rows(answer)


async def delete_expired_sessions(conn: Connection) -> int:
    """What find_sessions no longer answers. Index on expire."""
    answer = await conn.execute(_SQL["delete_expired_sessions"])
    return affected_rows(answer)
