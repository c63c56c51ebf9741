import asyncpg
import pytest

from gateway.storage.connection import Connection
from gateway.storage.migrations import pending_migrations
from gateway.storage.seed import seed
from tests.storage.cleaning import empty_tables

TABLES = (
    "select format('%I.%I', schemaname, tablename) from pg_tables "
    "where schemaname in ('public', 'poker') and tablename <> 'schema_migrations'"
)


async def test_nothing_that_a_test_writes_reaches_the_next(
    conn: Connection, database_url: str
) -> None:
    """Rows of every table go, numbers begin anew, and a transaction left open is ended."""
    await seed(conn, "no hash")
    left_open = await asyncpg.connect(database_url)
    await left_open.execute("begin; update users set username = username || '!'")
    await empty_tables(database_url)
    fresh = await asyncpg.connect(database_url)
    for (table,) in await fresh.fetch(TABLES):
        assert await fresh.fetchval(f"select count(*) from {table}") == 0  # noqa: S608
    assert not await fresh.fetch("select from pg_sequences where last_value is not null")
    assert await pending_migrations(fresh) == []
    await fresh.close()
    assert left_open.is_closed()
    assert conn.is_closed()


async def test_the_schema_that_others_use_cannot_be_changed(conn: Connection) -> None:
    """A test that forgets it harms no other."""
    with pytest.raises(asyncpg.RaiseError, match="other tests use this schema"):
        await conn.execute("alter table users add column nickname text")
