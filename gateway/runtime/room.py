"""A room, as one instance serves it: its local members, and how far they have been told.

Durable events reach the members in ``seq`` order without a gap: what is older
than ``seq`` is dropped, what is newer waits until the log has filled the gap.
Frames for the members are collected and leave in one write per member and turn
of the event loop. For members that take compressed frames they are compressed
once, whatever their number.

A connection that has the room open is in one of three states. A *member* gets
what the others get. A *newcomer* is on its way in: its state, or the end of
the log that it missed, is being read. A *parked* one reads too slowly, or has
come back from far behind: nothing is sent to it from here but its position is
noted, and ``catch_up`` makes it a newcomer again.
"""

from collections.abc import Callable
from typing import Protocol

from gateway.core.close_codes import CloseCode
from gateway.core.effects import Departure, find_departures, is_redaction
from gateway.core.frames import deflate_frames, text_frame
from gateway.core.ids import Position, RoomId, Seq, UserId
from gateway.core.publication import Publication
from gateway.core.roster import Roster
from gateway.core.typing_list import TypingList

MAX_WAITING = 1_000
"""Publications kept beyond a gap. Past it they are dropped: the log has them."""

MAX_HELD = 10_000
"""Publications kept while a newcomer's state is read. Past it the newcomer must start over."""


