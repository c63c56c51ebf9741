"""How long PostgreSQL takes for the common queries, with a million messages.

Run ``python -m benchmarks.queries`` from the checkout, on a database in which
``gateway seed --size large`` was; it takes two minutes. Each case is one entry in
``query_reading`` or ``query_writing``. Every statement is prepared and run as the
gateway does it, under the settings of its transactions, with other values each
time; what it writes is rolled back. It fails by its exit code when a median is over
the aim or a plan goes through a whole table.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import orjson
import typer
from rich.progress import track
from rich.table import Table

from benchmarks.query_case import Case, Mode
from benchmarks.query_reading import READING
from benchmarks.query_values import World, read_world
from benchmarks.query_writing import WRITING
from benchmarks.report import print_with_machine
from benchmarks.sql_literals import literal
from gateway.embedded import embedded_servers
from gateway.storage.connection import Connection
from gateway.storage.database import DatabaseSettings, direct_connection
from gateway.storage.large_seed.writing import settle
from gateway.storage.resources import QUERIES
from gateway.storage.sql import Query, read_queries
from gateway.storage.transactions import BEGIN, BEGIN_SNAPSHOT
from gateway.telemetry import configure_logging

CASES: Final = (*READING, *WRITING)

AIM_MS: Final = 5.0
"""For the server's own time, at the median."""

WARM_UP: Final = 20
"""Runs that don't count: PostgreSQL may settle on another plan after five."""

_SERIALIZE_VERSION: Final = 17
# From then on EXPLAIN can put rows into their form on the wire, as for a client.

_HEADINGS: Final = ("", "query", "rows", "server p50 ms", "p99", "round trip p50 ms", "p99", "")

_T = TypeVar("_T")

_BEGIN: Final = {Mode.TRANSACTION: BEGIN, Mode.SNAPSHOT: BEGIN_SNAPSHOT}


@dataclass(frozen=True)
class Result:
    """What the runs of one case took, in milliseconds; how many rows the answers had."""

    server_ms: list[float]
    round_trip_ms: list[float]
    rows: float
    scanned: set[str]

    def complaints(self, case: Case) -> list[str]:
        """Return what is not as it should be."""
        complaints = [f"reads all of {table}" for table in sorted(self.scanned)]
        if statistics.median(self.server_ms) >= AIM_MS * case.commands:
            complaints.append("slower than the aim")
        return complaints


def main(
    database_url: Annotated[
        str | None, typer.Option(help="A database with the large seed.", show_default="embedded")
    ] = None,
    data_dir: Annotated[
        Path, typer.Option(help="Folder of the embedded PostgreSQL, without --database-url.")
    ] = Path("data"),
    runs: Annotated[int, typer.Option(help="Runs of each case.")] = 200,
    only: Annotated[str, typer.Option(help="Only cases whose query has this in its name.")] = "",
) -> None:
    """Measure every case, and print the table."""
    configure_logging("warning", as_json=False)
    cases = [case for case in CASES if only in case.query]
    if not asyncio.run(_measure_all(cases, runs, database_url, data_dir)):
        sys.exit(1)


async def _measure_all(
    cases: list[Case], runs: int, database_url: str | None, data_dir: Path
) -> bool:
    async with _connection(database_url, data_dir) as conn:
        world = await read_world(conn)
        results = {
            case: await _measure(conn, world, case, runs)
            for case in track(cases, "measuring", transient=True)
        }
        await settle(conn)  # what was rolled back is still in the tables
    table = Table(*_HEADINGS, box=None)
    for case, result in results.items():
        table.add_row(
            case.name,
            case.query,
            f"{result.rows:,.0f}",
            *_figures(result.server_ms),
            *_figures(result.round_trip_ms),
            "; ".join(result.complaints(case)),
        )
    print_with_machine(table, width=160)
    return not any(result.complaints(case) for case, result in results.items())


@asynccontextmanager
async def _connection(database_url: str | None, data_dir: Path) -> AsyncIterator[Connection]:
    if database_url is not None:
        async with direct_connection(DatabaseSettings(database_url)) as conn:
            yield conn
        return
    async with (
        embedded_servers(data_dir, redis=False) as servers,
        direct_connection(DatabaseSettings(servers.database_url)) as conn,
    ):
        yield conn


async def _measure(conn: Connection, world: World, case: Case, runs: int) -> Result:
    query = _find_query(case.query)
    await conn.execute(f"prepare measured as {query.sql}")
    server_ms, round_trip_ms, rows, scanned = [], [], [], set()
    for run in range(WARM_UP + runs):
        plan = await _in_mode(conn, case, _explain, query, world)
        found, seconds = await _in_mode(conn, case, _ask, query, world)
        if run >= WARM_UP:
            server_ms.append(_execution_ms(plan))
            round_trip_ms.append(seconds * 1e3)
            rows.append(found)
            scanned |= {node["Relation Name"] for node in _nodes(plan["Plan"]) if _scans(node)}
    await conn.execute("deallocate measured")
    return Result(server_ms, round_trip_ms, statistics.median(rows), scanned)


async def _in_mode(
    conn: Connection,
    case: Case,
    measure: Callable[[Connection, Query, list[object]], Awaitable[_T]],
    query: Query,
    world: World,
) -> _T:
    """Call ``measure`` with new values, in the transaction that the gateway would be in."""
    arguments = case.arguments(world)
    values = [arguments[name] for name in query.parameters]
    if case.mode is Mode.ALONE:
        return await measure(conn, query, values)
    await conn.execute(_BEGIN[case.mode])
    try:
        return await measure(conn, query, values)
    finally:
        await conn.execute("rollback")


async def _explain(conn: Connection, _query: Query, values: list[object]) -> dict[str, Any]:
    """Run the prepared statement and return its plan with the server's times.

    Not by ``auto_explain``, which needs a superuser and the server's log, and not
    as "explain select …", which plans anew each time, as the gateway does not.
    """
    serialize = conn.get_server_version().major >= _SERIALIZE_VERSION
    options = f"analyze, timing off, format json{', serialize binary' if serialize else ''}"
    given = f"({', '.join(map(literal, values))})" if values else ""
    text = await conn.fetchval(f"explain ({options}) execute measured{given}")
    return orjson.loads(text)[0]


async def _ask(conn: Connection, query: Query, values: list[object]) -> tuple[int, float]:
    """Run the statement as the gateway does; return the number of rows and the seconds."""
    started = time.perf_counter()
    rows = await conn.fetch(query.sql, *values)
    return len(rows), time.perf_counter() - started


def _execution_ms(plan: dict[str, Any]) -> float:
    """Return the time in the server: finding or making the plan, running it, writing the rows."""
    serialization = plan.get("Serialization", {}).get("Time", 0.0)
    return plan["Planning Time"] + plan["Execution Time"] + serialization


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _scans(node: dict[str, Any]) -> bool:
    return node["Node Type"] == "Seq Scan"


def _figures(milliseconds: list[float]) -> tuple[str, str]:
    ordered = sorted(milliseconds)
    return f"{statistics.median(ordered):.2f}", f"{ordered[len(ordered) * 99 // 100]:.2f}"


def _find_query(name: str) -> Query:
    subject, _, query_name = name.partition(".")
    queries = {query.name: query for query in read_queries(QUERIES / f"{subject}.sql")}
    return queries[query_name]


if __name__ == "__main__":
    typer.run(main)
