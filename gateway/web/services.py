"""What the HTTP API is given to work with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from prometheus_client.registry import Collector, CollectorRegistry

from gateway.activities.accounts.service import Accounts
from gateway.activities.activity import Submit
from gateway.activities.people.service import People
from gateway.activities.reading.service import Reading
from gateway.activities.rooms.inviting import Invitations
from gateway.activities.rooms.service import Rooms
from gateway.core.health import HealthReport

MAX_BODY_BYTES: Final = 64 * 1024
"""No request of this API needs more than a few hundred bytes."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """``allowed_origins``: the other web sites whose pages may use this gateway.

    Each as the browser writes it, ``https://app.example.com``: no path, and no
    port that is the scheme's own.
    """

    allowed_origins: frozenset[str] = frozenset()
    max_body_bytes: int = MAX_BODY_BYTES


async def no_metrics() -> Collector:
    """Tell nothing: there is no gateway around."""
    return CollectorRegistry()


@dataclass(frozen=True, slots=True)
class Services:
    """The parts behind the routes. ``submit`` is the ledger's door.

    ``health`` looks at every part now, and does not raise.

    ``metrics`` reads them now; ``Unavailable`` when the other workers cannot be asked.
    """

    accounts: Accounts
    rooms: Rooms
    invitations: Invitations
    submit: Submit
    people: People
    reading: Reading
    health: Callable[[], Awaitable[HealthReport]]
    settings: WebSettings
    metrics: Callable[[], Awaitable[Collector]] = no_metrics
