"""The clients: who they are, what they say, and how long they need to have heard everything."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self

import asyncpg

from tests.chaos.habits import Habits
from tests.chaos.options import Options
from tests.chaos.site import Site
from tests.support.journal import Journal
from tests.support.recorder import Recorder
from tests.support.waiting import WAIT_SECONDS

ROOMS_OF_A_CLIENT: Final = 3

SECONDS_BETWEEN_WISHES: Final = 1.5
"""Of one client, on the average."""

MAX_WISHES: Final = 20
"""Commands that one client leaves unanswered before it waits."""

SLOW_SHARE: Final = 0.1
"""Of the clients, now and then, stop reading for a while."""

SECONDS_BETWEEN_PAUSES: Final = 1.0
QUIET_SECONDS: Final = (2.0, 8.0)

PATIENCE_SECONDS: Final = (4.0, 20.0)

SETTLE_SECONDS: Final = 60.0
"""After the last fault everybody has heard everything and has every answer within this."""

RECOVERY_SECONDS: Final = 40.0


class Crowd:
    """All clients of a run."""

    def __init__(
        self,
        recorders: Sequence[Recorder],
        founders: Mapping[str, Recorder],
        rng: random.Random,
    ) -> None:
        """``founders`` are the admins of the rooms."""
        self.recorders = recorders
        self._habits = Habits(recorders, founders, rng)
        self._rng = rng
        self._slow = [recorder for recorder in recorders if recorder.reads_slowly]

    @classmethod
    async def sign_in(cls, site: Site, options: Options, journal: Journal) -> Self:
        """Make rooms, and people who will connect to any of the instances."""
        rng = random.Random(f"{options.seed} crowd")  # noqa: S311 - to be repeated
        gateway = site.instances[0].gateway
        guests = [await gateway.new_guest(f"Client {n}") for n in range(options.clients)]
        # The last ones, as the first read slowly, and an admin should know what happens.
        founders = [guests[-1 - n % len(guests)] for n in range(options.rooms)]
        rooms = [await gateway.new_room(founder, f"Room {n}") for n, founder in enumerate(founders)]
        recorders = []
        for number, guest in enumerate(guests):
            is_slow = number < options.clients * SLOW_SHARE
            mine = rng.sample(rooms, min(ROOMS_OF_A_CLIENT, len(rooms)))
            own = [room for room, founder in zip(rooms, founders, strict=True) if founder == guest]
            mine = [*own, *(room for room in mine if room not in own)]
            if is_slow and rooms[0] not in mine:
                mine[-1] = rooms[0]
            recorders.append(
                Recorder(
                    f"c{number}",
                    guest,
                    site.addresses,
                    mine,
                    journal,
                    random.Random(rng.random()),  # noqa: S311 - to be repeated
                    patience_seconds=rng.uniform(*PATIENCE_SECONDS),
                    reads_slowly=is_slow,
                )
            )
        by_user = {recorder.user: recorder for recorder in recorders}
        admins = [by_user[founder.id] for founder in founders]
        return cls(recorders, dict(zip(rooms, admins, strict=True)), rng)

    async def talk(self) -> None:
        """Have somebody wish for something, again and again: until cancelled."""
        while True:
            pause = self._rng.expovariate(len(self.recorders) / SECONDS_BETWEEN_WISHES)
            await asyncio.sleep(pause)
            recorder = self._rng.choice(self.recorders)
            if len(recorder.wishes) < MAX_WISHES:
                self._habits.act(recorder)

    async def dawdle(self) -> None:
        """Have one of the slow readers stop reading now and then: until cancelled."""
        while True:
            await asyncio.sleep(self._rng.expovariate(1 / SECONDS_BETWEEN_PAUSES))
            if self._slow:
                seconds = self._rng.uniform(*QUIET_SECONDS)
                self._rng.choice(self._slow).quiet_until = time.monotonic() + seconds


class Probes:
    """One client at each instance, directly, in a room of their own: all should hear all."""

    def __init__(self, recorders: Sequence[Recorder], room: str) -> None:
        self.recorders = recorders
        self._room = room
        self._missing: set[tuple[str, str]] = set()
        self._heard = asyncio.Event()
        for recorder in recorders:
            recorder.on_event = lambda key, name=recorder.name: self._hear(name, key)

    @classmethod
    async def sign_in(cls, site: Site, options: Options, journal: Journal) -> Self:
        """Make the room, and one client for each instance."""
        gateway = site.instances[0].gateway
        recorders = []
        room = await gateway.new_room(await gateway.new_guest("Surveyor"), "Probes")
        for number, instance in enumerate(site.instances):
            guest = await gateway.new_guest(f"Probe {number}")
            rng = random.Random(f"{options.seed} probe {number}")  # noqa: S311 - to be repeated
            ways_in = [instance.direct_url]
            recorders.append(
                Recorder(f"probe{number}", guest, ways_in, [room], journal, rng, tick_seconds=0.02)
            )
        return cls(recorders, room)

    def say(self, number: int) -> str:
        """Have one of them send a message; return its key."""
        return self.recorders[number].say(self._room)

    async def recovery_seconds(self) -> float | None:
        """Send a message from each instance; return when all have both, ``None`` if they do not."""
        started = time.monotonic()
        keys = [recorder.say(self._room) for recorder in self.recorders]
        self._missing = {(recorder.name, key) for recorder in self.recorders for key in keys}
        self._heard.clear()
        try:
            async with asyncio.timeout(RECOVERY_SECONDS):
                await self._heard.wait()
        except TimeoutError:
            return None
        return time.monotonic() - started

    def _hear(self, name: str, key: str) -> None:
        self._missing.discard((name, key))
        if not self._missing:
            self._heard.set()


@asynccontextmanager
async def connected(site: Site, *recorders: Recorder) -> AsyncIterator[None]:
    """Keep clients connected for the block, from the moment when all are in their rooms."""
    async with asyncio.TaskGroup() as group:
        for recorder in recorders:
            group.create_task(recorder.run())
        assert not await settle(recorders, site.servers.database_url, WAIT_SECONDS)
        yield
        for recorder in recorders:
            recorder.stop()


async def settle(
    recorders: Sequence[Recorder], database_url: str, within_seconds: float
) -> list[str]:
    """Return when all have heard everything and have every answer, or who has not in time."""
    conn = await asyncpg.connect(database_url)
    until = time.monotonic() + within_seconds
    try:
        while True:
            rows = await conn.fetch("select id, last_seq from rooms")
            ends = {str(row["id"]): row["last_seq"] for row in rows}
            banned = {
                (str(row["room_id"]), str(row["user_id"]))
                for row in await conn.fetch(
                    # Others come back, and that is an event.
                    "select room_id, user_id from room_bans where until is null"
                )
            }
            behind = [what for recorder in recorders for what in _lacks(recorder, ends, banned)]
            if not behind or time.monotonic() > until:
                return behind
            await asyncio.sleep(0.2)
    finally:
        await conn.close()


def _lacks(
    recorder: Recorder, ends: Mapping[str, int], banned: Collection[tuple[str, str]]
) -> Iterator[str]:
    """Yield what a client still waits for."""
    for wish in recorder.wishes.values():
        yield f"{recorder.name} has no final answer to {wish}"
    for record in recorder.records.values():
        if (record.room, recorder.user) in banned:
            if record.is_open or not record.is_out:
                yield f"{recorder.name} is banned from room {record.room} and has not been told"
        elif not record.is_open or record.seq != ends[record.room]:
            state = "open" if record.is_open else "not open"
            yield (
                f"{recorder.name} is at {record.seq} of {ends[record.room]} "
                f"in room {record.room}, which is {state}"
            )
