"""What recorders write down: each what it was told, all together what was promised to them."""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

MAX_HEARD: Final = 30
"""Messages that a client remembers: people react to what is new."""


class Received(NamedTuple):
    """A durable event, as its bytes came."""

    seq: int
    raw: bytes


class Snapshot(NamedTuple):
    """The state of a room: it stands for all events up to ``seq``."""

    seq: int
    messages: tuple[bytes, ...]
    """The chat messages in it, as JSON."""


class Absence(NamedTuple):
    """The room was closed: the gateway had told a member, by event or notice, to be none.

    It was one at ``since``, and is one again at ``until`` (``None``: never again).
    """

    since: int
    until: int | None


class Heard(NamedTuple):
    """A message that a client knows of, and may do something about."""

    id: str
    author: str


@dataclass(slots=True)
class RoomRecord:
    """What one client was told about one room, in the order in which it came."""

    room: str
    user: str
    epoch: int | None = None
    seq: int = 0
    told: list[Received | Snapshot] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    member_at: int = 0
    """The end of the log when the client was let in last."""
    is_open: bool = False
    is_out: bool = False
    """Whether the client was put out, or left, and has not come back."""
    heard: deque[Heard] = field(default_factory=lambda: deque(maxlen=MAX_HEARD))
    reactions: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=MAX_HEARD))
    """Messages and the emoji that the client has put under them."""
    ask_at: float | None = 0.0
    """When to send ``room.join``; ``None`` while its answer is awaited, or the room is open."""


@dataclass(slots=True)
class Journal:
    """What all recorders of a run write into."""

    findings: list[str] = field(default_factory=list)
    found: asyncio.Event = field(default_factory=asyncio.Event)
    counts: Counter[str] = field(default_factory=Counter)
    said_at: dict[str, float] = field(default_factory=dict)
    """When a command was first sent, by key."""
    acknowledged: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Room and number that the gateway has promised, by key."""
    refused: set[str] = field(default_factory=set)
    """Keys of commands that were sent once and answered: refused, or without any effect."""
    latencies: list[float] = field(default_factory=list)
    """Seconds from the first sending of a command to each delivery of its event."""
    started: float = field(default_factory=time.monotonic)
    _texts: dict[bytes, bytes] = field(default_factory=dict)

    def find(self, finding: str) -> None:
        """Note that a promise was broken."""
        self.findings.append(f"{time.monotonic() - self.started:.1f} s: {finding}")
        self.found.set()

    def same(self, raw: bytes) -> bytes:
        """Return one object for equal texts: what a hundred clients got is kept once."""
        return self._texts.setdefault(raw, raw)
