"""Typed functions for queries/accounts.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from typing import Final

from gateway.core.ids import SessionId, UserId
from gateway.storage.connection import Connection
from gateway.storage.sql import sql_of

_SQL: Final = sql_of("accounts")


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
    """After a changed password: only the session that changed it goes on. Tells which have ended, so
    that copies of them can be called in. Index on sess ->> 'user_id'.
    """
    answer = await conn.fetch(
        _SQL["end_other_sessions"],
        user_id,
        kept_sid,
    )
    return [record[0] for record in answer]
