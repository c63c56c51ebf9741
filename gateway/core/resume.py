"""How a client that has been away gets up to date."""

import enum
from typing import Final

from gateway.core.ids import Position

MAX_REPLAY_EVENTS: Final = 5_000
"""Farther behind, a snapshot is shorter than the story."""


class Resume(enum.Enum):
    """The three answers; there is no fourth, such as part of the events."""

    UP_TO_DATE = "up_to_date"
    REPLAY = "replay"
    SNAPSHOT = "snapshot"


def how_to_resume(since: Position | None, now: Position) -> Resume:
    """Return the answer for a client that knows the room up to ``since``.

    A number of another epoch says nothing, and one from the future is of a log
    that no longer exists.
    """
    if since is None or since.epoch != now.epoch or since.seq > now.seq:
        return Resume.SNAPSHOT
    missed = now.seq - since.seq
    if missed == 0:
        return Resume.UP_TO_DATE
    return Resume.REPLAY if missed <= MAX_REPLAY_EVENTS else Resume.SNAPSHOT
