"""An office of ten thousand people in teams of ten: how late everybody hears, and what it costs.

Run ``python -m benchmarks.office`` from the checkout; it takes about two
minutes, most of it for people to come in. Three kinds of events, each at a
steady rate: ephemeral ones, published through Redis as another instance would;
typing, which people send; and messages, which people send and PostgreSQL commits
before anybody hears them.

One gateway on one core; PostgreSQL, Redis and the client share the other.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Annotated, NamedTuple

import typer
from rich.table import Table
from typing_extensions import override

from benchmarks import contenders
from benchmarks.crowd import client_frame
from benchmarks.dialects import Parley
from benchmarks.lineup import Line, open_redis_port
from benchmarks.measures import MEMBERS_A_ROOM
from benchmarks.processes import prepare_client
from benchmarks.report import print_with_machine
from benchmarks.stopwatch import Figures, Stopwatch
from gateway.telemetry import configure_logging

EPHEMERAL_RATES = (10_000, 50_000, 150_000)
TYPING_RATES = (10_000,)
MESSAGE_RATES = (10_000, 50_000)
"""Deliveries a second in a thousand teams, of a tenth as many events."""

TEAMS = 1000


WIDTH = 170

_REFUSAL = b'"error":{"code"'
_TYPING_CHANGED = b'"typing.changed"'


class Office(Stopwatch):
    """People in teams. What they say, the first who came into a team says for all."""

    def __init__(self, parley: Parley, line: Line, port: int, pids: dict[str, int]) -> None:
        super().__init__(port, pids)
        self._parley = parley
        self._line = line
        self._numbers = count(2)  # 1 was the join
        self._tag = token_hex(4)  # keys are for ever
        self._typing: dict[int, bool] = {}
        self._typed_at: dict[int, int] = {}
        self._refused = 0

    def publish(self, rooms: Sequence[int], event: bytes) -> None:
        """Publish an ephemeral event in each of these rooms, as another instance does."""
        self._line.write(b"".join(self._parley.publication(room, event) for room in rooms))

    def say(self, rooms: Sequence[int], event: bytes) -> None:
        """Send it as a message to each of these rooms."""
        for room in rooms:
            key = f"{self._tag}-{next(self._numbers)}"
            self._command(
                room, "chat.send", f',"key":"{key}","data":{{"content":"{event.decode()}"}}'
            )

    def type(self, rooms: Sequence[int], _event: bytes) -> None:
        """Start to type in each of these rooms, or stop."""
        for room in rooms:
            typing = self._typing[room] = not self._typing.get(room, False)
            self._typed_at[room] = time.perf_counter_ns()
            self._command(room, "typing.start" if typing else "typing.stop")

    def stop_typing(self) -> None:
        """Look for stamps again in what comes."""
        self._typed_at.clear()

    def refused(self) -> int:
        """Return how many commands were refused since this was asked before."""
        refused, self._refused = self._refused, 0
        return refused

    def _command(self, room: int, command: str, rest: str = "") -> None:
        number, room_id = next(self._numbers), self._parley.room_id(room)
        text = f'{{"id":{number},"type":"{command}","room":"{room_id}"{rest}}}'
        self.send(room * MEMBERS_A_ROOM, client_frame(text.encode()))

    @override
    def _sent_at(self, octets: bytes, room: int) -> list[int]:
        """Return when the room's last change was sent: what is told of it has no stamp."""
        self._refused += octets.count(_REFUSAL)
        if not self._typed_at:
            return super()._sent_at(octets, room)
        return [self._typed_at[room]] * octets.count(_TYPING_CHANGED)


def main(
    teams: Annotated[int, typer.Option(help="Teams of ten people.")] = TEAMS,
    seconds: Annotated[float, typer.Option(help="How long each rate is held.")] = 5,
) -> None:
    """Measure how late ten thousand people hear, and what it costs."""
    configure_logging("error", as_json=False)
    prepare_client()
    with (
        tempfile.TemporaryDirectory(prefix="parley-bench-") as name,
        contenders.postgres_and_redis(Path(name)) as servers,
    ):
        folder = Path(name) / "gateway"
        folder.mkdir()
        port = open_redis_port(servers)
        with contenders.gateway(servers, folder) as gateway:
            pids = {"gateway": gateway.server.pid, **servers.pids}
            parley = Parley(gateway)
            with Office(parley, Line(port), gateway.server.port, pids) as office:
                office.come_in(parley, [seat // MEMBERS_A_ROOM for seat in range(teams * 10)])
                runs = list(measure(office, teams / TEAMS, seconds))
    print_results(runs)


class Run(NamedTuple):
    """One kind of event at one rate."""

    name: str
    figures: Figures
    refused: int
    """Commands that the gateway did not take. It said so."""


def measure(office: Office, share: float, seconds: float) -> Iterator[Run]:
    """Hold this share of each rate for a while."""
    for kind, publish, rates in (
        ("ephemeral", office.publish, EPHEMERAL_RATES),
        ("typing", office.type, TYPING_RATES),
        ("message", office.say, MESSAGE_RATES),
    ):
        for rate in rates:
            events_per_second = rate * share / MEMBERS_A_ROOM
            events = int(events_per_second * seconds)
            figures = office.paced(publish, events, events_per_second)
            yield Run(f"{kind}, {rate * share:,.0f}/s", figures, office.refused())
        office.stop_typing()


def print_results(runs: Sequence[Run]) -> None:
    """Print a line for each run."""
    processes = list(runs[0].figures.cpu_us)
    table = Table(
        *("", "came/s", "refused", "lost", "p50 ms", "p99 ms", "p99.9 ms"),
        *(f"{name}, µs each" for name in processes),
        *("gateway's core", "client's core"),
    )
    for name, figures, refused in runs:
        gateway_share = figures.cpu_us["gateway"] * figures.per_second / 1e6
        table.add_row(
            name,
            f"{figures.per_second:,.0f}",
            f"{refused:,}",
            f"{figures.lost - refused * MEMBERS_A_ROOM:,}",
            *(f"{ms:.2f}" for ms in (figures.p50_ms, figures.p99_ms, figures.p999_ms)),
            *(f"{figures.cpu_us[process]:.2f}" for process in processes),
            f"{gateway_share:.0%}",
            f"{figures.client_share:.0%}",
        )
    print_with_machine(table, width=WIDTH)


if __name__ == "__main__":
    typer.run(main)
