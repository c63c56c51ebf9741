"""What is put under load: PostgreSQL, Redis and the instances, every link through a proxy."""

import contextlib
import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson

from gateway.backplane.client import open_client
from gateway.backplane.settings import RedisSettings
from gateway.embedded import EmbeddedServers, embedded_servers
from tests.chaos.options import Options
from tests.support.fault_proxy import FaultProxy, to_port, to_unix_socket
from tests.support.gateway_process import GatewayProcess, running

START_TRIES: Final = 3
"""An instance that is started while its database is slow may give up; a supervisor tries again."""


class Instance:
    """One place where a gateway runs: its links keep their addresses when it is started anew."""

    def __init__(
        self,
        database: FaultProxy,
        redis: FaultProxy,
        front: FaultProxy,
        settings: Mapping[str, object],
    ) -> None:
        """``front`` is the way in for the clients that do not come directly."""
        self.database = database
        self.redis = redis
        self.front = front
        self.gateway: GatewayProcess
        self._settings = {
            "database_url": f"postgresql://parley@127.0.0.1:{database.port}/parley",
            "redis_url": f"redis://127.0.0.1:{redis.port}",
            "arrivals_per_minute": 1_000_000,
            "environment": "production",  # the log is JSON
            **settings,
        }
        self._port = 0

    @property
    def direct_url(self) -> str:
        """Where it speaks WebSocket."""
        return f"ws://127.0.0.1:{self._port}/ws"

    @property
    def front_url(self) -> str:
        """The same through the proxy."""
        return f"ws://127.0.0.1:{self.front.port}/ws"

    async def start(self, folder: Path) -> None:
        """Start the gateway, on the port that it had before."""
        for tries_left in reversed(range(START_TRIES)):
            try:
                self.gateway = await GatewayProcess.start(
                    folder, arguments=("--port", str(self._port)), **self._settings
                )
                break
            except AssertionError:
                if not tries_left:
                    raise
        self._port = urlsplit(self.gateway.url).port or 0
        self.front.dial = to_port(self._port)

    async def is_ready(self) -> bool:
        """Whether it says that every part of it is well."""
        async with self.gateway.http() as http:
            try:
                return (await http.get("/health/ready")).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False


class Site:
    """Everything that can fail. Proxies stand between the instances and what they use."""

    def __init__(self, servers: EmbeddedServers, folder: Path) -> None:
        """``folder`` gets the logs of the instances."""
        self.servers = servers
        self.instances: list[Instance] = []
        self._folder = folder

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every way in: to each instance directly, and through a proxy."""
        return tuple(
            url for instance in self.instances for url in (instance.direct_url, instance.front_url)
        )

    async def start(self, instance: Instance) -> None:
        """Start an instance that does not run."""
        await instance.start(self._folder)

    @property
    def deaths(self) -> list[str]:
        """Which instances have ended, to be asked when all should run."""
        return [
            f"instance {number} has ended by itself"
            for number, instance in enumerate(self.instances)
            if not running({instance.gateway.pid})
        ]

    def logged_errors(self) -> Counter[str]:
        """Return what the instances logged as errors, by event."""
        errors: Counter[str] = Counter()
        for file in self._folder.glob("gateway-*.log"):
            for line in file.read_bytes().splitlines():
                with contextlib.suppress(orjson.JSONDecodeError):
                    entry = orjson.loads(line)
                    if entry["level"] in {"error", "critical"}:
                        errors[entry["event"]] += 1
        return errors

    async def empty_redis(self) -> None:
        """Take every key away."""
        async with open_client(RedisSettings(url=self.servers.redis_url)) as redis:
            await redis.flushall()

    def signal(self, server: str, number: signal.Signals) -> None:
        """Send a signal to "postgres" or "redis"."""
        os.kill(self.servers.pids[server], number)


@asynccontextmanager
async def running_site(options: Options) -> AsyncIterator[Site]:
    """Start servers, proxies and instances; all are gone at the end."""
    settings = {"pythonpath": options.source} if options.source else {}
    async with AsyncExitStack() as stack:
        # Short, for the path of the sockets in it.
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-chaos-"))
        folder = Path(place)
        servers = await stack.enter_async_context(embedded_servers(folder / "data"))
        site = Site(servers, options.logs or folder)
        stack.push_async_callback(_stop_instances, site)
        rng = random.Random(options.seed)  # noqa: S311 - to be repeated, not to be secret
        for _ in range(options.instances):
            database, redis, front = [
                await stack.enter_async_context(FaultProxy(dial, rng).running())
                for dial in (
                    to_unix_socket(_socket_of_postgres(servers.database_url)),
                    to_unix_socket(urlsplit(servers.redis_url).path),
                    to_port(0),  # until the instance has its port
                )
            ]
            instance = Instance(database, redis, front, settings)
            await site.start(instance)
            site.instances.append(instance)
        yield site


async def _stop_instances(site: Site) -> None:
    for instance in site.instances:
        with contextlib.suppress(TimeoutError):  # then it has been killed
            await instance.gateway.clean_up()


def _socket_of_postgres(url: str) -> str:
    query = parse_qs(urlsplit(url).query)
    return f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
