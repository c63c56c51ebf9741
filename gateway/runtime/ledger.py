"""Durable commands become events of a room's log, many to a commit.

A room belongs to a lane, and a lane has one transaction under way; what arrives
meanwhile is its next batch. So an idle gateway commits a command at once, and a
busy one pays a handful of round trips for hundreds (group commit). While one
lane waits for PostgreSQL another computes; no two of them want the same room.
A reply leaves only after the commit (promise P1).
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import structlog

from gateway.activities.activity import LookAgain, Submission
from gateway.core.errors import (
    DatabaseUnavailable,
    Draining,
    GatewayError,
    InternalError,
    Overloaded,
)
from gateway.core.fair_queue import FairQueue
from gateway.core.ids import RoomId, UserId
from gateway.core.protocol.base import Committed
from gateway.core.publication import Publication
from gateway.runtime.batch import Batch, Result, Rulebook
from gateway.runtime.ledger_figures import LedgerFigures
from gateway.storage.database import Database
from gateway.storage.random_ids import random_ids

log = structlog.get_logger()

LANES = 3
"""Transactions under way at once: one computes while PostgreSQL is busy with the others."""

MAX_QUEUED = 10_000
"""Commands not answered yet. At 10,000 commits a second that is one second's worth."""

MAX_QUEUED_OF_ROOM = 2_000
"""Commands of one room waiting: a flooded room is told so before the others suffer."""

MAX_BATCH = 200
"""Commands in one transaction: larger ones gain nothing and hold the rooms' locks longer."""

FLUSH_SECONDS = 10.0
"""How long the last commits may take when the gateway stops."""


class Answer(NamedTuple):
    """What became of a command, by the ``id`` that its asker gave it."""

    command_id: int
    result: Result


class Asker(Protocol):
    """Who hands in commands."""

    def answer(self, answers: Sequence[Answer], /) -> None:
        """Take the answers that are there at once."""


class _Entry(NamedTuple):
    submission: Submission
    asker: Asker
    command_id: int
    queued_at: float


class _Done(NamedTuple):
    """What became of the commands of a transaction, and what to tell after its commit."""

    results: list[Result]
    publications: list[tuple[RoomId, Publication]]
    touched: list[tuple[RoomId, set[UserId]]]


class _Waiter:
    """Waits for the answer to one command."""

    def __init__(self) -> None:
        self.result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def answer(self, answers: Sequence[Answer]) -> None:
        """Pass it on, unless the caller has gone."""
        if not self.result.done():
            self.result.set_result(answers[0].result)


class _Lane:
    """The commands of some of the rooms, waiting for their next transaction."""

    def __init__(self) -> None:
        self.queue: FairQueue[RoomId, _Entry] = FairQueue()
        self.wake = asyncio.Event()


