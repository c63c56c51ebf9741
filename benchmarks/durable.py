"""How many messages a second PostgreSQL has, and what each costs the gateway.

Run ``python -m benchmarks.durable`` from the checkout; it takes about a minute.
Messages are sent over a few connections that keep some hundreds under way,
into 1 … 1,000 rooms, to the gateway as it is and, in the same round, to one
that commits every command in a transaction of its own. Nobody is in the rooms:
deliveries are measured elsewhere.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import uvloop
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.contenders import Gateway
from benchmarks.processes import Server, prepare_client, running
from benchmarks.report import print_with_machine
from gateway.embedded import EmbeddedServers, embedded_servers
from gateway.telemetry import configure_logging

CONNECTIONS = 8
WINDOW = 50
"""Messages under way on each connection."""

ROOMS = (1, 10, 100, 1_000)
MESSAGES = 20_000

CONTENT = "a message of the usual length in a chat, sixty-four characters!!"

VARIANTS = {
    "group commit": "",
    "one transaction each": "import gateway.runtime.ledger as ledger; ledger.MAX_BATCH = 1; ",
}
"""The gateway as it is, and with a batch of one: the same code otherwise."""


class Result(NamedTuple):
    """Acknowledged a second; CPU of the gateway in µs a command; latencies in ms."""

    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float


async def main() -> None:
    """Measure, and print the table."""
    configure_logging("warning", as_json=False)
    prepare_client()
    table = Table("rooms", "", "acknowledged/s", "CPU µs", "p50 ms", "p99 ms", box=None)
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as name:
        async with embedded_servers(Path(name)) as servers:
            with ExitStack() as stack:
                running_servers = {
                    variant: stack.enter_context(_serving(Path(name), servers, patch))
                    for variant, patch in VARIANTS.items()
                }
                for rooms in ROOMS:
                    for variant, server in running_servers.items():
                        result = await _measure(Gateway(server, servers.redis_url), rooms)
                        table.add_row(
                            f"{rooms:,}",
                            variant,
                            f"{result.per_second:,.0f}",
                            f"{result.cpu_us:.1f}",
                            f"{result.p50_ms:.1f}",
                            f"{result.p99_ms:.1f}",
                        )
    print_with_machine(table)


@contextmanager
def _serving(folder: Path, servers: EmbeddedServers, patch: str) -> Iterator[Server]:
    program = f"{patch}from gateway.cli import main; main()"
    environment = {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "ARRIVALS_PER_MINUTE": "100000",
        "COMMANDS_PER_SECOND": "1000000",
    }
    command = [sys.executable, "-c", program, "serve", "--port", "0"]
    with running(command, folder, environment) as server:
        yield server


async def _measure(gateway: Gateway, rooms: int) -> Result:
    (token,) = gateway.new_guests(1)
    room_ids = gateway.new_rooms(token, rooms)
    sockets = [await _connect(gateway.server, token) for _ in range(CONNECTIONS)]
    await asyncio.to_thread(gateway.server.rest)
    cpu, started = gateway.server.cpu_seconds(), time.perf_counter()
    waits = await asyncio.gather(*(_send_all(socket, room_ids) for socket in sockets))
    seconds = time.perf_counter() - started
    cpu = gateway.server.cpu_seconds() - cpu
    for socket in sockets:
        await socket.close()
    ordered = sorted(wait for some in waits for wait in some)
    count = len(ordered)
    return Result(
        count / seconds,
        cpu / count * 1e6,
        ordered[count // 2] * 1e3,
        ordered[count * 99 // 100] * 1e3,
    )


async def _connect(server: Server, token: str) -> ClientConnection:
    socket = await connect(
        f"ws://127.0.0.1:{server.port}/ws",
        additional_headers={"Authorization": f"Bearer {token}"},
        compression=None,
        max_queue=None,
    )
    await socket.recv()  # welcome
    return socket


async def _send_all(socket: ClientConnection, room_ids: list[str]) -> list[float]:
    """Send this connection's share, ``WINDOW`` at a time; return how long each took, in seconds."""
    share = MESSAGES // CONNECTIONS
    window = asyncio.Semaphore(WINDOW)
    sent_at: dict[int, float] = {}
    waits: list[float] = []

    async def receive() -> None:
        for _ in range(share):
            reply = json.loads(await socket.recv())
            assert "ok" in reply, reply
            waits.append(time.perf_counter() - sent_at.pop(reply["re"]))
            window.release()

    async with asyncio.TaskGroup() as group:
        group.create_task(receive())
        for number in range(share):
            await window.acquire()
            sent_at[number] = time.perf_counter()
            await socket.send(_message(number, room_ids[number % len(room_ids)], socket))
    return waits


def _message(number: int, room_id: str, socket: ClientConnection) -> str:
    return json.dumps(
        {
            "id": number,
            "type": "chat.send",
            "room": room_id,
            "key": f"{socket.id.hex}-{number}",
            "data": {"content": CONTENT},
        }
    )


if __name__ == "__main__":
    uvloop.run(main())