class Member(Protocol):
    """A connection, as a room sees it."""

    @property
    def takes_deflate(self) -> bool:
        """Whether frames for it may be compressed."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """What sends ready frames."""

    @property
    def user_id(self) -> UserId | None:
        """Who it is."""

    def put_out(self, room_id: RoomId) -> None:
        """Have the room closed here: the person is not a member any more."""

    def start_over(self, code: CloseCode) -> None:
        """Be closed, to come back and join anew."""


class _Newcomer:
    """A member on the way in.

    ``held`` keeps the durable publications until it is known how far what is
    sent to it beforehand reaches; from then on ``after`` says that, and what
    it covers is skipped.
    """

    __slots__ = ("after", "held")

    def __init__(self) -> None:
        self.held: list[Publication] = []
        self.after: Seq | None = None


class Room:
    """The local half of a room. Everything here is synchronous; the hub does the waiting."""

    __slots__ = (
        "_deflated_writes",
        "_ephemeral",
        "_flushed",
        "_forget_log",
        "_frames",
        "_newcomers",
        "_parked",
        "_schedule_flush",
        "_standing",
        "_waiting",
        "_writes",
        "deliveries",
        "epoch",
        "id",
        "roster",
        "seq",
        "typing",
    )

    def __init__(
        self,
        room_id: RoomId,
        position: Position,
        schedule_flush: Callable[["Room"], None],
        forget_log: Callable[[RoomId], None],
    ) -> None:
        """``forget_log`` is called when events of the room's log have been redacted."""
        self.id = room_id
        self.epoch = position.epoch
        self.seq = position.seq
        self.roster = Roster()
        self.typing = TypingList()
        self._flushed = position.seq
        self._ephemeral = 0
        self.deliveries = 0
        """Live events handed to sockets: one event to one member is one."""
        self._schedule_flush = schedule_flush
        self._forget_log = forget_log
        self._writes: dict[Member, Callable[[bytes], None]] = {}
        self._deflated_writes: dict[Member, Callable[[bytes], None]] = {}
        """The members that take compressed frames; ``_writes`` has the others."""
        self._newcomers: dict[Member, _Newcomer] = {}
        self._parked: dict[Member, Seq] = {}
        self._standing: dict[Member, Seq] = {}
        self._frames: list[bytes] = []
        self._waiting: dict[Seq, Publication] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no local connection has this room open."""
        return not (self._writes or self._deflated_writes or self._newcomers or self._parked)

    @property
    def members(self) -> tuple[Member, ...]:
        """Every local connection that has this room open."""
        return (*self._writes, *self._deflated_writes, *self._newcomers, *self._parked)

    # Coming and going

    def expect(self, member: Member) -> None:
        """Hold the room's events for a connection that is being told what came before them."""
        self._take_out(member)
        self._newcomers[member] = _Newcomer()

    def admit(self, member: Member, after: Seq) -> None:
        """Let in an expected connection that has just been sent everything up to ``after``.

        One that left meanwhile stays out.
        """
        newcomer = self._newcomers.get(member)
        if newcomer is None:
            return
        newcomer.after = after
        held, newcomer.held = newcomer.held, []
        for publication in held:
            if member in self._newcomers:  # a write may park it
                self._pass_on(member, newcomer, publication)
        self._promote(member, newcomer)

    def park(self, member: Member) -> None:
        """Take out a connection that reads too slowly, noting how far it has been told.

        One that is being told right now stays, until whoever tells it knows how far.
        """
        if self._writes_for(member).pop(member, None) is not None:
            self._parked[member] = self._flushed
            return
        newcomer = self._newcomers.get(member)
        if newcomer is not None and newcomer.after is not None:
            self.park_at(member, newcomer.after)

    def park_at(self, member: Member, after: Seq) -> None:
        """Note that a connection has been told everything up to ``after``, and no more for now."""
        self._take_out(member)
        self._parked[member] = after

    def parked_at(self, member: Member) -> Seq | None:
        """Return how far a parked connection has been told; ``None`` when it is not parked."""
        return self._parked.get(member)

    def remove(self, member: Member) -> None:
        """Forget a connection."""
        self._take_out(member)
        self._standing.pop(member, None)

    def vouch(self, member: Member, seq: Seq) -> None:
        """Note that it is a member after event ``seq``, though it may have been none in between.

        For one that is told older events first.
        """
        self._standing[member] = seq

    def end_of(self, member: Member, frames: bytes) -> Seq | None:
        """Return the first event in these frames with which a connection is to be put out."""
        for departure in find_departures(frames):
            if self._is_end_of(member, departure):
                return departure.seq
        return None

    def _take_out(self, member: Member) -> None:
        self._writes_for(member).pop(member, None)
        self._newcomers.pop(member, None)
        self._parked.pop(member, None)

    # Events

    def receive(self, publication: Publication) -> bool:
        """Take in durable events from anywhere, in any order; ``False`` when there is a gap."""
        if publication.last <= self.seq:
            return True
        if publication.first > self.seq + 1:
            if len(self._waiting) < MAX_WAITING:
                self._waiting[publication.first] = publication
            return False
        self._deliver(publication.after(self.seq))
        self._deliver_waiting()
        return not self._waiting

    def tell(self, message: bytes) -> None:
        """Send a message that is not in the log to everybody, newcomers with a state included."""
        self.tell_frames(text_frame(message))

    def tell_frames(self, frames: bytes) -> None:
        """Do the same with messages that are framed already."""
        for member, newcomer in list(self._newcomers.items()):
            if newcomer.after is not None:
                member.write(frames)
        self._ephemeral += 1
        self._collect(frames)

    def start_epoch(self, epoch: int, seq: Seq) -> None:
        """Follow another log: everybody must come back and read the room anew."""
        self.epoch = epoch
        self.seq = self._flushed = seq
        self._frames.clear()
        self._ephemeral = 0
        self._waiting.clear()
        for member in self.members:
            member.start_over(CloseCode.NEW_EPOCH)

    def flush(self) -> None:
        """Write what was collected: once per member, whatever the number of frames."""
        if not self._frames:
            return
        frames, self._frames = b"".join(self._frames), []
        events = self.seq - self._flushed + self._ephemeral
        self._flushed = self.seq
        self._ephemeral = 0
        writes = list(self._writes.values())  # a copy: a write may park its member
        for write in writes:
            write(frames)
        self.deliveries += events * len(writes)
        if self._deflated_writes:
            deflated = deflate_frames(frames)
            writes = list(self._deflated_writes.values())
            for write in writes:
                write(deflated)
            self.deliveries += events * len(writes)

    def _deliver(self, publication: Publication) -> None:
        # In pieces, as what follows the end of a membership is not for who was put out by it.
        for departure in find_departures(publication.body):
            self._hand_out(publication.until(departure.seq), departure)
            publication = publication.after(departure.seq)
        if publication.first <= publication.last:
            self._hand_out(publication, None)

    def _hand_out(self, publication: Publication, departure: Departure | None) -> None:
        """Deliver events, of which the last may be a ``departure``."""
        self.seq = publication.last
        self._collect(publication.body)
        if departure is not None:
            self.flush()  # which tells them that
            for member in (*self._writes, *self._deflated_writes, *self._parked):
                if self._is_end_of(member, departure):
                    member.put_out(self.id)
        for member, newcomer in list(self._newcomers.items()):
            self._pass_on(member, newcomer, publication)
            self._promote(member, newcomer)
        if is_redaction(publication.body):
            self._forget_log(self.id)

    def _is_end_of(self, member: Member, departure: Departure) -> bool:
        """Tell whether it ends the membership by which this connection is here."""
        is_own = departure.user_id == member.user_id
        return is_own and departure.seq > self._standing.get(member, 0)

    def _collect(self, frames: bytes) -> None:
        if not self._frames:
            self._schedule_flush(self)
        self._frames.append(frames)

    def _pass_on(self, member: Member, newcomer: _Newcomer, publication: Publication) -> None:
        if newcomer.after is None and len(newcomer.held) < MAX_HELD:
            newcomer.held.append(publication)
        elif newcomer.after is None:
            self.remove(member)
            member.start_over(CloseCode.SLOW_READER)
        elif publication.last > newcomer.after:
            news = publication.after(newcomer.after)
            newcomer.after = news.last  # noted first: the write may park it, there
            member.write(news.body)
            if self.end_of(member, news.body) is not None:
                member.put_out(self.id)

    def _promote(self, member: Member, newcomer: _Newcomer) -> None:
        """Make a newcomer a member like the others, once the live events reach its state."""
        if newcomer.after is None or self.seq < newcomer.after or member not in self._newcomers:
            return
        self.flush()  # frames collected so far are not for the newcomer: it has had them
        del self._newcomers[member]
        self._standing.pop(member, None)
        self._writes_for(member)[member] = member.write

    def _writes_for(self, member: Member) -> dict[Member, Callable[[bytes], None]]:
        return self._deflated_writes if member.takes_deflate else self._writes

    def _deliver_waiting(self) -> None:
        """Deliver what waited for the gap that has just been filled, as far as it joins on."""
        for first in sorted(self._waiting):
            if first > self.seq + 1:
                return
            publication = self._waiting.pop(first)
            if publication.last > self.seq:
                self._deliver(publication.after(self.seq))
