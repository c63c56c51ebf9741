"""Redis breaks a connection while something is being written to it, under uvloop.

uvloop raises at a write to a connection that was reset in the same turn of the
loop, where asyncio drops it. The gateway runs under uvloop, other tests do not.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import uvloop

from gateway.backplane.client import backplane_errors, open_client
from gateway.backplane.link import Link, pack
from gateway.backplane.settings import RedisSettings
from gateway.embedded import EmbeddedServers
from gateway.runtime.supervision import Supervisor
from tests.support.fault_proxy import FaultProxy, to_unix_socket
from tests.support.waiting import soon

RESETS = 10
PINGS = 16


@asynccontextmanager
async def way_to_redis(servers: EmbeddedServers) -> AsyncIterator[FaultProxy]:
    """Stand between the test and Redis."""
    dial = to_unix_socket(urlsplit(servers.redis_url).path)
    async with FaultProxy(dial, random.Random(1)).running() as proxy:  # noqa: S311 - jitter
        yield proxy


def settings_for(proxy: FaultProxy) -> RedisSettings:
    """Come back quickly."""
    return RedisSettings(url=f"redis://127.0.0.1:{proxy.port}", retry_base_seconds=0.001)


def test_a_link_takes_no_harm(servers: EmbeddedServers):
    """What is written meanwhile is refused or lost, and the link comes back."""

    async def write_all_the_time() -> None:
        async with way_to_redis(servers) as proxy:
            ups: asyncio.Queue[None] = asyncio.Queue()
            link = Link(
                settings_for(proxy),
                "test",
                on_reply=lambda _: None,
                on_up=lambda: ups.put_nowait(None),
            )
            supervisor = Supervisor()
            supervisor.service("link", link.run())
            for _ in range(RESETS):
                await soon(ups.get())
                proxy.reset()
                while link.is_up:
                    link.write(pack("PING"))
                    await asyncio.sleep(0)
            await supervisor.stop()

    uvloop.run(write_all_the_time())


def test_a_command_is_repeated(servers: EmbeddedServers):
    """Whoever asked notices nothing."""

    async def ask_all_the_time() -> None:
        async with way_to_redis(servers) as proxy:
            settings = settings_for(proxy)
            async with open_client(settings) as redis:
                for _ in range(RESETS):
                    async with asyncio.TaskGroup() as group:
                        for _ in range(PINGS):
                            group.create_task(redis.ping())
                    proxy.reset()
                    with backplane_errors(settings):
                        async with asyncio.TaskGroup() as group:
                            for _ in range(PINGS):
                                group.create_task(redis.ping())
                                await asyncio.sleep(0)

    uvloop.run(ask_all_the_time())
