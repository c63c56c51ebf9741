"""A run from beginning to end: options, phases, the check, the verdict.

Scenarios derive from ``LoadTest`` and are bound to Locust by ``listen``.
"""

import argparse
import contextlib
import gc
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import gevent
from locust import events
from locust.env import Environment

from loadtests.figures import TICK_MS, Figures, percentile
from loadtests.member import Member
from loadtests.people import Api, Guest, read_people
from loadtests.record import Fault, RoomRecord, missing
from loadtests.summary import Claim, Period, Summary, write_summary

LAG_SECONDS: Final = 0.05
"""How often this process looks how late it is itself."""

PERIOD_SECONDS: Final = 5.0
"""The pieces in which the summary tells how it went."""

SETTLE_SECONDS: Final = 15.0
"""How long the last deliveries may take before they count as lost."""


@dataclass(frozen=True)
class Seat:
    """Who somebody is, which number they have among all, and in which room they sit."""

    number: int
    guest: Guest
    record: RoomRecord


class LoadTest:
    """Everybody comes in, works for a while, and falls silent; then everything is checked."""

    name: ClassVar[str] = ""
    p99_ms: ClassVar[float] = 100.0
    """What the slowest hundredth of the deliveries may take, unless an option says otherwise."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.records: list[RoomRecord] = []
        self.members: list[Member] = []
        self.arrived = 0
        """How many have come in, or failed to."""
        self.is_quiet = True
        """Whether nobody is to begin anything: until all are in, and again in the end."""
        self.periods: list[Period] = []
        """How it went while people worked, piece by piece."""
        self.notes: list[tuple[str, str]] = []
        """What else the summary tells."""
        self._guests: list[Guest] = []
        self._is_done = False

    def listen(self) -> None:
        """Bind this run to Locust."""
        events.init_command_line_parser.add_listener(self._add_options)
        events.init.add_listener(self._init)
        events.test_start.add_listener(self._start)
        events.quitting.add_listener(self._quit)

    # What scenarios may change

    def add_options(self, group: "argparse._ArgumentGroup") -> None:
        """Add the scenario's own options."""

    def room_size(self) -> int:
        """Return how many sit in each room."""
        return int(self.options.room_size)

    def direct(self) -> None:
        """Lead the run, from when people are signed in until they are to fall silent."""
        self.await_arrivals(self.users)
        self.work(self.options.hold_seconds)

    def wait_at_the_door(self, member: Member) -> None:
        """Keep somebody waiting who is not to come in yet."""

    def address_for(self, member: Member) -> tuple[str, int]:  # noqa: ARG002 - resume's concern
        """Return where a member is to connect."""
        return self.address

    def cut_off(self, member: Member, reason: str) -> None:  # noqa: ARG002 - resume's concern
        """Judge that a connection has ended without the member wanting it."""
        self.fault("disconnected", Fault(reason))

    # What members and scenarios use

    @property
    def users(self) -> int:
        """How many people take part."""
        return int(self.environment.runner.target_user_count) if self.environment.runner else 0

    def take_seat(self, member: Member) -> Seat:
        """Give a member the next person and place."""
        number = len(self.members)
        self.members.append(member)
        return Seat(number, self._guests[number], self.records[number // self.room_size()])

    def fire(
        self, kind: str, name: str, taken_ns: int | None, exception: Exception | None = None
    ) -> None:
        """Tell Locust of something that took so long, or that only happened (``None``)."""
        self.environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=taken_ns / 1e6 if taken_ns is not None else None,
            response_length=0,
            exception=exception,
            context={},
        )

    def fault(self, name: str, fault: Exception) -> None:
        """Tell Locust that something is wrong."""
        self.fire("fault", name, None, fault)

    @contextlib.contextmanager
    def measured(self, kind: str, name: str) -> Iterator[None]:
        """Tell Locust how long the block took, or how it failed."""
        started = time.monotonic_ns()
        try:
            yield
        except Exception as error:
            self.fire(kind, name, time.monotonic_ns() - started, error)
            raise
        self.fire(kind, name, time.monotonic_ns() - started)

    def await_arrivals(self, count: int) -> None:
        """Wait until so many have come in. Raises ``Fault`` when they do not."""
        started = time.monotonic()
        self.wait_until(lambda: self.arrived >= count, f"{count} people have come in")
        self.notes.append((f"{count:,} people came in", f"{time.monotonic() - started:.1f} s"))

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something. Raises ``Fault`` when it does not come about."""
        deadline = time.monotonic() + self.options.patience_seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Fault(f"not within {self.options.patience_seconds} s: {what}")
            gevent.sleep(0.05)

    def work(self, seconds: float) -> None:
        """Let everybody do what the scenario says, for so long."""
        with self.working():
            gevent.sleep(seconds)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Let everybody do what the scenario says, during the block, and note what it cost."""
        gc.collect()
        gc.freeze()  # those who are in stay, and are no garbage
        deliveries, started, used = self.figures.deliveries, time.monotonic(), self._cpu_seconds()
        self.is_quiet = False
        watching = gevent.spawn(self._watch_periods)
        yield
        watching.kill()
        self.is_quiet = True
        took = time.monotonic() - started
        rate = (self.figures.deliveries - deliveries) / took
        self.notes.append((f"deliveries a second, over {took:.0f} s", f"{rate:,.0f}"))
        for name, cpu in self._cpu_seconds().items():
            self.notes.append((f"CPU of {name}", f"{(cpu - used[name]) / took:.0%} of a core"))

    # Locust's events

    def _add_options(self, parser: argparse.ArgumentParser, **_: object) -> None:
        group = parser.add_argument_group(f"the scenario {self.name!r}")
        group.add_argument("--room-size", type=int, default=10, help="People in each room.")
        group.add_argument(
            "--hold-seconds", type=float, default=30, help="How long they work when all are in."
        )
        group.add_argument(
            "--patience-seconds", type=float, default=60, help="How long coming in may take."
        )
        group.add_argument(
            "--p99-ms", type=float, default=self.p99_ms, help="Most that p99 may be, to pass."
        )
        group.add_argument(
            "--summary", type=Path, default=None, help="Folder for summary.md and latency.svg."
        )
        group.add_argument(
            "--people", type=Path, default=None, help="Who they are, if not to be made over HTTP."
        )
        group.add_argument(
            "--gateway-pid", type=int, action="append", default=[], help="Whose CPU is told."
        )
        self.add_options(group)

    def _init(self, environment: Environment, **_: object) -> None:
        self.environment = environment
        self.options: Any = environment.parsed_options
        environment.events.request.add_listener(self.figures.note)
        _soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    def _start(self, **_: object) -> None:
        host = urlsplit(self.environment.host or "")
        if not host.hostname:
            raise SystemExit("--host names the gateway, for example http://127.0.0.1:8000")
        self.address = (host.hostname, host.port or 80)
        started = time.monotonic()
        self._make_people()
        took = time.monotonic() - started
        self.notes.append(
            (f"{self.users:,} guests and {len(self.records):,} rooms", f"{took:.1f} s")
        )
        gevent.spawn(self._watch_lag)
        gevent.spawn(self._conduct)

    def _make_people(self) -> None:
        if self.options.people is not None:
            self._guests, rooms = read_people(self.options.people)
            self.records = [RoomRecord(room_id) for room_id in rooms]
            return
        api = Api(self.address)
        self._guests = api.new_guests(self.users)
        owners = self._guests[:: self.room_size()]
        names = [f"Load {time.time():.0f} {number}" for number in range(len(owners))]
        self.records = [RoomRecord(room_id) for room_id in api.new_rooms(names, owners)]
        api.close()

    def _conduct(self) -> None:
        try:
            self.direct()
            self.is_quiet = True
            self._settle()
            self._is_done = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has failed and ends
            self.fault("run", error)
        runner = self.environment.runner
        assert runner is not None
        if self.environment.web_ui is None:
            runner.quit()
        else:
            runner.stop()

    def _settle(self) -> None:
        """Wait for what is under way; what does not come is lost."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (self._lacking() or self._unanswered()) and time.monotonic() < deadline:
            gevent.sleep(0.1)
        if lacking := self._lacking():
            self.fault("lost", Fault(f"{lacking} deliveries never came"))
        if unanswered := self._unanswered():
            self.fault("unanswered", Fault(f"{unanswered} commands were never answered"))
        if lost := sum(len(record.lost()) for record in self.records):
            self.fault("lost", Fault(f"{lost} acknowledged commands were heard by nobody"))

    def _lacking(self) -> int:
        present: dict[str, list[Any]] = {record.id: [] for record in self.records}
        for member in self.members:
            if member.is_present:
                present[member.seat.record.id].append(member.hearing)
        return sum(missing(record, present[record.id]) for record in self.records)

    def _unanswered(self) -> int:
        return sum(member.unanswered for member in self.members)

    def _watch_lag(self) -> None:
        while not self._is_done:
            expected = time.monotonic() + LAG_SECONDS
            gevent.sleep(LAG_SECONDS)
            self.figures.note("client", "lateness", (time.monotonic() - expected) * 1e3)

    def _watch_periods(self) -> None:
        self.figures.new_delivery_times()
        while True:
            gevent.sleep(PERIOD_SECONDS)
            self.periods.append(Period.of(self.figures.new_delivery_times(), PERIOD_SECONDS))

    def _cpu_seconds(self) -> dict[str, float]:
        used = {"this client": time.process_time()}
        for number, pid in enumerate(self.options.gateway_pid, 1):
            # The clock of another process, as clock_getcpuclockid(3) makes it.
            with contextlib.suppress(OSError):
                used[f"gateway {number}"] = time.clock_gettime(~pid << 3 | 2)
        return used

    def claims(self) -> list[Claim]:
        """Return what a run must show to pass."""
        limit = self.options.p99_ms
        prompt = percentile(self.figures.delivery_times(in_ticks=False), 99)
        in_ticks = percentile(self.figures.delivery_times(in_ticks=True), 99)
        errors = len(self.environment.runner.exceptions) if self.environment.runner else 0
        return [
            Claim("the run came to its end", self._is_done, ""),
            Claim("nobody stumbled over this client", not errors, f"{errors} kinds of errors"),
            Claim(
                "nothing lost, doubled, refused or cut off",
                not self.figures.failures,
                f"{self.figures.failures} faults",
            ),
            Claim("something was delivered", prompt > 0, f"{self.figures.deliveries:,} deliveries"),
            Claim(f"p99 of deliveries below {limit:g} ms", prompt < limit, f"{prompt:.1f} ms"),
            Claim(
                f"p99 of typing and presence below {limit + TICK_MS:g} ms",
                in_ticks < limit + TICK_MS,
                f"{in_ticks:.1f} ms",
            ),
        ]

    def _quit(self, environment: Environment, **_: object) -> None:
        claims = self.claims()
        environment.process_exit_code = 0 if all(claim.holds for claim in claims) else 1
        summary = Summary(self.name, self.users, claims, self.notes, self.periods, self.figures)
        write_summary(summary, self.options.summary)
