"""Two instances that share one PostgreSQL and one Redis, as behind a load balancer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from gateway.embedded import EmbeddedServers
from tests.support.databases import migrated_database
from tests.support.gateway_process import GatewayProcess, Guest, running_gateway
from tests.support.socket_client import SocketClient, open_socket

StartGateway = Callable[..., Awaitable[GatewayProcess]]
Connect = Callable[..., Awaitable[SocketClient]]


class Pair(NamedTuple):
    """Two instances that know of each other only through the servers they share."""

    first: GatewayProcess
    second: GatewayProcess


@pytest.fixture(scope="session")
async def database_url(servers: EmbeddedServers) -> str:
    """One database for all instances of these tests; each test has its own rooms in it."""
    return await migrated_database(servers.database_url)


@pytest.fixture(scope="session")
async def pair(
    servers: EmbeddedServers, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    """Two instances for all tests, which must leave them alive."""
    folder = tmp_path_factory.mktemp("pair")
    settings = _settings(servers, database_url)
    async with (
        running_gateway(folder, **settings) as first,
        running_gateway(folder, **settings) as second,
    ):
        yield Pair(first, second)


@pytest.fixture
async def start_gateway(
    servers: EmbeddedServers, database_url: str, tmp_path: Path
) -> AsyncIterator[StartGateway]:
    """Start further instances beside the pair, for a test to do to them what it likes."""
    async with AsyncExitStack() as stack:

        async def start(**settings: object) -> GatewayProcess:
            together = _settings(servers, database_url) | settings
            return await stack.enter_async_context(running_gateway(tmp_path, **together))

        yield start


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connect a guest to an instance, until the test ends."""
    async with AsyncExitStack() as stack:

        async def open_connection(
            gateway: GatewayProcess, guest: Guest | None = None
        ) -> SocketClient:
            token = guest.token if guest else None
            return await stack.enter_async_context(open_socket(gateway.socket_url, token))

        yield open_connection


@pytest.fixture
async def ada(pair: Pair) -> Guest:
    """Somebody new."""
    return await pair.first.new_guest("Ada")


@pytest.fixture
async def grace(pair: Pair) -> Guest:
    """Somebody else who is new."""
    return await pair.second.new_guest("Grace")


@pytest.fixture
async def room(pair: Pair, ada: Guest) -> str:
    """A public room of Ada's."""
    return await pair.first.new_room(ada, f"Room {uuid4().hex}")


def _settings(servers: EmbeddedServers, database_url: str) -> dict[str, object]:
    return {
        "database_url": database_url,
        "redis_url": servers.redis_url,
        "arrivals_per_minute": 10_000,
    }