class Ledger:
    """The way of every durable command: queue, transaction, reply, publication."""

    def __init__(
        self,
        database: Database,
        rulebook: Rulebook,
        publish: Callable[[RoomId, Publication], None],
        look_again: LookAgain,
    ) -> None:
        """``publish`` is called after a room's commit, in the order of the room's commits.

        And then ``look_again``, for the people whom it has made a difference for.
        """
        self._database = database
        self._rulebook = rulebook
        self._publish = publish
        self._look_again = look_again
        self._new_id = random_ids().__next__
        self._lanes = tuple(_Lane() for _ in range(LANES))
        self._unanswered = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self.figures = LedgerFigures()

    @property
    def queued(self) -> int:
        """How many commands wait for a transaction."""
        return sum(len(lane.queue) for lane in self._lanes)

    def enqueue(self, submission: Submission, asker: Asker, command_id: int) -> None:
        """Have the asker told, exactly once, what became of the command."""
        lane = self._lanes[submission.room_id.int % LANES]
        if self._closed:
            self._refuse(asker, command_id, Draining("This instance is shutting down."))
        elif self._is_full(lane, submission.room_id):
            error = Overloaded("Too many commands are waiting to be committed.")
            self._refuse(asker, command_id, error)
        else:
            entry = _Entry(submission, asker, command_id, time.perf_counter())
            lane.queue.put(submission.room_id, entry)
            lane.wake.set()
            self._unanswered += 1
            self._idle.clear()

    async def submit(self, submission: Submission) -> Committed:
        """Return once the command is committed, or raise what rejected it."""
        waiter = _Waiter()
        self.enqueue(submission, waiter, 0)
        result = await waiter.result
        if isinstance(result, GatewayError):
            raise result.with_traceback(None)  # several may share it
        return result

    async def run(self) -> None:
        """Commit what is queued: until cancelled."""
        async with asyncio.TaskGroup() as lanes:
            for lane in self._lanes:
                lanes.create_task(self._run_lane(lane))

    async def close(self) -> None:
        """Take no more commands, and return when those already taken are answered.

        What PostgreSQL has not committed within ``FLUSH_SECONDS`` stays unanswered.
        """
        self._closed = True
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            log.error("ledger.not_flushed", commands=self._unanswered)

    async def _run_lane(self, lane: _Lane) -> None:
        while True:
            await lane.wake.wait()
            if batch := lane.queue.take(MAX_BATCH):
                await self._commit(batch)
            else:
                lane.wake.clear()

    def _is_full(self, lane: _Lane, room_id: RoomId) -> bool:
        return self._unanswered >= MAX_QUEUED or lane.queue.waiting(room_id) >= MAX_QUEUED_OF_ROOM

    def _refuse(self, asker: Asker, command_id: int, error: GatewayError) -> None:
        self.figures.refused(error)
        asker.answer([Answer(command_id, error)])

    async def _commit(self, batch: Mapping[RoomId, Sequence[_Entry]]) -> bool:
        """Answer the commands, most of them with success; ``False`` when there is no database."""
        entries = [entry for some in batch.values() for entry in some]
        try:
            done = await self._transact(batch)
        except DatabaseUnavailable as error:
            self._answer(entries, [error] * len(entries))
            return False
        except GatewayError as error:  # the only command's own
            self._answer(entries, [error] * len(entries))
            return True
        except Exception as error:
            # Nothing of it is committed; alone, only the one at fault fails.
            if len(entries) > 1:
                log.warning("ledger.batch_failed", commands=len(entries), error=repr(error))
                return await self._commit_halves(entries)
            log.exception("ledger.command_failed")
            self._answer(
                entries, [InternalError("The gateway could not carry this out; its log says why.")]
            )
            return True
        for room_id, publication in done.publications:
            self._publish(room_id, publication)
        for room_id, user_ids in done.touched:
            self._look_again(room_id, user_ids)
        self._answer(entries, done.results)
        return True

    async def _commit_halves(self, entries: Sequence[_Entry]) -> bool:
        """Find the one at fault: of two hundred it takes sixteen transactions."""
        middle = len(entries) // 2
        if await self._commit(_by_room(entries[:middle])):
            return await self._commit(_by_room(entries[middle:]))
        error = DatabaseUnavailable("The database does not answer.")
        rest = entries[middle:]
        self._answer(rest, [error] * len(rest))
        return False

    async def _transact(self, entries: Mapping[RoomId, Sequence[_Entry]]) -> _Done:
        """Commit what can be."""
        submissions = {room_id: [e.submission for e in some] for room_id, some in entries.items()}
        with self.figures.transaction(sum(map(len, entries.values()))):
            async with self._database.transaction() as conn:
                batch = Batch(conn, submissions, self._rulebook, self._new_id)
                results = await batch.run()
                done = _Done(results, batch.publications(), batch.touched())
        return done

    def _answer(self, entries: Sequence[_Entry], results: Sequence[Result]) -> None:
        self.figures.answered(results, [entry.queued_at for entry in entries])
        answers: dict[Asker, list[Answer]] = {}
        for entry, result in zip(entries, results, strict=True):
            answers.setdefault(entry.asker, []).append(Answer(entry.command_id, result))
        for asker, some in answers.items():
            asker.answer(some)
        self._unanswered -= len(entries)
        if not self._unanswered:
            self._idle.set()


def _by_room(entries: Sequence[_Entry]) -> dict[RoomId, list[_Entry]]:
    rooms: dict[RoomId, list[_Entry]] = {}
    for entry in entries:
        rooms.setdefault(entry.submission.room_id, []).append(entry)
    return rooms
