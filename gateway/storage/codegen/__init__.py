"""Typed Python for the schema and for every named query, generated from a live database.

It writes ``gateway/storage/generated/``: ``tables.py`` with a row type for each
table, and one module for each file of ``queries/`` with a function for each
query. This package imports none of it, so it can always be made anew.
"""

import asyncio
from pathlib import Path
from typing import Final

from aiosql.utils import SQLParseException

from gateway.storage.codegen.catalogue import Catalogue, read_catalogue
from gateway.storage.codegen.render import render_queries, render_tables
from gateway.storage.codegen.stubs import QueryError, make_stub
from gateway.storage.connection import Connection
from gateway.storage.resources import QUERIES
from gateway.storage.sql import Query, read_queries

__all__ = ["GENERATED", "QueryError", "generate", "stale"]

GENERATED: Final = Path(__file__).parent.parent / "generated"
"""Folder of the generated modules."""

_PACKAGE_DOC: Final = '"""Generated from the live schema by `gateway types`; not to be edited."""\n'


async def generate(
    conn: Connection, *, write: bool, queries: Path = QUERIES, into: Path = GENERATED
) -> list[str]:
    """Generate from the migrated database on ``conn``; return the names of the files that differed.

    With ``write`` these are written, or removed when their SQL file is gone.
    Raises ``QueryError`` naming file, query and reason.
    """
    catalogue = await read_catalogue(conn)
    modules = {"__init__.py": _PACKAGE_DOC, "tables.py": render_tables(catalogue)}
    for path in await asyncio.to_thread(lambda: sorted(queries.glob("*.sql"))):
        modules[f"{path.stem}.py"] = await _module(conn, path, catalogue)
    return await asyncio.to_thread(_update, modules, into, write=write)


async def stale(conn: Connection) -> list[str]:
    """Return the names of the generated files that are not what ``generate`` would write."""
    return await generate(conn, write=False)


async def _module(conn: Connection, path: Path, catalogue: Catalogue) -> str:
    try:
        stubs = [await make_stub(conn, query, catalogue) for query in _read(path)]
    except QueryError as error:
        raise QueryError(f"queries/{path.name}: {error}") from error
    return render_queries(path.stem, stubs, catalogue)


def _read(path: Path) -> list[Query]:
    try:
        return read_queries(path)
    except (SQLParseException, ValueError) as error:
        raise QueryError(str(error)) from error


def _update(modules: dict[str, str], into: Path, *, write: bool) -> list[str]:
    there = {path.name: path.read_text(encoding="utf-8") for path in into.glob("*.py")}
    differing = sorted(name for name in {*modules, *there} if modules.get(name) != there.get(name))
    if write:
        into.mkdir(exist_ok=True)
        for name in differing:
            if name in modules:
                (into / name).write_text(modules[name], encoding="utf-8")
            else:
                (into / name).unlink()
    return differing
