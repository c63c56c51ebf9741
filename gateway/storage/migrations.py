"""Bring the schema up to date, or back.

``schema_migrations(name, applied_at, checksum)`` says which files have run.
What holds whoever calls, and however many at once:

* One at a time. A session lock of PostgreSQL is held throughout, so of several
  instances that start together one migrates and the others find it done. A
  session lock, because a file may opt out of its transaction. It needs a
  direct connection: PgBouncer in transaction mode would lose it.
* Whole or not at all. A file and its row are one transaction.
* What has run stays as it is. A file that changed or vanished since is refused
  by name, and so is a new one that sorts before one that has run: on another
  database the two would run in the other order.
* A schema that is *ahead* of the files is fine: the release before this one
  runs on it during a rolling deploy.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import asyncpg

from gateway.core.errors import MigrationError
from gateway.storage.connection import Connection
from gateway.storage.migration_files import Migration, Script, read_migrations
from gateway.storage.resources import MIGRATIONS

_LOCK_ID: Final = int.from_bytes(b"parley")
"""Number of the advisory lock: any that nothing else in the database takes."""

# These few statements stand here and not in queries/: the stubs of those are
# generated from the schema, which is what comes into being here.
_CREATE_TABLE: Final = """
    create table if not exists schema_migrations (
        name varchar(255) primary key,
        applied_at timestamptz not null default now(),
        checksum varchar(64) not null
    )
