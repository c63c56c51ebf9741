"""A PostgreSQL for the storage tests, and a database of its own for each of them.

``PARLEY_TEST_DATABASE_URL`` runs the same tests on another server, whose role
may create databases; otherwise the embedded one serves.
"""

import os
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from temporary_databases import temporary_database

from gateway.storage.connection import Connection
from gateway.storage.database import Database, DatabaseSettings, direct_connection
from gateway.storage.migrations import migrate_up


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """The URL of a server on which databases may be made."""
    return os.environ.get("PARLEY_TEST_DATABASE_URL") or (
        request.getfixturevalue("servers").database_url
    )


@pytest.fixture(scope="session")
async def template_url(postgres_url: str) -> AsyncIterator[str]:
    """A migrated database that the others are copied from; nobody connects to it."""
    async with temporary_database(postgres_url) as url:
        async with direct_connection(DatabaseSettings(url)) as conn:
            await migrate_up(conn)
        yield url


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    """An empty database."""
    async with temporary_database(postgres_url) as url:
        yield url


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Connection]:
    """A connection to an empty database."""
    async with direct_connection(DatabaseSettings(empty_url)) as conn:
        yield conn


@pytest.fixture
async def database_url(postgres_url: str, template_url: str) -> AsyncIterator[str]:
    """A migrated database."""
    async with temporary_database(postgres_url, template=urlsplit(template_url).path[1:]) as url:
        yield url


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Connection]:
    """A connection to a migrated database."""
    async with direct_connection(DatabaseSettings(database_url)) as connection:
        yield connection


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a migrated database."""
    pool = await Database.open(DatabaseSettings(database_url))
    yield pool
    await pool.close()
