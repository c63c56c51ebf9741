"""One transaction's worth of durable commands, and what became of each.

The rooms are locked for the whole of it, so within a batch the numbers can be
given out in memory; the log and the rooms are written once, at the end.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog

from gateway.activities.activity import (
    Context,
    Handler,
    LockedRoom,
    Outcome,
    Plan,
    Standing,
    Submission,
)
from gateway.core.errors import (
    GatewayError,
    InternalError,
    InvalidField,
    InvalidState,
    UnknownRoom,
)
from gateway.core.frames import text_frame
from gateway.core.ids import RoomId, Seq, UserId
from gateway.core.protocol.base import Committed, DurableCommand
from gateway.core.protocol.encode import encode_event, encode_payload
from gateway.core.publication import Kind, Publication
from gateway.storage.connection import CONNECTION_FAILURES, Connection
from gateway.storage.generated import log as log_queries
from gateway.storage.transactions import savepoint

log = structlog.get_logger()

Result = Committed | GatewayError


class _Event(NamedTuple):
    """A row of the log: an event that has its number and waits for the end of the batch."""

    room_id: RoomId
    seq: Seq
    type: str
    actor: UserId
    key: str | None
    payload: bytes


class _Done(NamedTuple):
    """What became of a command with a key, and the type of its first event."""

    event_type: str
    committed: Committed


@dataclass(slots=True)
class _Room:
    """A locked room and what the batch has added to it so far."""

    locked: LockedRoom
    last_seq: Seq
    is_archived: bool
    standings: dict[UserId, Standing | None] = field(default_factory=dict)
    done: dict[tuple[UserId, str], _Done] = field(default_factory=dict)
    """The replies to commands with a key: of earlier batches and of this one."""
    events: list[_Event] = field(default_factory=list)
    messages: int = 0
    touched: set[UserId] = field(default_factory=set)
    redacted: list[Seq] = field(default_factory=list)

    def find_done(self, submission: Submission) -> Result | None:
        """Return the reply to a command that comes again."""
        if submission.key is None:
            return None
        done = self.done.get((submission.actor.user_id, submission.key))
        if done is None:
            return None
        command = submission.command
        if isinstance(command, DurableCommand) and command.makes != done.event_type:
            return InvalidField('The field "key" is wrong: another command had it.')
        return done.committed

    def admit(self, submission: Submission, in_archive: Collection[type]) -> Standing | None:
        """Return the actor's standing, or raise if there is nothing to be done here."""
        standing = self.standings.get(submission.actor.user_id)
        if standing is None and self.locked.is_private and not submission.invited:
            raise _unknown_room()
        if self.is_archived and type(submission.command) not in in_archive:
            raise InvalidState("This room is archived: it can be read, not written.")
        return standing

    def add(self, submission: Submission, outcome: Outcome, now: datetime) -> Committed:
        """Give the events their numbers; return the reply. The first event carries the key."""
        actor, key = submission.actor.user_id, submission.key
        if outcome.standings:
            self.standings.update(outcome.standings)
        if outcome.touched:
            self.touched.update(outcome.touched)
        if outcome.redacted:
            self.redacted += outcome.redacted
        if outcome.is_archived is not None:
            self.is_archived = outcome.is_archived
        if not outcome.events:
            return Committed(seq=None, at=None)
        committed = Committed(seq=self.last_seq + 1, at=now)
        if key is not None:
            self.done[actor, key] = _Done(outcome.events[0].type, committed)
        self.messages += outcome.messages
        for data in outcome.events:
            self.last_seq = seq = Seq(self.last_seq + 1)
            payload = encode_payload(data)
            self.events.append(_Event(self.locked.id, seq, data.type, actor, key, payload))
            key = None
        return committed

    def publication(self, at: datetime) -> Publication:
        """Return what the members of the room are told, ready to be written to them."""
        frames = [
            text_frame(encode_event(type_, room_id, seq, at, actor, key, payload))
            for room_id, seq, type_, actor, key, payload in self.events
        ]
        return Publication(Kind.EVENTS, b"".join(frames), self.events[0].seq, self.events[-1].seq)


