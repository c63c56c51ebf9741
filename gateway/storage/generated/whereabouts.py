"""Typed functions for queries/whereabouts.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from gateway.core.ids import UserId
from gateway.storage.connection import Connection
from gateway.storage.sql import affected_rows, sql_of

_SQL: Final = sql_of("whereabouts")


async def lock_users(
    conn: Connection,
    *,
    user_ids: Sequence[UserId],
) -> list[UserId]:
    """Locks people whose connections change, in id order: two instances that write of the same people
    wait for each other and never deadlock, and whoever comes second sees what the first has
    written. Not "for update": inserts that refer to a person need not wait. Primary key.
    """
    answer = await conn.fetch(
        _SQL["lock_users"],
        user_ids,
    )
    return [record[0] for record in answer]


async def note_connections(
    conn: Connection,
    *,
    gone: Sequence[UUID],
    instance_id: str,
    here: Sequence[UUID],
) -> int:
    """Who has come to an instance and who has gone from it; safe to repeat. Primary key."""
    answer = await conn.execute(
        _SQL["note_connections"],
        gone,
        instance_id,
        here,
    )
    return affected_rows(answer)


async def tell_whereabouts(
    conn: Connection,
    *,
    user_ids: Sequence[UserId],
    went: Sequence[bool],
) -> int:
    """After note_connections: who has a connection to any instance is online, and who went was seen
    now. last_seen never goes back, whoever committed first. Not "exists", for which the planner
    may read the whole table. Primary keys.
    """
    answer = await conn.execute(
        _SQL["tell_whereabouts"],
        user_ids,
        went,
    )
    return affected_rows(answer)


async def instances_with_people(conn: Connection) -> list[str]:
    """The instances that have rows, living or dead: one look at the index for each, not for each row."""
    answer = await conn.fetch(_SQL["instances_with_people"])
    return [record[0] for record in answer]


async def count_people_of(
    conn: Connection,
    *,
    instance_id: str,
) -> int:
    """How many rows an instance has. Index (instance_id, user_id)."""
    answer: int = await conn.fetchval(
        _SQL["count_people_of"],
        instance_id,
    )
    return answer


async def people_of(
    conn: Connection,
    *,
    instance_id: str,
    most: int | None,
) -> list[UserId]:
    """The first of an instance's people, or all, in the order in which they are locked. Index
    (instance_id, user_id).
    """
    answer = await conn.fetch(
        _SQL["people_of"],
        instance_id,
        most,
    )
    return [record[0] for record in answer]
