"""Tells of changes soon and seldom: the first at once, what follows it within a tick together.

Telling each change of a lively room costs too much, and telling all of them in
ticks makes everybody wait for half a tick, in quiet rooms as well. So the first
change after a quiet while is told at the end of the turn in which it came, and
what changes from then until the next tick is told by that tick. Between two
ticks nothing is told twice, and what was told last is how things stand.

What is quiet costs nothing: a tick goes through those that have been told of
since the last one, and those that rest for longer.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

UNTIL_NEXT_TICK: Final = 0.0

Item = TypeVar("Item")


class Coalescer(Generic[Item]):
    """Decides when each of many things is told of. ``now`` is seconds of any steady clock."""

    def __init__(self, tell: Callable[[Item], float | None], wake: Callable[[], None]) -> None:
        """``tell`` tells how a thing stands, and returns for how many seconds it rests then.

        It rests until a tick in any case; ``None`` says that there was nothing
        to tell, and that it need not. ``wake`` is to have ``tell_first`` called
        at the end of this turn.
        """
        self._tell = tell
        self._wake = wake
        self._first: dict[Item, None] = {}
        self._rests: dict[Item, float] = {}
        self._held: set[Item] = set()

    def changed(self, item: Item) -> None:
        """Have a thing told of: at the end of this turn, or when it has rested."""
        if item in self._rests:
            self._held.add(item)
            return
        if not self._first:
            self._wake()
        self._first[item] = None

    def tell_first(self, now: float) -> None:
        """Tell of what has changed in this turn after a quiet while."""
        first, self._first = self._first, {}
        for item in first:
            self._tell_one(item, now)

    def tick(self, now: float) -> None:
        """End the rests that are over, and tell of what has changed meanwhile."""
        over = [item for item, until in self._rests.items() if until <= now]
        for item in over:
            del self._rests[item]
            if item in self._held:
                self._held.remove(item)
                self._tell_one(item, now)

    def _tell_one(self, item: Item, now: float) -> None:
        rest_seconds = self._tell(item)
        if rest_seconds is not None:
            self._rests[item] = now + rest_seconds
