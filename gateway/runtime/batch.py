"""One transaction's worth of durable commands, and what became of each.

The rooms are locked for the whole of it, so within a batch the numbers can be
given out in memory; the log and the rooms are written once, at the end.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import NamedTuple
from uuid import UUID

import structlog

from gateway.activities.activity import (
    Context,
    Handler,
    LockedRoom,
    Outcome,
    Plan,
    Submission,
)
from gateway.core.errors import GatewayError, InternalError, InvalidState, UnknownRoom
from gateway.core.frames import text_frame
from gateway.core.ids import RoomId, Seq, UserId
from gateway.core.protocol.base import Committed
from gateway.core.protocol.encode import encode_event, encode_payload
from gateway.core.publication import Kind, Publication
from gateway.storage.connection import CONNECTION_FAILURES, Connection
from gateway.storage.generated import log as log_queries
from gateway.storage.transactions import savepoint

log = structlog.get_logger()

Result = Committed | GatewayError
KeyOf = tuple[RoomId, UserId, str]


@dataclass(slots=True)
class _Event:
    """An event that has its number and waits for the end of the batch."""

    seq: Seq
    type: str
    actor: UserId
    key: str | None
    payload: bytes


@dataclass(slots=True)
class _Room:
    """A locked room and what the batch has added to it so far."""

    locked: LockedRoom
    last_seq: Seq
    events: list[_Event] = field(default_factory=list)
    messages: int = 0

    def add(self, submission: Submission, outcome: Outcome) -> Seq | None:
        """Give the events their numbers; return the first one's. The first carries the key."""
        first = Seq(self.last_seq + 1) if outcome.events else None
        key = submission.key
        for data in outcome.events:
            self.last_seq = Seq(self.last_seq + 1)
            self.events.append(
                _Event(
                    self.last_seq, data.type, submission.actor.user_id, key, encode_payload(data)
                )
            )
            key = None
        self.messages += outcome.messages
        return first

    def publication(self, at: datetime) -> Publication:
        """Return what the members of the room are told, ready to be written to them."""
        frames = [
            text_frame(
                encode_event(
                    event.type, self.locked.id, event.seq, at, event.actor, event.key, event.payload
                )
            )
            for event in self.events
        ]
        return Publication(Kind.EVENTS, b"".join(frames), self.events[0].seq, self.events[-1].seq)


class Rulebook(NamedTuple):
    """Who carries out which command; the ones with a plan are the hot ones."""

    handlers: Mapping[type, Handler]
    plans: Mapping[type, Callable[[], Plan]]


class _Entry(NamedTuple):
    """A submission and its place in the batch."""

    place: int
    submission: Submission