"""
_TABLE_EXISTS: Final = "select to_regclass('schema_migrations') is not null"
_APPLIED: Final = "select name, applied_at, checksum from schema_migrations order by name"
_RECORD: Final = "insert into schema_migrations (name, checksum) values ($1, $2)"
_FORGET: Final = "delete from schema_migrations where name = $1"


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """One line of ``status``: ``applied_at`` is ``None`` while the migration is pending."""

    name: str
    applied_at: datetime | None
    problem: Literal["file changed", "file missing"] | None = None


@dataclass(frozen=True, slots=True)
class _Applied:
    """A row of ``schema_migrations``."""

    name: str
    applied_at: datetime
    checksum: str


def _say_nothing(_name: str) -> None:
    """Report to nobody."""


async def migrate_up(
    conn: Connection,
    *,
    to: str | None = None,
    folder: Path = MIGRATIONS,
    report: Callable[[str], None] = _say_nothing,
) -> None:
    """Run what is pending, up to and including the migration ``to``; ``report`` each by name.

    Raises ``MigrationError`` with the file and the reason; the files reported
    before it stay applied.
    """
    migrations = read_migrations(folder)
    wanted = migrations if to is None else _up_to(migrations, to)
    async with _exclusively(conn):
        await conn.execute(_CREATE_TABLE)
        applied = await _applied(conn)
        _refuse_changes(applied, migrations)
        for migration in _pending(applied, wanted):
            await _run(conn, migration, migration.up, _RECORD, migration.name, migration.checksum)
            report(migration.name)


async def migrate_down(
    conn: Connection,
    *,
    steps: int = 1,
    folder: Path = MIGRATIONS,
    report: Callable[[str], None] = _say_nothing,
) -> None:
    """Take back the newest ``steps`` migrations, newest first; ``report`` each by name.

    Raises ``MigrationError`` as ``migrate_up`` does, also when a file to take
    back is not here.
    """
    migrations = {migration.name: migration for migration in read_migrations(folder)}
    async with _exclusively(conn):
        applied = await _applied(conn)
        _refuse_changes(applied, list(migrations.values()))
        for row in applied[::-1][:steps]:
            if row.name not in migrations:
                raise MigrationError(
                    f"{row.name}.sql cannot be taken back: the file is not here. "
                    "Use the release that brought it."
                )
            migration = migrations[row.name]
            await _run(conn, migration, migration.down, _FORGET, migration.name)
            report(migration.name)


async def migration_status(conn: Connection, *, folder: Path = MIGRATIONS) -> list[MigrationStatus]:
    """Return every migration that is on disk or has run, in order."""
    rows = {row.name: row for row in await _applied(conn)}
    files = {migration.name: migration for migration in read_migrations(folder)}
    return [_status(name, rows.get(name), files.get(name)) for name in sorted({*rows, *files})]


async def pending_migrations(conn: Connection, *, folder: Path = MIGRATIONS) -> list[str]:
    """Return the names of the migrations on disk that have not run: none, when ready to serve."""
    files = await asyncio.to_thread(read_migrations, folder)
    applied = {row.name for row in await _applied(conn)}
    return [migration.name for migration in files if migration.name not in applied]


def _status(name: str, row: _Applied | None, file: Migration | None) -> MigrationStatus:
    if row is None:
        return MigrationStatus(name, None)
    if file is None:
        return MigrationStatus(name, row.applied_at, "file missing")
    if file.checksum != row.checksum:
        return MigrationStatus(name, row.applied_at, "file changed")
    return MigrationStatus(name, row.applied_at)


def _up_to(migrations: Sequence[Migration], name: str) -> Sequence[Migration]:
    for count, migration in enumerate(migrations, start=1):
        if migration.name == name:
            return migrations[:count]
    raise MigrationError(f"There is no migration {name}; `gateway migrate status` lists them.")


def _refuse_changes(applied: Sequence[_Applied], migrations: Sequence[Migration]) -> None:
    """Raise ``MigrationError`` unless the files that have run are here, and unchanged."""
    checksums = {migration.name: migration.checksum for migration in migrations}
    newest_here = migrations[-1].name if migrations else ""
    for row in applied:
        if row.name in checksums and checksums[row.name] != row.checksum:
            raise MigrationError(
                f"{row.name}.sql has changed since it ran on {row.applied_at:%Y-%m-%d %H:%M} UTC. "
                "Restore the file, and put the change into a new migration."
            )
        if row.name not in checksums and row.name < newest_here:
            raise MigrationError(
                f"{row.name}.sql has run on {row.applied_at:%Y-%m-%d %H:%M} UTC and is missing. "
                "Restore the file."
            )


def _pending(applied: Sequence[_Applied], migrations: Sequence[Migration]) -> list[Migration]:
    names = {row.name for row in applied}
    pending = [migration for migration in migrations if migration.name not in names]
    if pending and applied and pending[0].name < applied[-1].name:
        raise MigrationError(
            f"{pending[0].name}.sql sorts before {applied[-1].name}.sql, which has run. "
            "Give it a newer time."
        )
    return pending


async def _applied(conn: Connection) -> list[_Applied]:
    if not await conn.fetchval(_TABLE_EXISTS):
        return []
    try:
        return [_Applied(*row) for row in await conn.fetch(_APPLIED)]
    except asyncpg.UndefinedColumnError as error:
        raise MigrationError(
            "The table schema_migrations belongs to another tool, such as dbmate. "
            "Go on with that tool, or remove the table."
        ) from error


async def _run(
    conn: Connection, migration: Migration, script: Script, bookkeeping: str, *arguments: str
) -> None:
    """Run one direction of one file, and write down that it ran."""
    try:
        if script.in_transaction:
            async with conn.transaction():
                await conn.execute(script.sql)
                await conn.execute(bookkeeping, *arguments)
        else:
            await conn.execute(script.sql)
            await conn.execute(bookkeeping, *arguments)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{migration.name}.sql{_line(script, error)}: {error}.") from error


def _line(script: Script, error: asyncpg.PostgresError) -> str:
    """Return where in the file PostgreSQL stopped, when it says so."""
    # Counted in characters from 1; asyncpg-stubs does not know the attribute.
    position: str | None = getattr(error, "position", None)
    if position is None:
        return ""
    return f", line {script.first_line + script.sql.count(chr(10), 0, int(position) - 1)}"


@asynccontextmanager
async def _exclusively(conn: Connection) -> AsyncIterator[None]:
    """Hold the migrations' lock, waiting for whoever has it."""
    await conn.execute("select pg_advisory_lock($1)", _LOCK_ID)
    try:
        yield
    finally:
        # A connection that was lost has lost its locks too.
        if not conn.is_closed():
            await conn.execute("select pg_advisory_unlock($1)", _LOCK_ID)