class Rulebook(NamedTuple):
    """Who carries out which command; the ones with a plan are the hot ones."""

    handlers: Mapping[type, Handler]
    plans: Mapping[type, Callable[[], Plan]]
    in_archive: Collection[type] = ()
    """Commands that an archived room takes."""


class _Entry(NamedTuple):
    """A submission, its place in the batch, and its room."""

    place: int
    room: _Room
    submission: Submission


class Batch:
    """Carries out ``submissions``, which come by room, on one connection, in its transaction.

    Those of a room in order, all rooms side by side: first the hot commands at
    the head of every room's queue, all at once, then the others at the head, one
    by one, and again, until nothing waits.
    """

    def __init__(
        self,
        conn: Connection,
        submissions: Mapping[RoomId, Sequence[Submission]],
        rulebook: Rulebook,
        new_id: Callable[[], UUID],
    ) -> None:
        self._conn = conn
        self._submissions = submissions
        self._rulebook = rulebook
        self._new_id = new_id
        self._rooms: dict[RoomId, _Room] = {}
        self._now: datetime | None = None
        self._results: list[Result] = [_unknown_room()] * sum(map(len, submissions.values()))

    async def run(self) -> list[Result]:
        """Return what became of each submission, room after room.

        Nothing of it is true before the commit.
        """
        await self._lock_rooms()
        await self._find_standing()
        queues = self._queues()
        while queues:
            await self._carry_out_hot([*self._heads(queues, hot=True)])
            for place, room, submission in self._heads(queues, hot=False):
                self._results[place] = await self._carry_out(room, submission)
            queues = [queue for queue in queues if queue]
        await self._write_log()
        return self._results

    def publications(self) -> list[tuple[RoomId, Publication]]:
        """Return what to publish once the transaction has been committed."""
        return [
            (room_id, room.publication(self._at))
            for room_id, room in self._rooms.items()
            if room.events
        ]

    def touched(self) -> list[tuple[RoomId, set[UserId]]]:
        """Return whose inboxes show something else of which room, once it has been committed."""
        return [(room_id, room.touched) for room_id, room in self._rooms.items() if room.touched]

    @property
    def _at(self) -> datetime:
        assert self._now is not None  # noqa: S101 - there is no event without a locked room
        return self._now

    async def _lock_rooms(self) -> None:
        rows = await log_queries.lock_rooms(self._conn, room_ids=sorted(self._submissions))
        self._now = max(row.locked_at for row in rows) if rows else None
        for row in rows:
            locked = LockedRoom(
                row.id, row.name, row.is_private, row.is_archived, row.last_seq, row.message_count
            )
            self._rooms[locked.id] = _Room(locked, locked.last_seq, locked.is_archived)

    async def _find_standing(self) -> None:
        """Read the roles of the actors, and which of the commands have been carried out before."""
        actors: list[tuple[RoomId, UserId]] = []
        commands: list[tuple[RoomId, UserId, str]] = []
        for room_id in self._rooms:
            submissions = self._submissions[room_id]
            actors += [(room_id, actor) for actor in {s.actor.user_id for s in submissions}]
            commands += [
                (room_id, s.actor.user_id, s.key) for s in submissions if s.key is not None
            ]
        rows = await log_queries.find_standing(
            self._conn,
            actor_rooms=[room_id for room_id, _ in actors],
            actors=[actor for _, actor in actors],
            command_rooms=[room_id for room_id, _, _ in commands],
            command_actors=[actor for _, actor, _ in commands],
            keys=[key for _, _, key in commands],
        )
        for row in rows:
            room = self._rooms[RoomId(row.room_id)]
            if row.role is not None:
                room.standings[row.actor] = Standing(row.role, row.muted_until)
            if row.key is not None:
                committed = Committed(seq=row.seq, at=row.created_at)
                room.done[row.actor, row.key] = _Done(row.type or "", committed)

    def _queues(self) -> list[deque[_Entry]]:
        """Return what waits in each room that there is."""
        queues = []
        first = 0
        for room_id, submissions in self._submissions.items():
            if (room := self._rooms.get(room_id)) is not None:
                places = enumerate(submissions, first)
                queues.append(deque([_Entry(place, room, entry) for place, entry in places]))
            first += len(submissions)
        return queues

    def _heads(self, queues: Iterable[deque[_Entry]], *, hot: bool) -> Iterator[_Entry]:
        """Take from the head of each queue what is hot, or what is not."""
        plans = self._rulebook.plans
        for queue in queues:
            while queue and (type(queue[0].submission.command) in plans) == hot:
                yield queue.popleft()

    async def _carry_out_hot(self, entries: Sequence[_Entry]) -> None:
        work: dict[Callable[[], Plan], list[Submission]] = {}
        for entry in entries:
            make_plan = self._rulebook.plans[type(entry.submission.command)]
            work.setdefault(make_plan, []).append(entry.submission)
        # In the rulebook's order: who has just come in is written before what they say.
        plans = {
            make_plan: make_plan()
            for make_plan in dict.fromkeys(self._rulebook.plans.values())
            if make_plan in work
        }
        for make_plan, plan in plans.items():
            await plan.load(self._conn, work[make_plan])
        for place, room, submission in entries:
            plan = plans[self._rulebook.plans[type(submission.command)]]
            self._results[place] = self._carry_out_by(plan, room, submission)
        for plan in plans.values():
            await plan.write(self._conn, self._at)

    def _carry_out_by(self, plan: Plan, room: _Room, submission: Submission) -> Result:
        if before := room.find_done(submission):
            return before
        try:
            outcome = plan.carry_out(self._context(room, submission), submission.command)
        except Exception as error:  # noqa: BLE001 - it is logged
            return _rejection(error, submission)
        return room.add(submission, outcome, self._at)

    async def _carry_out(self, room: _Room, submission: Submission) -> Result:
        if before := room.find_done(submission):
            return before
        try:
            outcome = await self._handle(self._context(room, submission), submission.command)
        except CONNECTION_FAILURES:
            raise  # they concern the whole batch
        except Exception as error:
            if self._is_alone:
                raise  # the transaction undoes what the handler wrote
            return _rejection(error, submission)
        return room.add(submission, outcome, self._at)

    async def _handle(self, context: Context, command: object) -> Outcome:
        handler = self._rulebook.handlers[type(command)]
        if self._is_alone:
            # Its failure may end the whole transaction: no savepoint needed.
            return await handler(context, command)
        async with savepoint(self._conn):
            return await handler(context, command)

    @property
    def _is_alone(self) -> bool:
        return len(self._results) == 1

    def _context(self, room: _Room, submission: Submission) -> Context:
        return Context(
            conn=self._conn,
            room=room.locked,
            actor=submission.actor,
            standing=room.admit(submission, self._rulebook.in_archive),
            is_archived=room.is_archived,
            now=self._at,
            seq=Seq(room.last_seq + 1),
            number=room.locked.message_count + room.messages + 1,
            new_id=self._new_id,
        )

    async def _write_log(self) -> None:
        rooms = [room for room in self._rooms.values() if room.events]
        if not rooms:
            return
        rows = [event for room in rooms for event in room.events]
        room_ids, seqs, types, actors, keys, payloads = zip(*rows, strict=True)
        await log_queries.append_events(
            self._conn,
            room_ids=room_ids,
            seqs=seqs,
            types=types,
            actors=actors,
            keys=[key or "" for key in keys],
            payloads=[payload.decode() for payload in payloads],
            log_ids=[room.locked.id for room in rooms],
            last_seqs=[room.last_seq for room in rooms],
            messages_added=[room.messages for room in rooms],
            created_at=self._at,
        )
        for room in rooms:
            if room.redacted:
                await log_queries.redact_events(
                    self._conn, room_id=room.locked.id, seqs=room.redacted
                )


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
