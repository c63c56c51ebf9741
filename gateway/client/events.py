"""What a room tells: the gateway's own events, and what the client adds to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.activities.protocol import Behind, RoomState
from gateway.core.ids import RoomId
from gateway.core.protocol.base import EventData


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event that a newer gateway sends and this client does not know."""

    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RoomSnapshot:
    """The whole room: when it is opened, and when too much has happened while you were away.

    It holds everything up to now; the events after it follow.
    """

    state: RoomState


@dataclass(frozen=True, slots=True)
class Resumed:
    """The room is open again, and the events that you missed follow, every one.

    ``missed`` is their number. Who is here and who types is up to date in
    ``Room.state``.
    """

    missed: int


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is back. ``Resumed`` or a ``RoomSnapshot`` follows."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is lost, or could not be opened again; the next attempt is on its way."""

    reason: str
    retry_in_seconds: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened in a room.

    ``data`` says what: match on its class. Durable events have a ``seq``, which
    numbers them in their room without a gap, the time ``at``, who did it
    (``by``) and the ``key`` of the command behind it; for all others these are
    ``None``.
    """

    data: EventData | UnknownEvent | RoomSnapshot | Resumed | Behind | Connected | Disconnected
    room: RoomId
    seq: int | None = None
    at: datetime | None = None
    by: UUID | None = None
    key: str | None = None
