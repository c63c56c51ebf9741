"""What ten thousand people cost who only sit there, and what the memory of one is made of.

Run ``python -m benchmarks.idle`` from the checkout; it takes about three
minutes. Teams of ten, each person with their room open and present there. They
answer pings and do nothing else. Then another gateway is watched by
``tracemalloc`` while fewer people come in, which tells the files whose objects
a connection consists of.
"""

import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from rich.table import Table

from benchmarks.contenders import Gateway, postgres_and_redis
from benchmarks.crowd import Crowd
from benchmarks.measures import WARM_UP, People, bytes_a_connection
from benchmarks.processes import prepare_client, running
from benchmarks.report import print_with_machine
from gateway.embedded import EmbeddedServers
from gateway.telemetry import configure_logging

TRACE: Final = """
import json, os, threading, time, tracemalloc
tracemalloc.start()
def answer():
    while True:
        time.sleep(0.1)
        if not os.path.exists("ask"):
            continue
        statistics = tracemalloc.take_snapshot().statistics("filename")
        with open("sizes", "w") as file:
            json.dump({each.traceback[0].filename: each.size for each in statistics}, file)
        os.remove("ask")
threading.Thread(target=answer, daemon=True).start()
"""
"""Run before the gateway: whenever asked it writes how many bytes each file's lines hold."""

SNAPSHOT_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.1
SMALL_BYTES: Final = 20
"""Files with less of a connection are summed up."""


class Idle(NamedTuple):
    """What idle connections cost: memory of one, CPU of all, pings they answered."""

    bytes_each: float
    core_share: float
    pings: int


def main(
    connections: Annotated[int, typer.Option(help="People who sit there.")] = 10_000,
    seconds: Annotated[float, typer.Option(help="For how long: two heartbeats at least.")] = 60,
    traced: Annotated[int, typer.Option(help="People whose memory is looked into.")] = 2_000,
) -> None:
    """Measure what idle connections cost."""
    configure_logging("error", as_json=False)
    prepare_client()
    with (
        tempfile.TemporaryDirectory(prefix="parley-bench-") as name,
        postgres_and_redis(Path(name)) as servers,
    ):
        folder = Path(name) / "gateway"
        folder.mkdir()
        idle = sit(servers, folder, connections, seconds)
        whole = sit(servers, folder, traced, 0).bytes_each
        parts = look_into(servers, folder, traced)
    table = Table("", "measured", "aim", box=None)
    table.add_row(f"memory of one of {connections:,}", f"{idle.bytes_each / 1024:.2f} KB", "≤ 8 KB")
    pings = f"{idle.pings:,} pings in {seconds:.0f} s"
    table.add_row(f"CPU of all, {pings}", f"{idle.core_share:.2%} of a core", "< 2 %")
    console = print_with_machine(table)
    made_of = Table(f"memory of one of {traced:,}", "bytes", box=None)
    for file, size in parts.most_common():
        made_of.add_row(file, f"{size:,.0f}")
    made_of.add_row("not Python's: uvloop's handles, buffers", f"{whole - parts.total():,.0f}")
    made_of.add_row("together", f"{whole:,.0f}")
    console.print(made_of)


def sit(servers: EmbeddedServers, folder: Path, connections: int, seconds: float) -> Idle:
    """Let people in and have them sit there."""
    with _gateway(servers, folder, "") as gateway, Crowd(gateway.server.port) as crowd:
        everybody = _everybody(gateway, connections)
        before = gateway.server.memory_bytes()
        everybody.come_in(crowd)
        crowd.settle()
        grown = gateway.server.memory_bytes() - before
        spent, began_at = gateway.server.cpu_seconds(), time.monotonic()
        pings = crowd.stay(seconds)
        spent = gateway.server.cpu_seconds() - spent
        return Idle(grown / connections, spent / (time.monotonic() - began_at), pings)


def look_into(servers: EmbeddedServers, folder: Path, connections: int) -> Counter[str]:
    """Return the bytes of a connection that each file's lines hold."""
    with _gateway(servers, folder, TRACE) as gateway, Crowd(gateway.server.port) as crowd:
        everybody = _everybody(gateway, connections)
        before = _sizes(folder)
        everybody.come_in(crowd)
        crowd.settle()
        after = _sizes(folder)
    parts: Counter[str] = Counter()
    for file, size in after.items():
        each = round((size - before.get(file, 0)) / connections)
        parts[_short(file) if each >= SMALL_BYTES else "others"] += each
    return parts


@contextlib.contextmanager
def _gateway(servers: EmbeddedServers, folder: Path, prelude: str) -> Iterator[Gateway]:
    program = f"{prelude}\nfrom gateway.cli import main; main()"
    environment = {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "ARRIVALS_PER_MINUTE": "1000000",
        "LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-c", program, "serve", "--host", "127.0.0.1", "--port", "0"]
    with running(command, folder, environment) as server:
        yield Gateway(server, servers.redis_url)


def _everybody(gateway: Gateway, connections: int) -> People:
    """Make people, after others have come and gone who paid for what is made once."""
    everybody = People.in_teams(gateway, connections)
    bytes_a_connection(gateway, People.in_teams(gateway, WARM_UP))
    return everybody


def _sizes(folder: Path) -> Mapping[str, int]:
    """Ask a traced gateway which files' lines hold how much."""
    ask = folder / "ask"
    ask.touch()
    until = time.monotonic() + SNAPSHOT_SECONDS
    while ask.exists():
        if time.monotonic() > until:
            raise TimeoutError("the gateway did not tell what its memory holds")
        time.sleep(POLL_SECONDS)
    sizes: dict[str, int] = json.loads((folder / "sizes").read_bytes())
    return sizes


def _short(file: str) -> str:
    """Return a file's path from its package on."""
    for parent in (
        "site-packages",
        "gateway",
        f"python{sys.version_info[0]}.{sys.version_info[1]}",
    ):
        _, found, rest = file.rpartition(f"/{parent}/")
        if found:
            return f"gateway/{rest}" if parent == "gateway" else rest
    return file


if __name__ == "__main__":
    typer.run(main)
