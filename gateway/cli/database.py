"""``gateway migrate …`` and ``gateway seed``."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DataDir

if TYPE_CHECKING:
    from gateway.storage.connection import Connection

SEED_PASSWORD = "correct horse battery"  # noqa: S105 - of the sample accounts, and printed


class SeedSize(StrEnum):
    """How much ``gateway seed`` plants."""

    SMALL = "small"
    LARGE = "large"


migrate = typer.Typer(help="Change the database's schema.", no_args_is_help=True)


@migrate.command()
def up(data_dir: DataDir = None) -> None:
    """Run every migration that has not run yet."""
    asyncio.run(_up(data_dir))


@migrate.command()
def down(
    steps: Annotated[int, typer.Option(min=1, help="How many migrations to take back.")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Take back the newest migrations."""
    asyncio.run(_down(steps, data_dir))


@migrate.command()
def status(data_dir: DataDir = None) -> None:
    """Show every migration, and when it was applied."""
    asyncio.run(_status(data_dir))


@migrate.command()
def create(name: Annotated[str, typer.Argument(help="What it does, e.g. add_reactions.")]) -> None:
    """Write an empty migration file."""
    from gateway.storage.migration_files import create_migration

    path = create_migration(name, datetime.now(UTC))
    print(f"created {path}")


def seed(
    size: Annotated[
        SeedSize,
        typer.Option(
            help="small: three rooms to look at. large: a million messages in 10,000 rooms of "
            "100,000 people, to measure with; takes some minutes and 2 GB."
        ),
    ] = SeedSize.SMALL,
    data_dir: DataDir = None,
) -> None:
    """Plant sample users, rooms, messages, a poker game and a clock; again changes nothing."""
    asyncio.run(_seed(data_dir) if size is SeedSize.SMALL else _seed_large(data_dir))


def restore_mark(data_dir: DataDir = None) -> None:
    """Tell every client that the log is another one: run this after restoring a backup.

    A restored log ends earlier than what clients have seen; with the same
    epoch they would take new events for old ones. Now they get a snapshot.
    """
    asyncio.run(_restore_mark(data_dir))


async def _restore_mark(data_dir: DataDir) -> None:
    from gateway.storage.generated import log as log_queries

    async with _connection(data_dir) as conn:
        rooms = await log_queries.start_epoch(conn)
    print(f"{rooms} rooms are in a new epoch; running gateways notice within seconds")


async def _up(data_dir: DataDir) -> None:
    from gateway.storage import migrations

    count = 0

    def report(name: str) -> None:
        nonlocal count
        count += 1
        print(f"applied  {name}")

    async with _connection(data_dir) as conn:
        await migrations.migrate_up(conn, report=report)
    if not count:
        print("nothing to do: the schema is current")


async def _down(steps: int, data_dir: DataDir) -> None:
    from gateway.storage import migrations

    async with _connection(data_dir) as conn:
        await migrations.migrate_down(
            conn, steps=steps, report=lambda name: print(f"reverted {name}")
        )


async def _status(data_dir: DataDir) -> None:
    from gateway.storage import migrations

    async with _connection(data_dir) as conn:
        rows = await migrations.migration_status(conn)
    for row in rows:
        applied = f"{row.applied_at:%Y-%m-%d %H:%M:%S} UTC" if row.applied_at else "pending"
        print(f"{row.name:<40}  {applied:<24}  {row.problem or ''}".rstrip())


async def _seed(data_dir: DataDir) -> None:
    from gateway.storage import migrations
    from gateway.storage.seed import seed as plant

    password_hash = await _seed_password_hash()
    async with _connection(data_dir) as conn:
        await migrations.migrate_up(conn)
        report = await plant(conn, password_hash)
    counts = dataclasses.asdict(report)
    print("added", ", ".join(f"{count} {what}" for what, count in counts.items()))
    print(f"sign in as ada@example.com with the password: {SEED_PASSWORD}")


async def _seed_large(data_dir: DataDir) -> None:
    from gateway.storage import migrations
    from gateway.storage.large_seed.cast import BUSIEST, somebody
    from gateway.storage.large_seed.sizes import LARGE
    from gateway.storage.large_seed.writing import settle, write_large_seed

    password_hash = await _seed_password_hash()
    async with _connection(data_dir) as conn:
        await migrations.migrate_up(conn)
        try:
            with _progress("planting messages", LARGE.messages) as report:
                is_new = await write_large_seed(conn, LARGE, password_hash, report)
        except asyncio.CancelledError:
            print("interrupted: nothing was added")
            raise
        if is_new:
            print("added; PostgreSQL tidies up …")
            await settle(conn)
    print(
        f"{LARGE.users:,} users, {LARGE.rooms:,} rooms, {LARGE.messages:,} messages",
        "were added" if is_new else "are there already: nothing was changed",
    )
    print(
        f"sign in as {somebody(BUSIEST).email}, who is in {LARGE.busiest_rooms} rooms, "
        f"with the password: {SEED_PASSWORD}"
    )


async def _seed_password_hash() -> str:
    from gateway.activities.accounts.passwords import Passwords

    passwords = Passwords()
    password_hash = await passwords.hash(SEED_PASSWORD)
    passwords.close()
    return password_hash


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar, and how long it will take, while the block calls with how many are done."""
    from rich import progress

    with progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


@asynccontextmanager
async def _connection(data_dir: DataDir) -> AsyncIterator["Connection"]:
    from gateway.config import load_settings
    from gateway.servers import servers_of
    from gateway.storage.database import direct_connection
    from gateway.telemetry import configure_logging

    settings = load_settings(data_dir=data_dir)
    configure_logging("warning", as_json=False)
    async with servers_of(settings) as servers, direct_connection(servers.database) as conn:
        yield conn
