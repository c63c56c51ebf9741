"""How a client that has been away gets up to date."""

import enum
from typing import Final

from gateway.core.ids import Position, Seq

MAX_REPLAY_EVENTS: Final = 5_000
"""Farther behind, a snapshot is shorter than the story."""


class Resume(enum.Enum):
    """The three answers; there is no fourth, such as part of the events."""

    UP_TO_DATE = "up_to_date"
    REPLAY = "replay"
    SNAPSHOT = "snapshot"


def how_to_resume(since: Position | None, now: Position, log_start: Seq) -> Resume:
    """Return the answer for a client that knows the room up to ``since``.

    A number of another epoch says nothing, and one from the future is of a log
    that no longer exists. The log begins at ``log_start``.
    """
    if since is None or since.epoch != now.epoch or since.seq > now.seq:
        return Resume.SNAPSHOT
    missed = now.seq - since.seq
    if missed == 0:
        return Resume.UP_TO_DATE
    is_there = since.seq + 1 >= log_start
    return Resume.REPLAY if is_there and missed <= MAX_REPLAY_EVENTS else Resume.SNAPSHOT
