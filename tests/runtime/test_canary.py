"""The canary, over a real Redis that stops answering."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable
from gateway.core.ids import InstanceId
from gateway.embedded import EmbeddedServers, embedded_servers
from gateway.runtime.canary import Canary
from gateway.runtime.supervision import Supervisor
from tests.support.backplane import Links, paused, running_links
from tests.support.waiting import soon

KNOWN_WITHIN_SECONDS = 5.0


@pytest.fixture
async def own_redis() -> AsyncIterator[EmbeddedServers]:
    """A Redis for one test, which pauses it."""
    # Short, for the path of the socket in it.
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        async with embedded_servers(Path(folder), postgres=False) as running:
            yield running


@asynccontextmanager
async def singing(links: Links, changes: asyncio.Queue[None]) -> AsyncIterator[Canary]:
    """Let a canary call for the block."""
    canary = Canary(
        InstanceId("one"),
        links.publisher,
        links.subscriber,
        on_change=lambda: changes.put_nowait(None),
    )
    supervisor = Supervisor()
    supervisor.service("canary", canary.run())
    yield canary
    await supervisor.stop()


@pytest.mark.slow
async def test_an_instance_knows_within_five_seconds_that_it_is_deaf_and_that_it_hears_again(
    own_redis: EmbeddedServers,
):
    """Promise P9: every connection is still open while Redis hangs."""
    settings = RedisSettings(url=own_redis.redis_url, retry_cap_seconds=0.2)
    changes: asyncio.Queue[None] = asyncio.Queue()
    async with running_links(settings) as links, singing(links, changes) as canary:
        assert not canary.hears
        await soon(changes.get())
        assert canary.hears
        await soon(canary.call())
        with paused(own_redis.pids["redis"]):
            async with asyncio.timeout(KNOWN_WITHIN_SECONDS):
                await changes.get()
            assert not canary.hears
            with pytest.raises(BackplaneUnavailable, match="did not come back"):
                await soon(canary.call())
        await soon(changes.get())
        assert canary.hears
