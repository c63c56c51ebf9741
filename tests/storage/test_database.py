import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from gateway.core.errors import ConfigurationError, DatabaseUnavailable
from gateway.embedded import EmbeddedServers
from gateway.storage import transactions
from gateway.storage.connecting import patiently
from gateway.storage.connection import Connection
from gateway.storage.database import (
    Database,
    DatabaseSettings,
    connection_budget,
    direct_connection,
)
from gateway.storage.transactions import savepoint

HASTY = {"connect_seconds": 1.0, "attempt_seconds": 0.6}
ADD = "insert into users (username, is_guest) values ($1, true)"
COUNT = "select count(*) from users"


async def _count(database: Database) -> int:
    async with database.connection() as conn:
        return await conn.fetchval(COUNT)


async def test_a_transaction_commits_at_its_end(database: Database) -> None:
    """What the block did is there for everybody afterwards."""
    async with database.transaction() as conn:
        await conn.execute(ADD, "ada")
    assert await _count(database) == 1


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_any_error_rolls_a_transaction_back(
    database: Database, error: type[BaseException]
) -> None:
    """An error leaves the block as it is and the database as it was."""
    with pytest.raises(error):
        await _add_and_raise(database, error)
    assert await _count(database) == 0


async def _add_and_raise(database: Database, error: type[BaseException]) -> None:
    async with database.transaction() as conn:
        await conn.execute(ADD, "ada")
        raise error


async def test_a_transaction_that_hides_an_error_is_not_taken_for_committed(
    database: Database,
) -> None:
    """The server answers its commit with a rollback, and the caller is told."""
    with pytest.raises(RuntimeError, match="rolled back"):
        await _hide_an_error(database)
    assert await _count(database) == 0


async def _hide_an_error(database: Database) -> None:
    async with database.transaction() as conn:
        await conn.execute(ADD, "ada")
        with suppress(asyncpg.UndefinedTableError):
            await conn.execute("select from nowhere")


async def test_a_snapshot_stays_as_it_was_at_its_first_statement(database: Database) -> None:
    """What is committed meanwhile is not in it; and it is for reading."""
    async with database.snapshot() as conn:
        assert await conn.fetchval(COUNT) == 0
        async with database.transaction() as other:
            await other.execute(ADD, "ada")
        assert await conn.fetchval(COUNT) == 0
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await conn.execute(ADD, "grace")
    assert await _count(database) == 1


async def test_a_transaction_that_cannot_be_rolled_back_says_what_went_wrong_first(
    database: Database,
) -> None:
    """A cancelled task ends as cancelled, also when the server is gone by then."""
    with pytest.raises(asyncio.CancelledError):
        await _be_cut_off_and_cancelled(database)
    assert await _count(database) == 0


async def _be_cut_off_and_cancelled(database: Database) -> None:
    async with database.transaction() as conn:
        await conn.execute(ADD, "ada")
        conn.terminate()
        raise asyncio.CancelledError


async def test_a_savepoint_undoes_its_block_alone(database: Database) -> None:
    """What failed leaves nothing, what came before and after stays; blocks may be nested."""
    async with database.transaction() as conn, savepoint(conn):
        await conn.execute(ADD, "ada")
        with pytest.raises(asyncpg.UniqueViolationError):
            await _add_twice(conn, "grace")
        await conn.execute(ADD, "katherine")
    async with database.connection() as conn:
        rows = await conn.fetch("select username from users order by username")
    assert [row[0] for row in rows] == ["ada", "katherine"]


async def _add_twice(conn: Connection, name: str) -> None:
    async with savepoint(conn):
        await conn.execute(ADD, name)
        await conn.execute(ADD, name)


async def test_a_refused_statement_leaves_the_pool_in_order(database: Database) -> None:
    """The error of a statement reaches its caller, and the next caller notices nothing."""
    for _ in range(30):
        with pytest.raises(asyncpg.UndefinedTableError):
            async with database.transaction() as conn:
                await conn.execute("select from nowhere")
    assert await _count(database) == 0
    assert database.statistics().size == DatabaseSettings("").pool_min


