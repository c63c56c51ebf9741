"""Migrations on disk: one file each, in dbmate's format.

::

    -- migrate:up
    create table …;

    -- migrate:down
    drop table …;

A file runs in one transaction. ``-- migrate:up transaction:false`` opts out,
for what PostgreSQL refuses inside one (``create index concurrently``); such a
block holds a single statement, so that it is done or not done.

Only the format is dbmate's: it can run these files, and keeps its own table of
what it ran (``schema_migrations(version)``). Use one of the two on a database.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gateway.core.errors import MigrationError
from gateway.storage.resources import MIGRATIONS

_NAME: Final = re.compile(r"\d{14}_\w+")
_HEADER: Final = re.compile(r"^--\s*migrate:(up|down)\b(.*)$", re.MULTILINE)
_TEMPLATE: Final = "-- migrate:up\n\n-- migrate:down\n"


@dataclass(frozen=True, slots=True)
class Script:
    """One direction of a migration. ``first_line`` is where ``sql`` begins in the file."""

    sql: str
    first_line: int
    in_transaction: bool


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration file. ``checksum`` is the SHA-256 of its bytes in hexadecimal."""

    name: str
    up: Script
    down: Script
    checksum: str


def read_migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """Return the folder's migrations in order, or raise ``MigrationError`` naming the file."""
    return [_read(path) for path in sorted(folder.glob("*.sql"))]


def create_migration(name: str, now: datetime, folder: Path = MIGRATIONS) -> Path:
    """Write an empty migration called ``name`` with the time ``now``; return its path."""
    words = "_".join(re.findall(r"[a-z0-9]+", name.lower()))
    if not words:
        raise MigrationError(f"{name!r} cannot name a migration. Example: add_room_topics")
    path = folder / f"{now.astimezone(UTC):%Y%m%d%H%M%S}_{words}.sql"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE)
    except OSError as error:
        raise MigrationError(f"{path.name} cannot be written: {error.strerror}.") from error
    return path


def _read(path: Path) -> Migration:
    if not _NAME.fullmatch(path.stem):
        raise MigrationError(
            f"{path.name} is not named as a migration. Example: 20261121090000_add_room_topics.sql"
        )
    content = path.read_bytes()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise MigrationError(f"{path.name} is not UTF-8: {error.reason}.") from error
    headers = list(_HEADER.finditer(text))
    if [header[1] for header in headers] != ["up", "down"]:
        raise MigrationError(
            f"{path.name} needs one line '-- migrate:up' and after it one '-- migrate:down'."
        )
    up, down = headers
    return Migration(
        name=path.stem,
        up=_script(text, up, down.start()),
        down=_script(text, down, len(text)),
        checksum=hashlib.sha256(content).hexdigest(),
    )


def _script(text: str, header: re.Match[str], end: int) -> Script:
    return Script(
        sql=text[header.end() : end],
        first_line=text.count("\n", 0, header.end()) + 1,
        in_transaction="transaction:false" not in header[2].split(),
    )
