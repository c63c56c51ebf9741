from uuid import UUID

import asyncpg
import pytest

from gateway.core.errors import DatabaseUnavailable
from gateway.storage.connection import Connection, driver_failures_mapped

PAYLOAD = '{"b":  1, "a": [1.0, "\\u00e9", "☕"], "a": null}'
"""Spaces, order, escapes and a key twice: all that a parser would not keep."""


async def test_json_is_kept_byte_for_byte(conn: Connection) -> None:
    """What goes into a json column comes out as the same text."""
    assert await conn.fetchval("select $1::json", PAYLOAD) == PAYLOAD


async def test_jsonb_is_a_python_value_on_both_sides(conn: Connection) -> None:
    """A jsonb column takes and gives values; orjson writes what it knows, such as a uuid."""
    value = {"deck": ["½", "☕"], "open": True, "none": None, "number": 1.5}
    assert await conn.fetchval("select $1::jsonb", value) == value
    nil = UUID(int=0)
    assert await conn.fetchval("select $1::jsonb", {"id": nil}) == {"id": str(nil)}


async def test_jsonb_goes_into_arrays(conn: Connection) -> None:
    """A batch gives one array of values for all rows."""
    values = [{"a": 1}, {"b": [2]}]
    assert await conn.fetchval("select $1::jsonb[]", values) == values


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError("connection was closed"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.InterfaceError("pool is closing"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_server_that_cannot_serve_is_unavailable(failure: Exception) -> None:
    """The caller learns that the same may succeed later, and the cause is kept."""
    with pytest.raises(DatabaseUnavailable) as mapped, driver_failures_mapped():
        raise failure
    assert mapped.value.__cause__ is failure
    assert mapped.value.retryable


async def test_a_refused_statement_passes_through(conn: Connection) -> None:
    """What the server says about a statement is its caller's to understand."""
    with pytest.raises(asyncpg.UndefinedTableError), driver_failures_mapped(conn):
        await conn.execute("select from nowhere")


async def test_a_wrong_call_passes_through(conn: Connection) -> None:
    """A mistake of ours is not called an outage, though asyncpg names both alike."""
    with pytest.raises(asyncpg.InterfaceError), driver_failures_mapped(conn):
        await conn.fetchval("select 1", "an argument too many")
