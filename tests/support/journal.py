"""What recorders write down: each what it was told, all together what was promised to them."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple


class Received(NamedTuple):
    """A durable event, as its bytes came."""

    seq: int
    raw: bytes


class Snapshot(NamedTuple):
    """The state of a room: it stands for all events up to ``seq``."""

    seq: int
    messages: tuple[tuple[int, str], ...]
    """Number and content of the chat messages in it."""


@dataclass(slots=True)
class RoomRecord:
    """What one client was told about one room, in the order in which it came."""

    room: str
    epoch: int | None = None
    seq: int = 0
    told: list[Received | Snapshot] = field(default_factory=list)
    is_open: bool = False
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
