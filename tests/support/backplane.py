"""Redis servers that a test may mistreat, links to them, and ears that note what they hear."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from gateway.backplane.publisher import Publisher
from gateway.backplane.settings import RedisSettings
from gateway.backplane.subscriber import Subscriber
from gateway.runtime.supervision import Supervisor
from tests.support.waiting import WAIT_SECONDS

_CHUNK_BYTES: Final = 64 * 1024


class Ear:
    """Listens to a channel."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.gaps: asyncio.Queue[None] = asyncio.Queue()

    def on_message(self, message: bytes) -> None:
        """Note a message."""
        self.messages.put_nowait(message)

    def on_gap(self) -> None:
        """Note that messages were missed."""
        self.gaps.put_nowait(None)


class Links:
    """An instance's two links to Redis."""

    def __init__(self, settings: RedisSettings) -> None:
        self.ups: asyncio.Queue[None] = asyncio.Queue()
        self.publisher = Publisher(settings, on_up=lambda: self.ups.put_nowait(None))
        self.subscriber = Subscriber(settings)


@asynccontextmanager
async def running_links(settings: RedisSettings) -> AsyncIterator[Links]:
    """Keep links for the block; they need not be up yet."""
    links = Links(settings)
    supervisor = Supervisor()
    supervisor.service("publisher", links.publisher.run())
    supervisor.service("subscriber", links.subscriber.run())
    yield links
    await supervisor.stop()


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """Stop a process for the block: its sockets stay open and nothing answers."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def redis_with_password(folder: Path, password: str) -> AsyncIterator[int]:
    """Run a Redis that asks for a password, and return its port on this machine."""
    port = _free_port()
    config = folder / "redis.conf"
    await asyncio.to_thread(
        config.write_text,
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ''\ndir {folder}\n",
    )
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("redis-server"),
        config,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(WAIT_SECONDS):
            while b"eady to accept connections" not in (line := await process.stdout.readline()):
                assert line, "it did not start"
        yield port
    finally:
        process.terminate()
        await process.communicate()


class Relay:
    """Stands between a link and Redis, and sees when the link gives up."""

    def __init__(self) -> None:
        self.hung_up: asyncio.Queue[None] = asyncio.Queue()

    @asynccontextmanager
    async def running(self, place: Path, redis_socket: str) -> AsyncIterator[str]:
        """Relay for the block from a socket at ``place``; return the URL of that."""

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            redis_reader, redis_writer = await asyncio.open_unix_connection(redis_socket)
            async with asyncio.TaskGroup() as group:
                group.create_task(
                    _pump(reader, redis_writer, lambda: self.hung_up.put_nowait(None))
                )
                group.create_task(_pump(redis_reader, writer, lambda: None))

        async with await asyncio.start_unix_server(relay, place):
            yield f"unix://{place}"


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ended: Callable[[], None]
) -> None:
    """Pass on what comes, until it ends."""
    try:
        while octets := await reader.read(_CHUNK_BYTES):
            writer.write(octets)
    except ConnectionError:
        pass
    finally:
        ended()
        writer.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
