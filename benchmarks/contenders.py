"""The servers that are measured side by side."""

import asyncio
import contextlib
import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import UUID

from redis import Redis

from benchmarks.crowd import Crowd, client_frame, upgrade_request
from benchmarks.processes import Server, running
from gateway.backplane.keys import room_channel
from gateway.core.frames import text_frame
from gateway.core.ids import RoomId
from gateway.core.publication import Kind, Publication
from gateway.embedded import EmbeddedServers, embedded_servers

HERE = Path(__file__).parent
BUILD = HERE / "build"

EVENT = b'{"type":"bench.event","data":{"text":"'.ljust(147, b"x") + b'"}}'
"""An event of 150 bytes, as short chat messages and votes are."""

FRAME = text_frame(EVENT)
"""The event as members get it, from every server."""

WELCOME = b'"type":"welcome"'
JOINED = b'"re":1,"ok"'
UPGRADED = b"\r\n\r\n"


class Contender(Protocol):
    """A server with one room, of which everybody who connects is a member."""

    @property
    def server(self) -> Server:
        """The process."""

    def fill(self, crowd: Crowd, members: int) -> None:
        """Let so many members in."""

    def publish(self, events: int) -> None:
        """Have the event sent to everybody, so many times, all of them at once."""


class Gateway:
    """Parley, as ``gateway serve`` runs it, through a real Redis."""

    def __init__(self, server: Server, redis_url: str) -> None:
        self.server = server
        self._redis = Redis.from_url(redis_url)
        self._http = http.client.HTTPConnection("127.0.0.1", server.port)
        self._channel = b""

    def new_guests(self, count: int) -> list[str]:
        """Let so many people in and return their tokens."""
        return [
            str(self._post("/v1/auth/guest", {"name": f"Guest {number}"})["token"])
            for number in range(count)
        ]

    def new_rooms(self, token: str, count: int) -> list[str]:
        """Make so many public rooms and return their ids."""
        return [
            str(self._post("/v1/rooms", {"name": f"Room {number}"}, token)["id"])
            for number in range(count)
        ]

    def fill(self, crowd: Crowd, members: int) -> None:
        """Let one person in, on so many connections."""
        (token,) = self.new_guests(1)
        (room_id,) = self.new_rooms(token, 1)
        self._channel = room_channel(RoomId(UUID(room_id)))
        crowd.connect([upgrade_request(token)] * members, until=WELCOME)
        crowd.ask([join(room_id)] * members, until=JOINED)
        crowd.settle()

    def publish(self, events: int) -> None:
        """Publish ephemeral events on the room's channel, as another instance would."""
        publication = Publication(Kind.EPHEMERAL, FRAME).encode()
        with self._redis.pipeline(transaction=False) as pipe:
            for _ in range(events):
                pipe.publish(self._channel, publication)
            pipe.execute()

    def _post(self, path: str, body: object, token: str | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http.request("POST", path, json.dumps(body), headers)
        answer = self._http.getresponse()
        content = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"POST {path}: {answer.status} {content.decode()}")
        return dict(json.loads(content))


@dataclass(frozen=True)
class SendLoop:
    """``send_loop.c``. Its members are bare TCP connections: there is nothing to shake hands."""

    server: Server

    def fill(self, crowd: Crowd, members: int) -> None:
        """Connect."""
        crowd.connect([b""] * members, until=b"")

    def publish(self, events: int) -> None:
        """Write events to its stdin."""
        self.server.stdin.write(FRAME * events)
        self.server.stdin.flush()


@dataclass(frozen=True)
class Websockets:
    """``websockets_server.py``."""

    server: Server

    def fill(self, crowd: Crowd, members: int) -> None:
        """Connect and shake hands."""
        crowd.connect([upgrade_request()] * members, until=UPGRADED)

    def publish(self, events: int) -> None:
        """Write events to its stdin."""
        self.server.stdin.write(EVENT * events)
        self.server.stdin.flush()


def join(room_id: str) -> bytes:
    """Return the frame that joins a room."""
    return client_frame(f'{{"id":1,"type":"room.join","room":"{room_id}"}}'.encode())


@contextlib.contextmanager
def postgres_and_redis(data_dir: Path) -> Iterator[EmbeddedServers]:
    """Run PostgreSQL and Redis; between its calls the event loop stands still."""
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        servers = runner.run(stack.enter_async_context(embedded_servers(data_dir)))
        try:
            yield servers
        finally:
            runner.run(stack.aclose())


@contextlib.contextmanager
def gateway(
    servers: EmbeddedServers, folder: Path, *, redis_url: str | None = None
) -> Iterator[Gateway]:
    """Run a gateway of its own for one measurement."""
    environment = {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": redis_url or servers.redis_url,
        "MAX_CONNECTIONS_PER_USER": "1000000",
        "ARRIVALS_PER_MINUTE": "1000000",
        "LOG_LEVEL": "warning",
        # No pings: they would come into the count.
        "HEARTBEAT_SECONDS": "3600",
    }
    command = [sys.executable, "-m", "gateway", "serve", "--host", "127.0.0.1", "--port", "0"]
    with running(command, folder, environment) as server:
        yield Gateway(server, servers.redis_url)


@contextlib.contextmanager
def websockets(way: Literal["broadcast", "await"], folder: Path) -> Iterator[Websockets]:
    """Run websockets' own server, which tells its room in this way."""
    script = HERE / "websockets_server.py"
    with running([sys.executable, script, str(len(EVENT)), way], folder) as server:
        yield Websockets(server)


@contextlib.contextmanager
def send_loop(program: Path, members: int, folder: Path) -> Iterator[SendLoop]:
    """Run the C loop of ``send()``."""
    with running([program, str(members), str(len(FRAME))], folder) as server:
        yield SendLoop(server)


def compile_send_loop() -> Path | None:
    """Compile the C loop and return the program, or ``None`` where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    BUILD.mkdir(exist_ok=True)
    program = BUILD / "send_loop"
    options = ("-O2", "-Wall", "-Wextra")
    subprocess.run([compiler, *options, "-o", program, HERE / "send_loop.c"], check=True)
    return program
