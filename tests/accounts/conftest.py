"""Accounts on real servers. One database serves all tests: people and addresses are always new."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from gateway.activities.accounts.limits import AccountSettings
from gateway.activities.accounts.passwords import Passwords
from gateway.activities.accounts.service import Accounts, Check
from gateway.embedded import EmbeddedServers
from tests.accounts.instances import Instance, NewPerson, StartInstance, running_instance
from tests.support.databases import migrated_database


@pytest.fixture(scope="session")
async def accounts_database_url(servers: EmbeddedServers) -> str:
    """A migrated database for all tests of accounts."""
    return await migrated_database(servers.database_url)


@pytest.fixture
async def start_instance(
    accounts_database_url: str, servers: EmbeddedServers
) -> AsyncIterator[StartInstance]:
    """Start instances."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            redis_url: str | None = None,
            settings: AccountSettings | None = None,
            check_external: Check | None = None,
            passwords: Passwords | None = None,
        ) -> Instance:
            return await stack.enter_async_context(
                running_instance(
                    accounts_database_url,
                    redis_url or servers.redis_url,
                    settings or AccountSettings(),
                    check_external,
                    passwords,
                )
            )

        yield start


@pytest.fixture
async def instance(start_instance: StartInstance) -> Instance:
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
