"""The storage tests run on the embedded PostgreSQL and, where it is installed, on Debian's 15."""

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.storage.connection import Connection
from gateway.storage.database import Database, DatabaseSettings, direct_connection
from tests.storage.cleaning import drop_schemas, empty_tables, keep_schema
from tests.support.databases import migrated_database, new_database
from tests.support.debian_postgres import PROGRAMS, debian_postgres


@pytest.fixture(scope="session")
def debian_url() -> Iterator[str]:
    """Debian's PostgreSQL 15."""
    if not PROGRAMS.is_dir():
        pytest.skip("PostgreSQL 15 of Debian is not installed (apt-get install postgresql-15)")
    with debian_postgres() as url:
        yield url


@pytest.fixture(scope="session", params=["embedded", "debian-15"])
def postgres_url(request: pytest.FixtureRequest) -> str:
    """The URL of a server on which databases may be made."""
    if request.param == "debian-15":
        return request.getfixturevalue("debian_url")
    return request.getfixturevalue("servers").database_url


@pytest.fixture(scope="session")
async def shared_url(postgres_url: str) -> str:
    """A migrated database, whose schema nobody can change."""
    url = await migrated_database(postgres_url)
    await keep_schema(url)
    return url


@pytest.fixture
async def database_url(shared_url: str) -> AsyncIterator[str]:
    """A migrated database without a row."""
    yield shared_url
    await empty_tables(shared_url)


@pytest.fixture(scope="session")
async def bare_url(postgres_url: str) -> str:
    """A database without a schema, for one test after the other."""
    return await new_database(postgres_url)


@pytest.fixture
async def empty_url(bare_url: str) -> AsyncIterator[str]:
    """An empty database, where a test makes the schema it likes."""
    yield bare_url
    await drop_schemas(bare_url)


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Connection]:
    """A connection to an empty database."""
    async with direct_connection(DatabaseSettings(empty_url)) as conn:
        yield conn


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
