"""What was said in a room and who heard it: the proof that nothing is lost and nothing comes twice.

The rooms of a process have their members in the same process, so one record a
room is enough, and a time never travels between two clocks.
"""

from collections.abc import Iterable


class Fault(Exception):
    """The gateway broke a promise."""


class RoomRecord:
    """A room's log, as its members hear it."""

    def __init__(self, room_id: str) -> None:
        self.id = room_id
        self.marks: dict[str, int] = {}
        """When people began or ended what the room is told about in ticks (ns), by what and who."""
        self.repeated: set[str] = set()
        """Keys of commands that were sent again: the time in them is not that of the last try."""
        self._log: dict[int, str | None] = {}
        self._acknowledged: dict[str, int] = {}

    def __len__(self) -> int:
        """Return how many events were heard by anybody."""
        return len(self._log)

    def heard(self, seq: int, key: str | None) -> None:
        """Note an event. Raises ``Fault`` where somebody else has heard another one there."""
        if self._log.setdefault(seq, key) != key:
            raise Fault(f"two events are number {seq} of room {self.id}")

    def acknowledged(self, key: str, seq: int) -> None:
        """Note that a command is said to be event ``seq``.

        Raises ``Fault`` where it has been said to be another one.
        """
        if self._acknowledged.setdefault(key, seq) != seq:
            raise Fault(f"{key} is acknowledged as two events of room {self.id}")

    def lost(self) -> list[str]:
        """Return the keys of acknowledged commands whose events nobody has heard."""
        return [key for key, seq in self._acknowledged.items() if self._log.get(seq) != key]

    def newest(self) -> int:
        """Return the greatest number that anybody has heard, or been acknowledged."""
        return max(self._log.keys() | self._acknowledged.values(), default=0)


class Hearing:
    """How far one member has heard a room."""

    __slots__ = ("_epoch", "_record", "_replayed_until", "_seq")

    def __init__(self, record: RoomRecord) -> None:
        self._record = record
        self._epoch = 0
        self._seq = 0
        self._replayed_until = 0

    @property
    def seq(self) -> int:
        """The newest event that was heard."""
        return self._seq

    @property
    def since(self) -> dict[str, int] | None:
        """What ``room.join`` is told about how far this is; ``None`` before the first time."""
        return {"epoch": self._epoch, "seq": self._seq} if self._seq else None

    @property
    def is_caught_up(self) -> bool:
        """Whether all has come that the reply to ``room.join`` promised."""
        return self._seq >= self._replayed_until

    def joined(self, resume: str, epoch: int, seq: int) -> None:
        """Begin where the reply to ``room.join`` says. Raises ``Fault`` where that skips events."""
        if resume == "up_to_date" and (epoch, seq) != (self._epoch, self._seq):
            raise Fault(f"up to date at {seq}, having heard {self._seq}, in {self._record.id}")
        self._epoch = epoch
        self._replayed_until = seq
        if resume == "snapshot":
            self._seq = seq

    def take(self, seq: int, key: str | None) -> bool:
        """Hear an event; return whether it is new, and not one that was missed before joining.

        Raises ``Fault`` for a gap or a duplicate, and goes on behind it.
        """
        expected, self._seq = self._seq + 1, max(self._seq, seq)
        if seq != expected:
            what = "a gap" if seq > expected else "a duplicate"
            raise Fault(f"{what}: {seq} came instead of {expected} in {self._record.id}")
        self._record.heard(seq, key)
        return seq > self._replayed_until


def missing(record: RoomRecord, present: Iterable[Hearing]) -> int:
    """Return how many deliveries those who are present still lack."""
    newest = record.newest()
    # A silent room has no newest event, and its members have come in further on.
    return sum(max(0, newest - hearing.seq) for hearing in present)
