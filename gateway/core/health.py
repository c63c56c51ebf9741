"""What the health checks found."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One part of the gateway. ``detail`` is for people and holds no secret.

    ``milliseconds`` is how long the check took.
    """

    ok: bool
    detail: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All parts by name."""

    parts: Mapping[str, PartHealth]

    @property
    def ok(self) -> bool:
        """Whether this instance should get traffic: every part is well."""
        return all(part.ok for part in self.parts.values())
