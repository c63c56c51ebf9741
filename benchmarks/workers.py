"""What a delivery costs when several workers share the members of a room, and one alone.

Run ``python -m benchmarks.workers`` from the checkout; it takes about a minute.
The same members, rooms and ephemeral events, published through Redis; the CPU
of all processes of the gateway, the parent included, for each delivery. Two
workers with a core each carry 2 / ratio times the deliveries of one, as far as
Redis and the network do.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self
from uuid import UUID

import typer
from redis import Redis
from rich.table import Table

from benchmarks.contenders import FRAME, JOINED, WELCOME, Gateway, join
from benchmarks.crowd import Crowd, upgrade_request
from benchmarks.processes import prepare_client, running
from benchmarks.report import print_with_machine
from gateway.backplane.keys import room_channel
from gateway.core.ids import RoomId
from gateway.core.publication import Kind, Publication
from gateway.embedded import EmbeddedServers, embedded_servers
from gateway.telemetry import configure_logging

MEMBERS = 1000
SHAPES = (1, 10, 100)
"""Numbers of rooms that the members are spread over."""

IN_FLIGHT = (1, 8)
"""Events in each room at once."""


@dataclass
class Rooms:
    """A running gateway with its members in some rooms."""

    gateway: Gateway
    crowd: Crowd
    channels: Sequence[bytes]
    redis: Redis

    @classmethod
    def fill(cls, gateway: Gateway, crowd: Crowd, rooms: int, redis: Redis) -> Self:
        """Let one person in, on so many connections, the rooms taking turns."""
        (token,) = gateway.new_guests(1)
        room_ids = gateway.new_rooms(token, rooms)
        crowd.connect([upgrade_request(token)] * MEMBERS, until=WELCOME)
        crowd.ask([join(room_ids[number % rooms]) for number in range(MEMBERS)], until=JOINED)
        crowd.settle()
        return cls(gateway, crowd, [room_channel(RoomId(UUID(room))) for room in room_ids], redis)

    def micros_a_delivery(self, deliveries: int, in_flight: int) -> float:
        """Return the CPU (µs) of all processes for each delivery."""
        publication = Publication(Kind.EPHEMERAL, FRAME).encode()
        turns = deliveries // (in_flight * MEMBERS)
        before = family_cpu_seconds(self.gateway.server.pid)
        for _ in range(turns):
            with self.redis.pipeline(transaction=False) as pipe:
                for channel in self.channels * in_flight:
                    pipe.publish(channel, publication)
                pipe.execute()
            self.crowd.expect(in_flight * MEMBERS * len(FRAME))
        spent = family_cpu_seconds(self.gateway.server.pid) - before
        return spent / (turns * in_flight * MEMBERS) * 1e6


def family_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its children, by the kernel's clock of each."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(time.clock_gettime(~member << 3 | 2) for member in (pid, *map(int, children)))


@contextlib.contextmanager
def gateway(servers: EmbeddedServers, folder: Path, workers: int) -> Iterator[Gateway]:
    """Run a gateway of so many workers, which share one core."""
    environment = {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "MAX_CONNECTIONS_PER_USER": "1000000",
        "ARRIVALS_PER_MINUTE": "1000000",
        "LOG_LEVEL": "warning",
        # No pings: they would come into the count.
        "HEARTBEAT_SECONDS": "3600",
    }
    command = [sys.executable, "-m", "gateway", "serve", "--host", "127.0.0.1", "--port", "0"]
    with running([*command, "--workers", str(workers)], folder, environment) as server:
        yield Gateway(server, servers.redis_url)


def measure(
    servers: EmbeddedServers, folder: Path, rooms: int, workers: int, rounds: int, deliveries: int
) -> dict[int, list[tuple[float, float]]]:
    """Return the cost with one worker and with several, round by round, by events in flight."""
    with contextlib.ExitStack() as stack:
        redis = Redis.from_url(servers.redis_url)
        contenders = []
        for count in (1, workers):
            running_gateway = stack.enter_context(gateway(servers, folder, count))
            crowd = stack.enter_context(Crowd(running_gateway.server.port))
            contenders.append(Rooms.fill(running_gateway, crowd, rooms, redis))
        return {
            in_flight: [
                (
                    contenders[0].micros_a_delivery(deliveries, in_flight),
                    contenders[1].micros_a_delivery(deliveries, in_flight),
                )
                for _ in range(rounds)
            ]
            for in_flight in IN_FLIGHT
        }


def main(
    workers: Annotated[int, typer.Option(help="Workers that are compared with one.")] = 2,
    rounds: Annotated[int, typer.Option(help="Rounds; the table shows their median.")] = 5,
    deliveries: Annotated[int, typer.Option(help="Deliveries a round.")] = 100_000,
) -> None:
    """Measure what a delivery costs with one worker, and with several."""
    configure_logging("error", as_json=False)
    prepare_client()
    asyncio.run(_main(workers, rounds, deliveries))


async def _main(workers: int, rounds: int, deliveries: int) -> None:
    table = Table(
        "rooms", "members of each", "in flight", "one (µs)", f"{workers} (µs)", "ratio", "carry"
    )
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as name:
        folder = Path(name) / "gateway"
        folder.mkdir()
        async with embedded_servers(Path(name)) as servers:
            for rooms in SHAPES:
                # The event loop stands still meanwhile.
                for in_flight, pairs in measure(
                    servers, folder, rooms, workers, rounds, deliveries
                ).items():
                    one, several = (statistics.median(costs) for costs in zip(*pairs, strict=True))
                    ratio = statistics.median(some / alone for alone, some in pairs)
                    table.add_row(
                        *(str(rooms), str(MEMBERS // rooms), str(in_flight)),
                        *(f"{one:.2f}", f"{several:.2f}", f"{ratio:.2f}"),
                        f"{workers / ratio:.2f} ×",
                    )
    print_with_machine(table)


if __name__ == "__main__":
    typer.run(main)
