"""One case of the benchmark of the queries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from benchmarks.query_values import World


class Mode(Enum):
    """What the gateway runs the query in."""

    ALONE = auto()
    """A pool's connection, without a transaction (``Database.connection``)."""

    SNAPSHOT = auto()
    """``Database.snapshot``."""

    TRANSACTION = auto()
    """``Database.transaction``: a batch of commands."""


@dataclass(frozen=True)
class Case:
    """A query (``subject.name``), and the arguments of its next run.

    ``commands`` are carried out by one run; the aim is for each of them.
    """

    name: str
    query: str
    mode: Mode
    arguments: Callable[[World], Mapping[str, Any]]
    commands: int = 1
