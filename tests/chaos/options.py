"""How large a run is."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """A run: ``seconds`` is for how long faults are made.

    ``source`` is a checkout to run instead of this one, ``logs`` a folder for
    what the instances log, if it is to be kept.
    """

    seed: int = 1
    seconds: float = 60.0
    clients: int = 200
    rooms: int = 20
    instances: int = 2
    source: Path | None = None
    logs: Path | None = None
