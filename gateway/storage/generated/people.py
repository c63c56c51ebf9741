"""Typed functions for queries/people.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from gateway.core.ids import UserId
from gateway.storage.connection import Connection
from gateway.storage.sql import sql_of

_SQL: Final = sql_of("people")


class FindPeopleRow(NamedTuple):
    id: UserId
    username: str
    avatar_url: str | None
    is_online: bool
    last_seen: datetime


async def find_people(
    conn: Connection,
    *,
    user_ids: Sequence[UserId],
) -> list[FindPeopleRow]:
    """Those of them that there are, whether they are connected and when they were last. Primary key."""
    answer = await conn.fetch(
        _SQL["find_people"],
        user_ids,
    )
    return [FindPeopleRow(*record) for record in answer]
