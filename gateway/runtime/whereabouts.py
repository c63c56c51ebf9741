"""Who is connected, as it is written down: ``users.is_online`` and ``users.last_seen``.

Rooms know of presence without a database (``presence.py``); this is for whoever
looks a person up, in no room and hours later. Each instance keeps a row for
each person it serves, written in batches. A person is online while there is a
row of any instance, and the living remove the rows of the dead, which are those
without a lease.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import Final

import structlog

from gateway.backplane.leases import Leases
from gateway.core.errors import BackplaneUnavailable, DatabaseUnavailable
from gateway.core.ids import InstanceId, UserId
from gateway.runtime.presence import LINGER_SECONDS
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import whereabouts as queries

log = structlog.get_logger()

WRITE_SECONDS: Final = 1.0
"""How often it is written who has come and gone."""

SWEEP_SECONDS: Final = 2.0
"""How often the rows are compared with the leases. An instance is dead when it has had no lease
twice in a row: that lets the living take theirs again when Redis has forgotten all. With a lease
of 6.5 s and 2 s between renewals its people are offline within 6.5 + 2 + 2 × 2 + 1 = 13.5 s."""

MAX_WRITTEN: Final = 1_000
"""People written of in one transaction: none holds its locks for long."""


class Whereabouts:
    """Writes down who is connected to this instance, and to no dead one."""

    def __init__(
        self,
        instance_id: InstanceId,
        database: Database,
        leases: Leases,
        people: Collection[UserId],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``people`` are those who have a connection here, at any time that it is looked at."""
        self._instance_id = instance_id
        self._database = database
        self._leases = leases
        self._people = people
        self._now = now
        self.linger_seconds = LINGER_SECONDS
        """How long who may come back is not gone yet: as in rooms."""
        self._due: dict[UserId, float] = {}
        """Who has come or gone, and from when on it counts. Who cannot be written of stays."""
        self._written: set[UserId] = set()
        self._suspects: frozenset[InstanceId] = frozenset()
        self._has_lease = False
        self._is_writing = asyncio.Lock()

    @property
    def is_waiting(self) -> bool:
        """Whether somebody has gone who may come back, or of whom nothing is written yet."""
        return bool(self._due)

    def came(self, user_id: UserId) -> None:
        """Note that a person has one more connection."""
        if user_id not in self._written or user_id in self._due:
            self._due[user_id] = self._now()

    def went(self, user_id: UserId, *, for_good: bool) -> None:
        """Note that they have one less. Who may come back is not gone yet: as in rooms."""
        if user_id not in self._people:
            self._due[user_id] = self._now() + (0 if for_good else self.linger_seconds)

    async def run(self) -> None:
        """Write, and sweep from time to time: until cancelled."""
        swept_at = self._now() - SWEEP_SECONDS
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            try:
                # Before it has a lease, the others would take it for dead.
                if self._has_lease:
                    await self.write()
                if self._now() >= swept_at + SWEEP_SECONDS:
                    swept_at = self._now()
                    await self.sweep()
            except DatabaseUnavailable as error:
                log.warning("whereabouts.no_database", error=error.message)

    async def close(self) -> None:
        """Write of everybody who is pending, at once: this instance stops."""
        try:
            await self.write(until=float("inf"))
        except DatabaseUnavailable as error:  # the living will see to it
            log.warning("whereabouts.not_closed", error=error.message)

    async def write(self, *, until: float | None = None) -> None:
        """Write who has come and gone; ``DatabaseUnavailable`` leaves what is left for later."""
        async with self._is_writing:
            now = self._now() if until is None else until
            due = ((user_id, at) for user_id, at in list(self._due.items()) if at <= now)
            while some := dict(islice(due, MAX_WRITTEN)):
                await self._write_some(some)

    async def sweep(self) -> None:
        """Compare the rows with who lives, and this instance's with who is here.

        Raises ``DatabaseUnavailable``. Without Redis nobody can be told to be dead.
        """
        try:
            # Before the lock: a silent Redis holds up nothing that is written.
            live = await self._leases.live()
        except BackplaneUnavailable as error:
            log.warning("whereabouts.leases_not_read", error=error.message)
            return
        async with self._is_writing:
            async with self._database.connection() as conn:
                rows = await queries.instances_with_people(conn)
                own = await queries.count_people_of(conn, instance_id=self._instance_id)
            self._has_lease = self._instance_id in live
            if self._has_lease and own != len(self._written):
                await self._read_own()
            missing = frozenset(map(InstanceId, rows)) - live - {self._instance_id}
            dead, self._suspects = missing & self._suspects, missing
            for instance_id in dead:
                await self._bury(instance_id)

    async def _write_some(self, some: dict[UserId, float]) -> None:
        here = {user_id for user_id in some if user_id in self._people}
        gone = some.keys() - here
        if news := gone | (here - self._written):
            async with self._database.transaction() as conn:
                known = set(await queries.lock_users(conn, user_ids=sorted(news)))
                came, went = sorted(here & known), sorted(gone & known)
                await _move(conn, self._instance_id, came, went)
            self._written |= here & known
            self._written -= gone
        for user_id, at in some.items():
            if self._due.get(user_id) is at:  # else they have moved meanwhile
                del self._due[user_id]

    async def _read_own(self) -> None:
        """Find out what is written of this instance: it was taken for dead, or a commit is unclear.

        Not while it has no lease: what it writes again would be removed again.
        """
        async with self._database.connection() as conn:
            rows = await queries.people_of(conn, instance_id=self._instance_id, most=None)
        self._written = set(rows)
        for user_id in self._written ^ set(self._people):
            self._due.setdefault(user_id, self._now())

    async def _bury(self, instance_id: InstanceId) -> None:
        """Take a dead instance's people for gone. Any number of instances may do so at once."""
        log.info("whereabouts.instance_died", instance=instance_id)
        while True:
            async with self._database.transaction() as conn:
                people = await queries.people_of(conn, instance_id=instance_id, most=MAX_WRITTEN)
                if not people:
                    return
                await queries.lock_users(conn, user_ids=people)
                await _move(conn, instance_id, (), people)


async def _move(
    conn: Connection, instance_id: InstanceId, came: Sequence[UserId], went: Sequence[UserId]
) -> None:
    """Write that locked people have come to an instance, and that others have gone from it."""
    await queries.note_connections(conn, instance_id=instance_id, here=came, gone=went)
    await queries.tell_whereabouts(
        conn, user_ids=[*came, *went], went=[*(False for _ in came), *(True for _ in went)]
    )
