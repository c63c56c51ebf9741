"""What Parley costs on this machine: CPU a delivery, memory a connection, CPU a handshake.

Run ``python -m benchmarks`` from the checkout; it takes about a minute, and
three more where peers are installed. Real processes on loopback: PostgreSQL,
Redis, and the servers that are compared, which take turns, so that a busy
moment of the machine hits them alike.
"""

import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import contenders, lineup, measures
from benchmarks.beside import Sizes, compare
from benchmarks.contenders import UPGRADED, WELCOME, Contender
from benchmarks.crowd import Crowd
from benchmarks.measures import WARM_UP, People
from benchmarks.processes import prepare_client
from benchmarks.report import AWAITED, BROADCAST, PARLEY, SEND_LOOP, Row, print_table, write_json
from gateway.embedded import EmbeddedServers
from gateway.runtime.presence import LINGER_SECONDS
from gateway.telemetry import configure_logging

NO_COMPILER = "no C compiler (cc)"


@dataclass(frozen=True)
class Bench:
    """How much is measured, on which servers, and in which folder."""

    members: int
    events: int
    handshakes: int
    connections: int
    rounds: int
    servers: EmbeddedServers
    folder: Path

    def fan_out(self) -> list[Row]:
        """One room, told by four servers."""
        with contextlib.ExitStack() as stack:
            competing: dict[str, Contender] = {
                PARLEY: stack.enter_context(contenders.gateway(self.servers, self.folder)),
                BROADCAST: stack.enter_context(contenders.websockets("broadcast", self.folder)),
                AWAITED: stack.enter_context(contenders.websockets("await", self.folder)),
            }
            if program := contenders.compile_send_loop():
                competing[SEND_LOOP] = stack.enter_context(
                    contenders.send_loop(program, self.members, self.folder)
                )
            crowds = {
                name: stack.enter_context(Crowd(contender.server.port))
                for name, contender in competing.items()
            }
            for name, contender in competing.items():
                contender.fill(crowds[name], self.members)
            return [
                self._deliveries(
                    "CPU a delivery, one event in flight (µs)", 4.2, 1, competing, crowds
                ),
                self._deliveries("CPU a delivery, eight in flight (µs)", 0.9, 8, competing, crowds),
            ]

    def _deliveries(
        self,
        name: str,
        aim: float,
        in_flight: int,
        competing: dict[str, Contender],
        crowds: dict[str, Crowd],
    ) -> Row:
        values: dict[str, list[float]] = {server: [] for server in competing}
        for _ in range(self.rounds):
            for server, contender in competing.items():
                values[server].append(
                    measures.micros_a_delivery(contender, crowds[server], self.events, in_flight)
                )
        notes = {} if SEND_LOOP in competing else {SEND_LOOP: NO_COMPILER}
        return Row(name, aim, values, notes)

    def handshakes_and_joins(self) -> list[Row]:
        """People who come: strangers, and those who sign in and join a room."""
        shakes: dict[str, list[float]] = {PARLEY: [], BROADCAST: []}
        joins: list[float] = []
        with (
            contenders.gateway(self.servers, self.folder) as gateway,
            contenders.websockets("broadcast", self.folder) as websockets,
        ):
            team = People.in_teams(gateway, self.handshakes)
            measures.micros_a_join(gateway, team)  # the first time makes them members
            for _ in range(self.rounds):
                time.sleep(LINGER_SECONDS)  # until those of the round before are gone
                joins.append(measures.micros_a_join(gateway, team))
                for name, server, until in (
                    (PARLEY, gateway.server, WELCOME),
                    (BROADCAST, websockets.server, UPGRADED),
                ):
                    shakes[name].append(
                        measures.micros_a_handshake(server, self.handshakes, until=until)
                    )
        return [
            Row("CPU a handshake (µs)", 120, shakes),
            Row("CPU a handshake, sign-in and join (µs)", None, {PARLEY: joins}),
        ]

    def memory(self) -> list[Row]:
        """Idle connections, each with one room open and present there."""
        return [
            self._memory("memory a connection, teams of ten (KB)", People.in_teams),
            self._memory("memory a connection, one person (KB)", People.one_person),
        ]

    def _memory(self, name: str, people: measures.MakePeople) -> Row:
        with contenders.gateway(self.servers, self.folder) as gateway:
            everybody = people(gateway, self.connections)
            measures.bytes_a_connection(gateway, people(gateway, WARM_UP))
            kilobytes = measures.bytes_a_connection(gateway, everybody) / 1024
        return Row(name, 8, {PARLEY: [kilobytes]})


def main(
    members: Annotated[int, typer.Option(help="Members of the one room.")] = 1000,
    events: Annotated[int, typer.Option(help="Events a round.")] = 200,
    handshakes: Annotated[int, typer.Option(help="Handshakes a round.")] = 500,
    connections: Annotated[int, typer.Option(help="Idle connections.")] = 2000,
    rounds: Annotated[int, typer.Option(help="Rounds; the table shows their median.")] = 5,
    peer_rounds: Annotated[
        int, typer.Option(help="Rounds beside peers that are installed; 0 for none.")
    ] = 3,
    json: Annotated[Path | None, typer.Option(help="Write every round to this file.")] = None,
) -> None:
    """Measure what a delivery, a handshake and a connection cost on this machine."""
    configure_logging("error", as_json=False)
    prepare_client()
    with (
        tempfile.TemporaryDirectory(prefix="parley-bench-") as name,
        contenders.postgres_and_redis(Path(name)) as servers,
    ):
        folder = Path(name) / "gateway"
        folder.mkdir()
        bench = Bench(members, events, handshakes, connections, rounds, servers, folder)
        rows = [*bench.fan_out(), *bench.handshakes_and_joins(), *bench.memory()]
        print_table(rows)
        comparison = (
            compare(servers, folder, Sizes(rounds=peer_rounds))
            if peer_rounds and lineup.peers_are_installed()
            else None
        )
    if comparison:
        comparison.print()
    if json is not None:
        write_json(rows, json, comparison and comparison.as_json())


if __name__ == "__main__":
    typer.run(main)