async def test_a_transaction_left_open_is_rolled_back(database_url: str) -> None:
    """Whoever forgets to end a transaction leaves nothing of it to the next caller."""
    database = await Database.open(DatabaseSettings(database_url, pool_min=1, pool_max=1))
    async with database.connection() as conn:
        await conn.execute("begin")
        await conn.execute(ADD, "ada")
    async with database.connection() as conn:
        assert not conn.is_in_transaction()
        assert await conn.fetchval(COUNT) == 0
    await database.close()


async def test_a_connection_comes_back_without_a_round_trip(database: Database) -> None:
    """Returning a connection sends nothing to the server."""
    async with database.connection() as conn:
        backend = conn.get_server_pid()
        await conn.execute("select 'the last statement'")
    async with database.connection() as first, database.connection() as second:
        watcher = second if first.get_server_pid() == backend else first
        last = await watcher.fetchval("select query from pg_stat_activity where pid = $1", backend)
    assert last == "select 'the last statement'"


async def test_statistics_count_open_idle_and_waiting(database_url: str) -> None:
    """The pool tells how much of it is used and how many wait."""
    settings = DatabaseSettings(database_url, pool_min=1, pool_max=1)
    database = await Database.open(settings)
    asked = asyncio.Event()

    async def ask() -> None:
        asked.set()
        async with database.connection():
            pass

    async with asyncio.TaskGroup() as group, database.connection():
        group.create_task(ask())
        await asked.wait()
        busy = database.statistics()
    idle = database.statistics()
    await database.close()
    assert (busy.size, busy.idle, busy.waiting) == (1, 0, 1)
    assert (idle.size, idle.idle, idle.waiting) == (1, 1, 0)


async def test_an_exhausted_pool_is_unavailable(database_url: str) -> None:
    """Whoever finds no free connection in time is told to try again, and nobody is harmed."""
    settings = DatabaseSettings(database_url, pool_min=1, pool_max=1, **HASTY)
    database = await Database.open(settings)
    async with database.connection() as conn:
        with pytest.raises(DatabaseUnavailable):
            async with database.connection():
                pass
        assert await conn.fetchval("select 1") == 1
    await database.check()
    await database.close()


async def test_a_closed_pool_is_unavailable(database_url: str) -> None:
    """After ``close`` there are no connections any more."""
    database = await Database.open(DatabaseSettings(database_url))
    await database.close()
    with pytest.raises(DatabaseUnavailable):
        await database.check()


async def test_closing_waits_for_connections_in_use(database_url: str) -> None:
    """A transaction under way when the pool closes still commits."""
    database = await Database.open(DatabaseSettings(database_url))
    async with asyncio.TaskGroup() as group, database.transaction() as conn:
        group.create_task(database.close())
        await conn.execute(ADD, "ada")
    async with direct_connection(DatabaseSettings(database_url)) as conn:
        assert await conn.fetchval(COUNT) == 1


async def test_closing_cuts_a_connection_that_never_comes_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time for closing is bounded."""
    monkeypatch.setattr("gateway.storage.database.CLOSE_SECONDS", 0.05)
    database = await Database.open(DatabaseSettings(database_url))
    with pytest.raises(DatabaseUnavailable):
        await _close_while_in_use(database)


async def _close_while_in_use(database: Database) -> None:
    async with database.connection() as conn:
        await database.close()
        await conn.execute("select 1")


async def test_a_lost_connection_is_unavailable_and_replaced(database: Database) -> None:
    """The one whose connection dies is told to try again; the next one gets a new connection."""
    async with database.connection() as other:
        with pytest.raises(DatabaseUnavailable):
            await _be_terminated(database, other)
    assert await _count(database) == 0


async def test_a_transaction_that_falls_silent_gives_up_its_locks(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others get on without it, and it is told when it speaks again."""
    begin = "begin; set local idle_in_transaction_session_timeout = '200ms'"
    monkeypatch.setattr(transactions, "BEGIN", begin)
    async with database.connection() as other:
        await other.execute(ADD, "ada")
        with pytest.raises(DatabaseUnavailable):
            await _be_outlived(database, other)
        assert await other.fetchval("select username from users") == "grace"


async def _be_outlived(database: Database, by: Connection) -> None:
    async with database.transaction() as conn:
        await conn.execute("update users set username = 'lost'")
        await by.execute("update users set username = 'grace'")
        await conn.execute("select 1")


async def _be_terminated(database: Database, by: Connection) -> None:
    async with database.transaction() as conn:
        await by.execute("select pg_terminate_backend($1)", conn.get_server_pid())
        await conn.execute("select 1")


