"""The other workers of the same gateway, where there are several processes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Readings: TypeAlias = dict[str, Any]
"""What the metrics of a process, or of several together, read: by name, as JSON has it.

A number, numbers by label, or of a histogram its total and then its counts.
"""

ReadAll: TypeAlias = Callable[[], Awaitable[Readings]]


@dataclass(frozen=True, slots=True)
class Siblings:
    """Which of how many workers this is, from 1 on, and how to ask all of them.

    ``read_all`` returns the readings of all together, and raises
    ``Unavailable`` when it cannot; it is ``None`` in a gateway of one process.
    """

    number: int = 1
    count: int = 1
    read_all: ReadAll | None = None


ALONE = Siblings()
