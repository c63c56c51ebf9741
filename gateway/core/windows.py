"""Counting attempts over fixed windows of time.

A window begins with the first attempt and ends a fixed time later, so what is
kept for each counter is two numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counter:
    """At most ``max_count`` attempts of whatever ``key`` names, in each window."""

    key: str
    max_count: int
    window_seconds: float


@dataclass(slots=True)
class _Window:
    ends_at: float
    count: int


class Windows:
    """Counters in this process's memory, at most ``max_counters`` of them.

    When they are too many, the oldest is forgotten. That opens no door: who
    can make so many has that many addresses, each with attempts of its own.
    """

    def __init__(self, max_counters: int = 100_000) -> None:
        self._max_counters = max_counters
        self._windows: dict[str, _Window] = {}

    def take(self, counters: Sequence[Counter], now: float) -> float:
        """Count one attempt against every counter, unless one of them is full.

        Returns 0 when it was counted, else the seconds until the full window
        ends. A refused attempt is not counted, so a window always ends.
        """
        for counter in counters:
            window = self._open_window(counter.key, now)
            if window and window.count >= counter.max_count:
                return window.ends_at - now
        for counter in counters:
            self._count(counter, now)
        return 0.0

    def give_back(self, counters: Sequence[Counter], now: float) -> None:
        """Take one attempt off each, unless its window has ended meanwhile."""
        for counter in counters:
            window = self._open_window(counter.key, now)
            if window and window.count:
                window.count -= 1

    def forget(self, counter: Counter) -> None:
        """Begin anew at the next attempt."""
        self._windows.pop(counter.key, None)

    def _open_window(self, key: str, now: float) -> _Window | None:
        window = self._windows.get(key)
        return window if window and window.ends_at > now else None

    def _count(self, counter: Counter, now: float) -> None:
        if window := self._open_window(counter.key, now):
            window.count += 1
            return
        # Removed first, so that the dictionary's order is the order of age.
        self._windows.pop(counter.key, None)
        if len(self._windows) >= self._max_counters:
            del self._windows[next(iter(self._windows))]
        self._windows[counter.key] = _Window(now + counter.window_seconds, 1)
