"""Accounts on real servers. One database serves all tests: people and addresses are always new."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from gateway.activities.accounts.limits import AccountSettings
from gateway.activities.accounts.passwords import Passwords
from gateway.activities.accounts.service import Accounts
from gateway.backplane.client import open_client
from gateway.backplane.sessions import SessionCache
from gateway.backplane.settings import RedisSettings
from gateway.backplane.throttle import Throttle
from gateway.embedded import EmbeddedServers
from gateway.storage.database import Database, DatabaseSettings, direct_connection
from gateway.storage.migrations import migrate_up


@dataclass(frozen=True)
class Instance:
    """What one gateway process has of accounts."""

    accounts: Accounts
    database: Database
    redis: Redis
    cache: SessionCache


@dataclass(frozen=True)
class NewPerson:
    """Somebody nobody knows yet, at an address nobody has used."""

    email: str
    username: str
    address: str
    password: str = "correct horse battery staple"


@pytest.fixture(scope="session")
async def accounts_database_url(servers: EmbeddedServers) -> AsyncIterator[str]:
    """A migrated database for all tests of accounts."""
    name = f"accounts_{uuid4().hex}"
    admin = await asyncpg.connect(servers.database_url)
    await admin.execute(f"create database {name}")
    url = urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
    await migrate(url)
    yield url
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


@pytest.fixture
async def start_instance(
    accounts_database_url: str, servers: EmbeddedServers
) -> AsyncIterator[Callable[..., object]]:
    """Start further instances, on these servers or on others."""
    async with AsyncExitStack() as stack:

        async def start(
            database_url: str = accounts_database_url,
            redis_url: str = servers.redis_url,
            settings: AccountSettings | None = None,
        ) -> Instance:
            return await stack.enter_async_context(
                running_instance(database_url, redis_url, settings or AccountSettings())
            )

        yield start


@pytest.fixture
async def instance(start_instance) -> Instance:
    """One instance."""
    return await start_instance()


@pytest.fixture
def accounts(instance: Instance) -> Accounts:
    """The accounts of that instance."""
    return instance.accounts


@pytest.fixture(scope="session")
def people() -> Iterator[NewPerson]:
    """New people without end."""
    return (
        NewPerson(
            email=f"person{number}@example.com",
            username=f"Person {number}",
            address=f"10.1.{number // 250}.{number % 250 + 1}",
        )
        for number in itertools.count()
    )


@pytest.fixture
def ada(people: Iterator[NewPerson]) -> NewPerson:
    """Somebody new."""
    return next(people)


async def migrate(url: str) -> None:
    """Bring a database up to date."""
    async with direct_connection(DatabaseSettings(url)) as conn:
        await migrate_up(conn)


@asynccontextmanager
async def running_instance(
    database_url: str, redis_url: str, settings: AccountSettings
) -> AsyncIterator[Instance]:
    """Give an instance its pool, its Redis client and its threads, and take them away again."""
    redis_settings = RedisSettings(url=redis_url, command_seconds=0.5, command_retries=0)
    database = await Database.open(DatabaseSettings(database_url, connect_seconds=20))
    redis = open_client(redis_settings)
    passwords = Passwords(rounds=4)
    cache = SessionCache(redis, redis_settings)
    throttle = Throttle(redis, redis_settings)
    accounts = Accounts(database, cache, throttle, passwords, settings)
    yield Instance(accounts, database, redis, cache)
    passwords.close()
    await redis.aclose()
    await database.close()
