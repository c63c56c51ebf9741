"""What is put off to the end of this turn of the event loop, to be done once for all who asked."""

import asyncio
from collections.abc import Callable

import structlog

from gateway.runtime.room import Room

log = structlog.get_logger()


class EndOfTurn:
    """First members are told of what has changed; then all that they are told is written."""

    def __init__(self) -> None:
        self._tellings: list[Callable[[], None]] = []
        self._rooms: list[Room] = []
        self._is_due = False

    def tell(self, telling: Callable[[], None]) -> None:
        """Have members told, just before their rooms are flushed."""
        self._tellings.append(telling)
        self._schedule()

    def flush(self, room: Room) -> None:
        """Have what a room has collected written to its members."""
        self._rooms.append(room)
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        tellings, self._tellings = self._tellings, []
        for telling in tellings:
            _do(telling)
        self._is_due = False
        rooms, self._rooms = self._rooms, []
        for room in rooms:
            _do(room.flush)
        if self._tellings:
            self._schedule()


def _do(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:  # the others' events are not to wait for ever
        log.exception("end_of_turn.failed")
