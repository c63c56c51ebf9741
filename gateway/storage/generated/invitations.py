"""Typed functions for queries/invitations.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from typing import Final

from gateway.core.ids import RoomId
from gateway.storage.connection import Connection
from gateway.storage.sql import sql_of

_SQL: Final = sql_of("invitations")


async def find_invitation(
    conn: Connection,
    *,
    token_hash: str,
) -> RoomId | None:
    """The room an invitation leads to, be it still good or not: that is decided by lock_invitation,
    under the room's lock. Primary key.
    """
    answer: RoomId | None = await conn.fetchval(
        _SQL["find_invitation"],
        token_hash,
    )
    return answer