class Batch:
    """Carries out ``submissions`` on one connection, inside its transaction.

    Those of a room in order, all rooms side by side: first the hot commands at
    the head of every room's queue, all at once, then the others at the head, one
    by one, and again, until nothing waits.
    """

    def __init__(
        self,
        conn: Connection,
        submissions: Sequence[Submission],
        rulebook: Rulebook,
        new_id: Callable[[], UUID],
    ) -> None:
        self._conn = conn
        self._submissions = submissions
        self._rulebook = rulebook
        self._new_id = new_id
        self._rooms: dict[RoomId, _Room] = {}
        self._roles: dict[tuple[RoomId, UserId], str] = {}
        self._done: dict[KeyOf, Committed] = {}
        self._now: datetime | None = None
        self._results: list[Result] = [_unknown_room()] * len(submissions)

    async def run(self) -> list[Result]:
        """Return what became of each submission. Nothing is true before the commit."""
        await self._lock_rooms()
        await self._find_standing()
        queues = {room_id: deque[_Entry]() for room_id in self._rooms}
        for entry in map(_Entry, count(), self._submissions):
            if (queue := queues.get(entry.submission.room_id)) is not None:
                queue.append(entry)
        while any(queues.values()):
            await self._carry_out_hot([*self._heads(queues.values(), hot=True)])
            for place, submission in self._heads(queues.values(), hot=False):
                self._results[place] = await self._carry_out(submission)
        await self._write_log()
        return self._results

    def publications(self) -> list[tuple[RoomId, Publication]]:
        """Return what to publish once the transaction has been committed."""
        return [
            (room_id, room.publication(self._at))
            for room_id, room in self._rooms.items()
            if room.events
        ]

    @property
    def _at(self) -> datetime:
        assert self._now is not None  # noqa: S101 - there is no event without a locked room
        return self._now

    async def _lock_rooms(self) -> None:
        room_ids = sorted({submission.room_id for submission in self._submissions})
        rows = await log_queries.lock_rooms(self._conn, room_ids=room_ids)
        self._now = max(row.locked_at for row in rows) if rows else None
        for row in rows:
            locked = LockedRoom(RoomId(row.id), row.name, row.is_private, row.is_archived)
            self._rooms[locked.id] = _Room(locked, Seq(row.last_seq))

    async def _find_standing(self) -> None:
        """Read the roles of the actors, and which of the commands have been carried out before."""
        actors = {(entry.room_id, entry.actor.user_id) for entry in self._submissions}
        commands = {key for entry in self._submissions if (key := _key_of(entry))}
        rows = await log_queries.find_standing(
            self._conn,
            actor_rooms=[room_id for room_id, _ in actors],
            actors=[actor for _, actor in actors],
            command_rooms=[room_id for room_id, _, _ in commands],
            command_actors=[actor for _, actor, _ in commands],
            keys=[key for _, _, key in commands],
        )
        for row in rows:
            if row.role is not None:
                self._roles[row.room_id, row.actor] = row.role
            if row.key is not None:
                committed = Committed(seq=row.seq, at=row.created_at)
                self._done[row.room_id, row.actor, row.key] = committed

    def _heads(self, queues: Iterable[deque[_Entry]], *, hot: bool) -> Iterator[_Entry]:
        """Take from the head of each queue what is hot, or what is not."""
        for queue in queues:
            while queue and (type(queue[0].submission.command) in self._rulebook.plans) == hot:
                yield queue.popleft()

    async def _carry_out_hot(self, entries: Sequence[_Entry]) -> None:
        work: dict[Callable[[], Plan], list[Submission]] = {}
        for _, submission in entries:
            make_plan = self._rulebook.plans[type(submission.command)]
            work.setdefault(make_plan, []).append(submission)
        plans = {make_plan: make_plan() for make_plan in work}
        for make_plan, plan in plans.items():
            await plan.load(self._conn, work[make_plan])
        for place, submission in entries:
            plan = plans[self._rulebook.plans[type(submission.command)]]
            self._results[place] = self._carry_out_by(plan, submission)
        for plan in plans.values():
            await plan.write(self._conn, self._at)

    def _carry_out_by(self, plan: Plan, submission: Submission) -> Result:
        if before := self._find_done(submission):
            return before
        try:
            room = self._open_room(submission)
            outcome = plan.carry_out(self._context(room, submission), submission.command)
        except Exception as error:  # noqa: BLE001 - it is logged
            return _rejection(error, submission)
        return self._commit(room, submission, outcome)

    async def _carry_out(self, submission: Submission) -> Result:
        if before := self._find_done(submission):
            return before
        try:
            room = self._open_room(submission)
            outcome = await self._handle(self._context(room, submission), submission.command)
        except CONNECTION_FAILURES:
            raise  # they concern the whole batch
        except Exception as error:
            if self._is_alone:
                raise  # the transaction undoes what the handler wrote
            return _rejection(error, submission)
        return self._commit(room, submission, outcome)

    async def _handle(self, context: Context, command: object) -> Outcome:
        handler = self._rulebook.handlers[type(command)]
        if self._is_alone:
            # Its failure may end the whole transaction: no savepoint needed.
            return await handler(context, command)
        async with savepoint(self._conn):
            return await handler(context, command)

    @property
    def _is_alone(self) -> bool:
        return len(self._submissions) == 1

    def _find_done(self, submission: Submission) -> Committed | None:
        key = _key_of(submission)
        return self._done.get(key) if key else None

    def _open_room(self, submission: Submission) -> _Room:
        room = self._rooms[submission.room_id]
        role = self._roles.get((submission.room_id, submission.actor.user_id))
        if room.locked.is_private and role is None and not submission.invited:
            raise _unknown_room()
        if room.locked.is_archived:
            raise InvalidState("This room is archived: it can be read, not written.")
        return room

    def _context(self, room: _Room, submission: Submission) -> Context:
        return Context(
            conn=self._conn,
            room=room.locked,
            actor=submission.actor,
            role=self._roles.get((submission.room_id, submission.actor.user_id)),
            now=self._at,
            seq=Seq(room.last_seq + 1),
            new_id=self._new_id,
        )

    def _commit(self, room: _Room, submission: Submission, outcome: Outcome) -> Committed:
        seq = room.add(submission, outcome)
        if outcome.role is not None:
            self._roles[submission.room_id, submission.actor.user_id] = outcome.role
        committed = Committed(seq=seq, at=self._at if seq else None)
        key = _key_of(submission)
        if key and seq:
            self._done[key] = committed
        return committed

    async def _write_log(self) -> None:
        rooms = [room for room in self._rooms.values() if room.events]
        if not rooms:
            return
        events = [(room.locked.id, event) for room in rooms for event in room.events]
        await log_queries.append_events(
            self._conn,
            room_ids=[room_id for room_id, _ in events],
            seqs=[event.seq for _, event in events],
            types=[event.type for _, event in events],
            actors=[event.actor for _, event in events],
            keys=[event.key or "" for _, event in events],
            payloads=[event.payload.decode() for _, event in events],
            log_ids=[room.locked.id for room in rooms],
            last_seqs=[room.last_seq for room in rooms],
            messages_added=[room.messages for room in rooms],
            created_at=self._at,
        )


def _key_of(submission: Submission) -> KeyOf | None:
    if submission.key is None:
        return None
    return submission.room_id, submission.actor.user_id, submission.key


def _unknown_room() -> UnknownRoom:
    return UnknownRoom("There is no such room, or you may not see it.")


def _rejection(error: Exception, submission: Submission) -> GatewayError:
    """Return what the sender is told."""
    if isinstance(error, GatewayError):
        return error
    log.error(
        "command.failed",
        command=type(submission.command).__name__,
        room=str(submission.room_id),
        actor=str(submission.actor.user_id),
        exc_info=error,
    )
    return InternalError("The gateway could not carry this out; its log says why.")
