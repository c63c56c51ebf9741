"""A Redis for this folder's tests alone: they kill it, pause it and empty it."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.backplane.settings import RedisSettings
from gateway.embedded import EmbeddedServers, embedded_servers
from tests.support.backplane import Links, running_links


@pytest.fixture(scope="module")
async def own_redis() -> AsyncIterator[EmbeddedServers]:
    """A Redis that each test leaves running."""
    # Short, for the path of the socket in it.
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        async with embedded_servers(Path(folder), postgres=False) as running:
            yield running


@pytest.fixture
def settings(own_redis: EmbeddedServers) -> RedisSettings:
    """How to reach it, with little patience between attempts."""
    return RedisSettings(url=own_redis.redis_url, retry_cap_seconds=0.2)


@pytest.fixture
async def links(settings: RedisSettings) -> AsyncIterator[Links]:
    """One instance's links, about to come up."""
    async with running_links(settings) as links:
        yield links
