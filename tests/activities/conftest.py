"""A real PostgreSQL for what runs."""

from collections.abc import AsyncIterator

import pytest

from gateway.embedded import EmbeddedServers
from gateway.storage.database import Database, DatabaseSettings
from tests.support.databases import migrated_database


@pytest.fixture(scope="session")
async def runtime_database_url(servers: EmbeddedServers) -> str:
    """One database for all tests of this folder; each makes its own rooms in it."""
    return await migrated_database(servers.database_url)


@pytest.fixture
async def database(runtime_database_url: str) -> AsyncIterator[Database]:
    """A pool of connections to it."""
    pool = await Database.open(DatabaseSettings(runtime_database_url))
    yield pool
    await pool.close()
