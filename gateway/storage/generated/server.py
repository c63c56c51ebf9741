"""Typed functions for queries/server.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from typing import Final, NamedTuple

from gateway.storage.connection import Connection
from gateway.storage.sql import sql_of, the_row

_SQL: Final = sql_of("server")


class ConnectionBudgetRow(NamedTuple):
    max_connections: int
    reserved: int


async def ping(conn: Connection) -> int:
    """Touches no table: only whether the server answers."""
    answer: int = await conn.fetchval(_SQL["ping"])
    return answer


async def connection_budget(conn: Connection) -> ConnectionBudgetRow:
    """reserved_connections came with PostgreSQL 16; missing, it is nobody's."""
    answer = await conn.fetchrow(_SQL["connection_budget"])
    return ConnectionBudgetRow(*the_row(answer))