async def test_the_pool_recovers_when_the_server_restarts(
    private_servers: EmbeddedServers,
) -> None:
    """While the server is away everything is unavailable; when it is back so is the pool."""
    database = await Database.open(DatabaseSettings(private_servers.database_url, **HASTY))
    await database.check()
    await private_servers.stop_postgres()
    with pytest.raises(DatabaseUnavailable):
        await database.check()
    await private_servers.start_postgres()
    await database.check()
    await database.close()


async def test_a_paused_server_holds_nobody_for_ever(private_servers: EmbeddedServers) -> None:
    """A server that takes bytes and says nothing is unavailable too, and again there afterwards."""
    database = await Database.open(DatabaseSettings(private_servers.database_url, **HASTY))
    await database.check()
    with _paused(private_servers.pids["postgres"]), pytest.raises(DatabaseUnavailable):
        async with asyncio.timeout(2):
            await database.check()
    await database.check()
    await database.close()


@contextmanager
def _paused(pid: int) -> Iterator[None]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    family = [pid, *map(int, children)]
    for process in family:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            os.kill(process, signal.SIGCONT)


async def test_opening_waits_for_a_server_that_is_starting(
    private_servers: EmbeddedServers,
) -> None:
    """A gateway that starts before its database waits for it."""
    await private_servers.stop_postgres()
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(
            Database.open(DatabaseSettings(private_servers.database_url, connect_seconds=20))
        )
        await private_servers.start_postgres()
    await opening.result().check()
    await opening.result().close()


async def test_a_server_that_is_not_there_is_named_without_the_password(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error says which database was meant; the password is in no message and no log line."""
    url = f"postgresql://ada:s3cret@127.0.0.1:{unused_tcp_port}/parley"
    settings = DatabaseSettings(url, **HASTY)
    with caplog.at_level(logging.DEBUG), pytest.raises(DatabaseUnavailable) as refused:
        await Database.open(settings)
    assert f"127.0.0.1:{unused_tcp_port}/parley" in str(refused.value)
    written = [str(refused.value), repr(refused.value.__cause__), repr(settings), caplog.text]
    assert not [text for text in [*written, *capsys.readouterr()] if "s3cret" in text]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ada:s3cret@localhost/parley",
        "postgresql://ada:s3/cret@localhost/parley",
        "postgresql://ada:s3cret@localhost:port/parley",
        "postgresql://ada:s3cret@[::1/parley",
        "postgresql://ada:12/s3cret@localhost/parley",
        "postgresql://ada:12?s3cret@localhost/parley",
        "postgresql://ada:12#s3cret@localhost/parley",
    ],
)
async def test_a_url_that_cannot_be_read_is_refused_at_once(url: str) -> None:
    """A wrong setting is no outage: it is not tried again, and no part of it is quoted."""
    with pytest.raises(ConfigurationError) as refused:
        await Database.open(DatabaseSettings(url))
    assert "s3" not in str(refused.value)
    assert "12" not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_a_database_that_does_not_exist_is_named(postgres_url: str) -> None:
    """The server's own reason is in the sentence."""
    url = urlsplit(postgres_url)._replace(path="/nowhere").geturl()
    settings = DatabaseSettings(url, connect_seconds=1.0, attempt_seconds=1.0)
    with pytest.raises(DatabaseUnavailable, match='database "nowhere" does not exist'):
        await Database.open(settings)


async def test_a_refusal_says_more_than_the_silence_after_it() -> None:
    """The last attempt may be cut short by the deadline of all."""
    attempts = 0

    async def connect() -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise asyncpg.InvalidCatalogNameError('database "nowhere" does not exist')
        await asyncio.Event().wait()

    url = "postgresql://ada@127.0.0.1/nowhere"
    with pytest.raises(DatabaseUnavailable, match='database "nowhere" does not exist'):
        await patiently(connect, url=url, connect_seconds=0.3, attempt_seconds=0.3)
    assert attempts > 1


async def test_the_budget_of_connections_is_the_servers(database: Database) -> None:
    """The server's limit, and what it keeps for its administrators."""
    async with database.connection() as conn:
        limit, reserved = await connection_budget(conn)
        assert limit == int(await conn.fetchval("show max_connections"))
    assert 0 < reserved < limit
