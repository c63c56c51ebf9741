"""Two instances for the client's tests, and clients that are closed with the test."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from gateway.client import Client
from gateway.embedded import EmbeddedServers
from tests.client.shared import Shared, SignIn
from tests.support.databases import migrated_database
from tests.support.gateway_process import GatewayProcess, running_gateway


@pytest.fixture(scope="session")
async def shared(servers: EmbeddedServers) -> Shared:
    """One database for all tests of the client; each has its own rooms in it."""
    return Shared(await migrated_database(servers.database_url), servers.redis_url)


@pytest.fixture(scope="session")
async def first(
    shared: Shared, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    """One instance, which every test leaves alive."""
    async with running_gateway(tmp_path_factory.mktemp("first"), **shared.settings) as gateway:
        yield gateway


@pytest.fixture(scope="session")
async def second(
    shared: Shared, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    """Another instance beside it."""
    async with running_gateway(tmp_path_factory.mktemp("second"), **shared.settings) as gateway:
        yield gateway


@pytest.fixture
async def sign_in() -> AsyncIterator[SignIn]:
    """Sign a guest in at an instance; the client is closed with the test."""
    async with AsyncExitStack() as stack:

        async def enter(url: str, name: str) -> Client:
            client = await stack.enter_async_context(Client(url))
            await client.sign_in_as_guest(name)
            return client

        yield enter


@pytest.fixture
def room_name() -> str:
    """A room that no other test is in."""
    return f"Room {uuid4().hex}"
