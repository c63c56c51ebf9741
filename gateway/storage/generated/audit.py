"""Typed functions for queries/audit.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from typing import Final

from gateway.storage.connection import Connection, Json
from gateway.storage.sql import affected_rows, sql_of

_SQL: Final = sql_of("audit")


async def record_action(
    conn: Connection,
    *,
    action: str,
    entity_type: str | None,
    entity_id: str | None,
    user_id: str | None,
    details: Json,
) -> int:
    """In the transaction that does what it tells of, so that neither is there without the other."""
    answer = await conn.execute(
        _SQL["record_action"],
        action,
        entity_type,
        entity_id,
        user_id,
        details,
    )
    return affected_rows(answer)
