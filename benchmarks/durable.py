"""How many messages a second PostgreSQL has, and what each costs the gateway.

Run ``python -m benchmarks.durable`` from the checkout; it takes about a minute.
Messages are sent over a few connections that keep some hundreds under way,
into 1 … 1,000 rooms, to the gateway as it is and, in the same round, to one
that commits every command in a transaction of its own. Nobody is in the rooms:
deliveries are measured elsewhere.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

import uvloop
from rich.table import Table

from benchmarks.contenders import Gateway
from benchmarks.processes import Server, prepare_client, running
from benchmarks.report import print_with_machine
from benchmarks.senders import send_all
from gateway.embedded import EmbeddedServers, embedded_servers
from gateway.telemetry import configure_logging

CONNECTIONS = 8
WINDOW = 100
"""Messages under way on each connection."""

ROOMS = (1, 10, 100, 1_000)
MESSAGES = 20_000
SINGLE_MESSAGES = 2_000
"""Where each has its own transaction: it takes as long as ten times as many otherwise."""

CONTENT = "a message of the usual length in a chat, sixty-four characters!!"


class Variant(NamedTuple):
    """A gateway, what it does before it starts, and how many messages it gets."""

    name: str
    patch: str
    messages: int


VARIANTS = (
    Variant("group commit", "", MESSAGES),
    Variant(
        "one transaction each",
        "import gateway.runtime.ledger as ledger; ledger.MAX_BATCH = 1; ",
        SINGLE_MESSAGES,
    ),
)
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
                    variant: stack.enter_context(_serving(Path(name), servers, variant.patch))
                    for variant in VARIANTS
                }
                for rooms in ROOMS:
                    for variant, server in running_servers.items():
                        gateway = Gateway(server, servers.redis_url)
                        result = await asyncio.to_thread(_measure, gateway, rooms, variant.messages)
                        table.add_row(
                            f"{rooms:,}",
                            variant.name,
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


def _measure(gateway: Gateway, rooms: int, messages: int) -> Result:
    (token,) = gateway.new_guests(1)
    room_ids = gateway.new_rooms(token, rooms)
    tag = token_hex(4)  # keys are for ever

    def command(number: int, total: int) -> bytes:
        room = room_ids[total % rooms]
        return (
            f'{{"id":{number},"type":"chat.send","room":"{room}","key":"{tag}-{total}",'
            f'"data":{{"content":"{CONTENT}"}}}}'
        ).encode()

    gateway.server.rest()
    cpu, started = gateway.server.cpu_seconds(), time.perf_counter()
    ordered = sorted(
        send_all(
            gateway.server.port, [token] * CONNECTIONS, command, commands=messages, window=WINDOW
        )
    )
    seconds = time.perf_counter() - started
    cpu = gateway.server.cpu_seconds() - cpu
    return Result(
        messages / seconds,
        cpu / messages * 1e6,
        ordered[messages // 2] * 1e3,
        ordered[messages * 99 // 100] * 1e3,
    )


if __name__ == "__main__":
    uvloop.run(main())
