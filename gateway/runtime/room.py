"""A room, as one instance serves it: its local members, and how far they have been told.

Durable events reach the members in ``seq`` order without a gap: what is older
than ``delivered`` is dropped, what is newer waits until the log has filled the
gap. Frames for the members are collected and leave in one write per member
and turn of the event loop.
"""

from collections.abc import Callable
from typing import Protocol

from gateway.core.frames import text_frame
from gateway.core.ids import Position, RoomId, Seq
from gateway.core.publication import Publication
from gateway.core.roster import Roster
from gateway.core.typing_list import TypingList

MAX_WAITING = 1_000
"""Publications kept beyond a gap. Past it they are dropped: the log has them."""

MAX_HELD = 10_000
"""Publications kept while a newcomer's state is read. Past it the newcomer must start over."""


class Member(Protocol):
    """A connection, as a room sees it."""

    def write(self, frames: bytes) -> None:
        """Send ready frames."""

    def fall_behind(self) -> None:
        """Learn that events were dropped for it: it must come back and resume."""


class _Newcomer:
    """A member on the way in: its state is being read, or is ahead of the live events.

    ``held`` keeps the durable publications until the state's position is
    known; from then on ``after`` is that position, and what it covers is
    skipped.
    """

    __slots__ = ("after", "held")

    def __init__(self) -> None:
        self.held: list[Publication] = []
        self.after: Seq | None = None


class Room:
    """The local half of a room. Everything here is synchronous; the hub does the waiting."""

    __slots__ = (
        "_frames",
        "_newcomers",
        "_schedule_flush",
        "_waiting",
        "_writes",
        "epoch",
        "id",
        "roster",
        "seq",
        "typing",
    )

    def __init__(
        self, room_id: RoomId, position: Position, schedule_flush: Callable[["Room"], None]
    ) -> None:
        self.id = room_id
        self.epoch = position.epoch
        self.seq = position.seq
        self.roster = Roster()
        self.typing = TypingList()
        self._schedule_flush = schedule_flush
        self._writes: dict[Member, Callable[[bytes], None]] = {}
        self._newcomers: dict[Member, _Newcomer] = {}
        self._frames: list[bytes] = []
        self._waiting: dict[Seq, Publication] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no local connection is in, nor on its way in."""
        return not self._writes and not self._newcomers

    def __contains__(self, member: Member) -> bool:
        """Tell whether a connection is in, or on its way in."""
        return member in self._writes or member in self._newcomers

    # Coming and going

    def expect(self, member: Member) -> None:
        """Hold the room's events for a member whose state is about to be read."""
        self._newcomers[member] = _Newcomer()

    def admit(self, member: Member, after: Seq) -> None:
        """Let a member in whose state, sent just now, covers the log up to ``after``.

        ``KeyError`` unless it is expected.
        """
        newcomer = self._newcomers[member]
        newcomer.after = after
        held, newcomer.held = newcomer.held, []
        for publication in held:
            self._pass_on(member, newcomer, publication)
        self._promote(member, newcomer)

    def remove(self, member: Member) -> None:
        """Forget a connection."""
        self._writes.pop(member, None)
        self._newcomers.pop(member, None)

    # Events

    def receive(self, publication: Publication) -> bool:
        """Take in durable events from anywhere, in any order; ``False`` when there is a gap."""
        if publication.last <= self.seq:
            return True
        if publication.first > self.seq + 1:
            if len(self._waiting) < MAX_WAITING:
                self._waiting[publication.first] = publication
            return False
        if publication.first <= self.seq:
            # Part of it was delivered by a page of the log: the rest comes from there too.
            return False
        self._deliver(publication)
        while (following := self._waiting.pop(Seq(self.seq + 1), None)) is not None:
            self._deliver(following)
        self._drop_stale()
        return not self._waiting

    def tell(self, message: bytes) -> None:
        """Send a message that is not in the log to everybody, newcomers with a state included."""
        frame = text_frame(message)
        for member, newcomer in self._newcomers.items():
            if newcomer.after is not None:
                member.write(frame)
        self._collect(frame)

    def flush(self) -> None:
        """Write what was collected: once per member, whatever the number of frames."""
        if not self._frames:
            return
        frames, self._frames = b"".join(self._frames), []
        for write in self._writes.values():
            write(frames)

    def _deliver(self, publication: Publication) -> None:
        self.seq = publication.last
        self._collect(publication.body)
        for member, newcomer in list(self._newcomers.items()):
            self._pass_on(member, newcomer, publication)
            self._promote(member, newcomer)

    def _collect(self, frames: bytes) -> None:
        if not self._frames:
            self._schedule_flush(self)
        self._frames.append(frames)

    def _pass_on(self, member: Member, newcomer: _Newcomer, publication: Publication) -> None:
        if newcomer.after is None and len(newcomer.held) < MAX_HELD:
            newcomer.held.append(publication)
        elif newcomer.after is None:
            self.remove(member)
            member.fall_behind()
        elif publication.first > newcomer.after:
            member.write(publication.body)

    def _promote(self, member: Member, newcomer: _Newcomer) -> None:
        """Make a newcomer a member like the others, once the live events reach its state."""
        if newcomer.after is None or self.seq < newcomer.after:
            return
        self.flush()  # frames collected so far are not for the newcomer: it has had them
        del self._newcomers[member]
        self._writes[member] = member.write

    def _drop_stale(self) -> None:
        for first in [first for first in self._waiting if first <= self.seq]:
            del self._waiting[first]
