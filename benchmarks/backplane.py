"""What a publication costs through our own link to Redis, and through redis-py.

Run ``python -m benchmarks.backplane`` from the checkout; it takes about ten
seconds. Both use the same hiredis parser and the same uvloop, in this process:
CPU of this process alone, beside a real Redis.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import redis.asyncio
import uvloop
from rich.table import Table

from benchmarks.contenders import FRAME
from benchmarks.processes import prepare_client
from benchmarks.report import PARLEY, print_with_machine
from gateway.backplane.link import Link, Reply, pack
from gateway.backplane.settings import RedisSettings
from gateway.backplane.subscriber import Subscriber
from gateway.core.publication import Kind, Publication
from gateway.embedded import embedded_servers
from gateway.telemetry import configure_logging

MESSAGES = 10_000
ROUNDS = 5

CHANNEL = b"room:benchmark"
MESSAGE = Publication(Kind.EPHEMERAL, FRAME).encode()

FLOOD = "for _ = 1, ARGV[1] do redis.call('PUBLISH', KEYS[1], ARGV[2]) end"
"""Lets Redis itself publish, so that only the receiving is measured."""


class AwaitedLink:
    """Our link, used as redis-py is: each batch waits for its replies."""

    def __init__(self, settings: RedisSettings) -> None:
        self.up = asyncio.Event()
        self.link = Link(settings, "bench", on_reply=self._reply, on_up=self.up.set)
        self._missing = 0
        self._done: asyncio.Future[None]

    async def publish(self, batch: int) -> None:
        """Publish so many messages in one write, and wait until Redis has taken them."""
        self._missing = batch
        self._done = asyncio.get_running_loop().create_future()
        self.link.write(b"".join(pack(b"PUBLISH", CHANNEL, MESSAGE) for _ in range(batch)))
        await self._done

    def _reply(self, _reply: Reply) -> None:
        self._missing -= 1
        if not self._missing:
            self._done.set_result(None)


class Counter:
    """A listener that knows when it has heard everything."""

    def __init__(self) -> None:
        self.everything = asyncio.Event()
        self._heard = 0

    def on_message(self, _message: bytes) -> None:
        """Count."""
        self._heard += 1
        if not self._heard % MESSAGES:
            self.everything.set()

    def on_gap(self) -> None:
        """Fail: what is counted must not get lost."""
        raise AssertionError("the subscription was interrupted")


async def micros_a_message(work: Callable[[], Awaitable[None]], messages: int) -> float:
    """Return the CPU (µs) of this process for each message: the median of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        before = time.process_time()
        await work()
        rounds.append((time.process_time() - before) / messages * 1e6)
    return statistics.median(rounds)


async def publish_by_redis_py(client: redis.asyncio.Redis, batch: int) -> float:
    """Measure ``PUBLISH``, alone or so many to a pipeline."""

    async def work() -> None:
        for _ in range(MESSAGES // batch):
            if batch == 1:
                await client.publish(CHANNEL, MESSAGE)
                continue
            async with client.pipeline(transaction=False) as pipe:
                for _ in range(batch):
                    pipe.publish(CHANNEL, MESSAGE)
                await pipe.execute()

    return await micros_a_message(work, MESSAGES)


async def publish_by_link(settings: RedisSettings, batch: int) -> float:
    """Measure the same through our link."""
    awaited = AwaitedLink(settings)

    async def work() -> None:
        for _ in range(MESSAGES // batch):
            await awaited.publish(batch)

    async with asyncio.TaskGroup() as group:
        running = group.create_task(awaited.link.run())
        await awaited.up.wait()
        micros = await micros_a_message(work, MESSAGES)
        running.cancel()
    return micros


async def receive_by_redis_py(client: redis.asyncio.Redis) -> float:
    """Measure a subscriber that gets a burst."""
    async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(CHANNEL)
        await pubsub.get_message(timeout=1)

        async def work() -> None:
            await client.eval(FLOOD, 1, CHANNEL, MESSAGES, MESSAGE)
            missing = MESSAGES
            while missing:
                if await pubsub.get_message(timeout=None) is not None:
                    missing -= 1

        return await micros_a_message(work, MESSAGES)


async def receive_by_subscriber(client: redis.asyncio.Redis, settings: RedisSettings) -> float:
    """Measure ours."""
    subscriber, counter = Subscriber(settings), Counter()

    async def work() -> None:
        counter.everything.clear()
        await client.eval(FLOOD, 1, CHANNEL, MESSAGES, MESSAGE)
        await counter.everything.wait()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(subscriber.run())
        await subscriber.subscribe(CHANNEL, counter)
        micros = await micros_a_message(work, MESSAGES)
        running.cancel()
    return micros


async def measure(settings: RedisSettings) -> dict[str, tuple[float, float]]:
    """Return what each kind of work costs with our link, and with redis-py."""
    async with redis.asyncio.Redis.from_url(settings.url) as client:
        return {
            "publish, one at a time": (
                await publish_by_link(settings, 1),
                await publish_by_redis_py(client, 1),
            ),
            "publish, ten at once": (
                await publish_by_link(settings, 10),
                await publish_by_redis_py(client, 10),
            ),
            "receive, a burst": (
                await receive_by_subscriber(client, settings),
                await receive_by_redis_py(client),
            ),
        }


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        async with embedded_servers(Path(folder), postgres=False) as servers:
            figures = await measure(RedisSettings(servers.redis_url))
    table = Table("CPU a message (µs)", PARLEY, "redis-py", "factor")
    for name, (ours, theirs) in figures.items():
        table.add_row(name, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.0f}")
    print_with_machine(table)


if __name__ == "__main__":
    configure_logging("error", as_json=False)
    prepare_client()
    uvloop.run(main())
