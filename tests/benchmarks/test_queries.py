import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from benchmarks.queries import CASES
from benchmarks.sql_literals import literal
from gateway.embedded import EmbeddedServers
from gateway.storage.database import DatabaseSettings, direct_connection
from gateway.storage.large_seed.sizes import MEDIUM
from gateway.storage.large_seed.writing import settle, write_large_seed
from tests.support.databases import migrated_database

ROOT = Path(__file__).parents[2]


async def _run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.queries", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.mark.slow
@pytest.mark.server
async def test_every_case_is_measured(servers: EmbeddedServers) -> None:
    """Each has a line with its figures; whether they are good is nothing for a busy machine."""
    url = await migrated_database(servers.database_url)
    async with direct_connection(DatabaseSettings(url)) as conn:
        await write_large_seed(conn, MEDIUM, "hash")
        await settle(conn)
    code, output = await _run("--database-url", url, "--runs", "2")
    assert code in (0, 1), output
    lines = output.splitlines()
    for case in CASES:
        assert any(case.name in line and case.query in line for line in lines), output


@pytest.mark.slow
@pytest.mark.server
async def test_without_the_large_seed_it_says_what_to_do(servers: EmbeddedServers) -> None:
    """An empty database has nothing to be asked about."""
    code, output = await _run(
        "--database-url", await migrated_database(servers.database_url), "--runs", "2"
    )
    assert code == 1
    assert "gateway seed --size large" in output


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        (None, "text"),
        ('it\'s "quoted", \\ and {braced}', "text"),
        (True, "boolean"),
        (-7, "bigint"),
        (UUID(int=7), "uuid"),
        (datetime(2026, 11, 22, 12, 30, tzinfo=UTC), "timestamptz"),
        ([UUID(int=7), UUID(int=8)], "uuid[]"),
        (["it's", '"', "\\", "", "null", "a,b"], "text[]"),
        ([None, "x"], "text[]"),
        ([], "bigint[]"),
    ],
)
@pytest.mark.server
async def test_a_literal_is_read_as_the_value(
    servers: EmbeddedServers, value: object, type_name: str
) -> None:
    """Whatever characters it is made of."""
    async with direct_connection(DatabaseSettings(servers.database_url)) as conn:
        assert await conn.fetchval(f"select {literal(value)}::{type_name}") == value
