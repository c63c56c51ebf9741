import asyncio
from pathlib import Path

import pytest

from gateway.core.errors import MigrationError
from gateway.storage.connection import Connection
from gateway.storage.database import DatabaseSettings, direct_connection
from gateway.storage.migration_files import read_migrations
from gateway.storage.migrations import (
    migrate_down,
    migrate_up,
    migration_status,
    pending_migrations,
)
from tests.storage.schema_description import describe

FIRST = "20261121090000_first"
SECOND = "20261121090100_second"
THIRD = "20261121090200_third"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations, each with a table of its own."""
    _write(tmp_path, FIRST, "create table first ();", "drop table first;")
    _write(tmp_path, SECOND, "create table second ();", "drop table second;")
    return tmp_path


def _write(folder: Path, name: str, up: str, down: str = "", *, header: str = "") -> None:
    (folder / f"{name}.sql").write_text(f"-- migrate:up{header}\n{up}\n-- migrate:down\n{down}\n")


async def _tables(conn: Connection) -> list[str]:
    rows = await conn.fetch(
        "select tablename from pg_tables where schemaname = 'public' "
        "and tablename <> 'schema_migrations' order by 1"
    )
    return [row[0] for row in rows]


async def test_from_empty_to_full_and_back_and_full_again(empty: Connection) -> None:
    """Every down undoes its up: an emptied database is empty and can be filled again."""
    names = [migration.name for migration in read_migrations()]
    done: list[str] = []
    await migrate_up(empty, report=done.append)
    full = await describe(empty)
    await migrate_down(empty, steps=len(names), report=done.append)
    assert await describe(empty) == ""
    assert await empty.fetchval("select to_regnamespace('poker')") is None
    await migrate_up(empty, report=done.append)
    assert await describe(empty) == full
    assert done == [*names, *reversed(names), *names]


async def test_each_step_down_restores_the_step_before(empty: Connection) -> None:
    """Going down one file gives exactly the schema there was before that file."""
    before: list[str] = []
    names = [migration.name for migration in read_migrations()]
    for name in names:
        before.append(await describe(empty))
        await migrate_up(empty, to=name)
    for schema in reversed(before):
        await migrate_down(empty)
        assert await describe(empty) == schema


async def test_nothing_is_done_twice(empty: Connection, folder: Path) -> None:
    """A second run finds everything done and reports nothing."""
    await migrate_up(empty, folder=folder)
    done: list[str] = []
    await migrate_up(empty, folder=folder, report=done.append)
    assert done == []


async def test_up_to_a_migration_stops_there(empty: Connection, folder: Path) -> None:
    """``to`` names the last one to run."""
    await migrate_up(empty, to=FIRST, folder=folder)
    assert await _tables(empty) == ["first"]
    assert await pending_migrations(empty, folder=folder) == [SECOND]


async def test_up_to_an_unknown_migration_is_refused(empty: Connection, folder: Path) -> None:
    """A slip in ``to`` changes nothing."""
    with pytest.raises(MigrationError, match="There is no migration nowhere"):
        await migrate_up(empty, to="nowhere", folder=folder)
    assert await _tables(empty) == []


async def test_two_at_once_migrate_once(empty_url: str, folder: Path) -> None:
    """Of two instances starting on an empty database one migrates and the other finds it done."""
    _write(folder, THIRD, "select pg_sleep(0.05); create table third ();")
    done: list[str] = []

    async def start() -> None:
        async with direct_connection(DatabaseSettings(empty_url)) as conn:
            await migrate_up(conn, folder=folder, report=done.append)

    await asyncio.gather(start(), start(), start())
    assert done == [FIRST, SECOND, THIRD]


async def test_a_changed_file_is_refused_by_name(empty: Connection, folder: Path) -> None:
    """What has run is history: neither up nor down goes on beside a changed file."""
    await migrate_up(empty, folder=folder)
    _write(folder, FIRST, "create table other ();")
    _write(folder, THIRD, "create table third ();")
    for go in (migrate_up, migrate_down):
        with pytest.raises(MigrationError, match=rf"{FIRST}\.sql has changed"):
            await go(empty, folder=folder)
    assert await _tables(empty) == ["first", "second"]


async def test_a_missing_file_is_refused_by_name(empty: Connection, folder: Path) -> None:
    """A file that has run and is gone, while a later one is here, has been lost."""
    await migrate_up(empty, folder=folder)
    (folder / f"{FIRST}.sql").unlink()
    with pytest.raises(MigrationError, match=rf"{FIRST}\.sql .* is missing"):
        await migrate_up(empty, folder=folder)


async def test_the_release_before_starts_on_a_newer_schema(empty: Connection, folder: Path) -> None:
    """Files newer than all of ours belong to the next release; going back needs that one."""
    await migrate_up(empty, folder=folder)
    (folder / f"{SECOND}.sql").unlink()
    await migrate_up(empty, folder=folder)
    assert await pending_migrations(empty, folder=folder) == []
    with pytest.raises(MigrationError, match=rf"{SECOND}\.sql cannot be taken back"):
        await migrate_down(empty, folder=folder)


async def test_a_latecomer_is_refused(empty: Connection, folder: Path) -> None:
    """A new file that sorts before one that has run would have another order elsewhere."""
    (folder / f"{FIRST}.sql").rename(folder / "later")
    await migrate_up(empty, folder=folder)
    (folder / "later").rename(folder / f"{FIRST}.sql")
    with pytest.raises(MigrationError, match=rf"{FIRST}\.sql sorts before {SECOND}\.sql"):
        await migrate_up(empty, folder=folder)


async def test_broken_sql_leaves_nothing_half_done(empty: Connection, folder: Path) -> None:
    """The error names file and line; its file is undone, the files before it stay."""
    _write(folder, THIRD, "create table third ();\n\ninsert into nowhere values (1);")
    with pytest.raises(MigrationError, match=rf'{THIRD}\.sql, line 4: .*"nowhere" does not exist'):
        await migrate_up(empty, folder=folder)
    assert await _tables(empty) == ["first", "second"]
    assert await pending_migrations(empty, folder=folder) == [THIRD]


async def test_the_lock_is_free_after_a_failure(
    empty: Connection, empty_url: str, folder: Path
) -> None:
    """Whoever fails lets the next one try."""
    _write(folder, THIRD, "nonsense")
    with pytest.raises(MigrationError):
        await migrate_up(empty, folder=folder)
    _write(folder, THIRD, "create table third ();")
    async with direct_connection(DatabaseSettings(empty_url)) as other:
        await migrate_up(other, folder=folder)
        assert await _tables(other) == ["first", "second", "third"]


async def test_a_file_may_opt_out_of_its_transaction(empty: Connection, folder: Path) -> None:
    """What PostgreSQL refuses inside a transaction can be migrated too."""
    up = "create index concurrently third on first ((1));"
    _write(folder, THIRD, up, header=" transaction:false")
    await migrate_up(empty, folder=folder)
    assert await empty.fetchval("select to_regclass('third') is not null")


async def test_status_tells_what_ran_when_and_what_is_wrong(
    empty: Connection, folder: Path
) -> None:
    """Applied, changed, missing and pending ones are told apart, in order."""
    await migrate_up(empty, folder=folder)
    _write(folder, FIRST, "select 1;")
    (folder / f"{SECOND}.sql").unlink()
    _write(folder, THIRD, "create table third ();")
    lines = await migration_status(empty, folder=folder)
    assert [(line.name, line.problem) for line in lines] == [
        (FIRST, "file changed"),
        (SECOND, "file missing"),
        (THIRD, None),
    ]
    assert [line.applied_at is not None for line in lines] == [True, True, False]


async def test_status_of_a_current_schema_has_no_problem(empty: Connection, folder: Path) -> None:
    """Everything has run, at a known time, and nothing has changed."""
    await migrate_up(empty, folder=folder)
    lines = await migration_status(empty, folder=folder)
    assert [(line.name, line.problem) for line in lines] == [(FIRST, None), (SECOND, None)]
    assert None not in [line.applied_at for line in lines]


async def test_an_error_without_a_place_names_the_file(empty: Connection, folder: Path) -> None:
    """Not every refusal of PostgreSQL has a position; the file is named all the same."""
    _write(folder, THIRD, "create table first ();")
    with pytest.raises(MigrationError, match=rf'{THIRD}\.sql: relation "first" already exists'):
        await migrate_up(empty, folder=folder)


async def test_an_empty_database_has_everything_pending(empty: Connection, folder: Path) -> None:
    """Asking changes nothing: not even the table of what ran is made."""
    assert await pending_migrations(empty, folder=folder) == [FIRST, SECOND]
    assert await empty.fetchval("select to_regclass('schema_migrations')") is None


async def test_another_tools_table_is_not_touched(empty: Connection, folder: Path) -> None:
    """On a database that dbmate keeps the runner stops and says so."""
    await empty.execute("create table schema_migrations (version varchar primary key)")
    with pytest.raises(MigrationError, match="another tool"):
        await migrate_up(empty, folder=folder)
    assert await _tables(empty) == []
