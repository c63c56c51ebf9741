"""A crowd that takes the time of every delivery, whatever protocol it comes in.

Events begin with the time they were sent. What arrives is searched for that
time and not parsed, so a delivery costs this one thread some microseconds, and
it says how busy it was.
"""

import contextlib
import gc
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from benchmarks.crowd import PATIENCE_SECONDS, Crowd
from benchmarks.dialects import Dialect
from benchmarks.processes import cpu_seconds

EVENT_BYTES = 150

SILENCE_SECONDS = 5.0
"""Silence after which what has been sent at a steady rate counts as lost."""

_STAMP = re.compile(rb"sent=(\d{16});")

_KEPT_BYTES = 21
# As long as the part of a stamp that came without its end may be. What follows a stamp in its
# event is longer, so that none is found twice.

_RECEIVE_BYTES = 16 * 1024


def stamped(now_ns: int) -> bytes:
    """Return an event of ``EVENT_BYTES`` that was sent at this time."""
    return (b"sent=%016d;" % now_ns).ljust(EVENT_BYTES, b"x")


class Figures(NamedTuple):
    """What a run measured: latencies in ms, CPU in µs a delivery."""

    per_second: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    cpu_us: Mapping[str, float]
    """By the name of the process."""
    client_share: float
    """How busy the client was, as a share of one core."""
    lost: int
    """Deliveries that were still missing when nothing came any more."""


Publish = Callable[[Sequence[int], bytes], None]
"""Publishes an event in each of these rooms, once for each time that the room is there."""


class Stopwatch(Crowd):
    """People in rooms of one server, equally many in each."""

    def __init__(self, port: int, pids: Mapping[str, int]) -> None:
        super().__init__(port)
        self._pids = pids
        self._room_of: dict[int, int] = {}
        self._rests: dict[int, bytes] = {}
        self._waits: list[int] = []
        self._last_ns = 0

    def come_in(self, dialect: Dialect, rooms: Sequence[int]) -> None:
        """Connect a member for each time that a room is there, and let it in."""
        visits = dialect.visits(rooms)
        self.connect([visit.opening for visit in visits], until=dialect.opened)
        if dialect.joined:
            self.ask([visit.joining for visit in visits], until=dialect.joined)
        self._room_of = dict(zip(self._sockets, rooms, strict=True))
        self._rests = dict.fromkeys(self._sockets, b"")
        self.settle()

    def paced(self, publish: Publish, events: int, events_per_second: float) -> Figures:
        """Publish at a steady rate, in one room after the other, whatever comes back."""
        rooms = sorted(set(self._room_of.values()))
        expected = events * (len(self) // len(rooms))
        with self._measuring(expected) as figures:
            begun, sent = time.perf_counter_ns(), 0
            while len(self._waits) < expected:
                now = time.perf_counter_ns()
                due = min(events, int((now - begun) * events_per_second / 1e9) + 1)
                if due > sent:
                    publish([rooms[event % len(rooms)] for event in range(sent, due)], stamped(now))
                    sent = due
                if sent < events:
                    self._listen(max(0.0, (begun - now) / 1e9 + sent / events_per_second))
                elif self._silent_seconds() > SILENCE_SECONDS:
                    break
                else:
                    self._listen(SILENCE_SECONDS)
        return figures()

    def chased(self, publish: Publish, events: int, in_flight: int) -> Figures:
        """Publish so many at once in each room, and the next when its members have got them."""
        ready = sorted(set(self._room_of.values()))
        missing = dict.fromkeys(ready, 0)
        deliveries = in_flight * (len(self) // len(ready))
        batches, under_way = events // in_flight, 0
        with self._measuring(batches * deliveries) as figures:
            while ready or under_way:
                told, ready = ready[:batches], []
                if told:
                    publish(told * in_flight, stamped(time.perf_counter_ns()))
                    missing |= dict.fromkeys(told, deliveries)
                    batches -= len(told)
                    under_way += len(told)
                if not under_way:
                    break
                for room, arrived in self._listen(PATIENCE_SECONDS).items():
                    missing[room] -= arrived
                    if not missing[room]:
                        ready.append(room)
                        under_way -= 1
                if self._silent_seconds() > PATIENCE_SECONDS:
                    raise TimeoutError(f"nothing comes any more after {len(self._waits)}")
        return figures()

    def _silent_seconds(self) -> float:
        """Return how long no event has come."""
        return (time.perf_counter_ns() - self._last_ns) / 1e9

    def _listen(self, patience_seconds: float) -> Mapping[int, int]:
        """Wait so long at most for bytes; return how many events have come in which room."""
        arrived: defaultdict[int, int] = defaultdict(int)
        for member, _ in self._poll.poll(patience_seconds):
            try:
                octets = self._sockets[member].recv(_RECEIVE_BYTES)
            except BlockingIOError:
                continue
            now = time.perf_counter_ns()
            if not octets:
                raise ConnectionError("the server closed a connection")
            octets = self._rests[member] + octets
            room = self._room_of[member]
            sent_at = self._sent_at(octets, room)
            self._waits += [now - sent for sent in sent_at]
            self._rests[member] = octets[-_KEPT_BYTES:]
            if sent_at:
                arrived[room] += len(sent_at)
                self._last_ns = now
        return arrived

    def _sent_at(self, octets: bytes, _room: int) -> list[int]:
        """Return when each event was sent that is in these bytes of a room's."""
        return list(map(int, _STAMP.findall(octets)))

    @contextlib.contextmanager
    def _measuring(self, expected: int) -> Iterator[Callable[[], Figures]]:
        """Measure what happens within the block; the figures are to be had after it."""
        self._waits.clear()
        gc.collect()
        gc.disable()  # its pauses would be taken for the server's
        spent = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        mine, begun = time.process_time(), time.perf_counter_ns()
        self._last_ns = begun
        try:
            yield lambda: result
        finally:
            gc.enable()
        waits = sorted(self._waits)
        if not waits:
            raise TimeoutError("nothing has come")
        seconds = (self._last_ns - begun) / 1e9
        result = Figures(
            per_second=len(waits) / seconds,
            p50_ms=_quantile(waits, 0.5) / 1e6,
            p99_ms=_quantile(waits, 0.99) / 1e6,
            p999_ms=_quantile(waits, 0.999) / 1e6,
            cpu_us={
                name: (cpu_seconds(pid) - spent[name]) / len(waits) * 1e6
                for name, pid in self._pids.items()
            },
            client_share=(time.process_time() - mine) / seconds,
            lost=expected - len(waits),
        )


def _quantile(ordered: Sequence[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
