"""What a room tells: the gateway's own events, and what the client adds to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.activities.catalogue import RoomState
from gateway.activities.chat.messages import MessageView
from gateway.core.ids import RoomId
from gateway.core.protocol.base import EventData


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event that a newer gateway sends and this client does not know."""

    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RoomSnapshot:
    """The whole room, as it was when it was joined, or joined again after a lost connection.

    ``missed`` holds the messages that came while the connection was away,
    oldest first. ``missed_more`` tells that there were still older ones, too
    many for a snapshot. Both are empty for the first snapshot of a room.
    """

    state: RoomState
    missed: tuple[MessageView, ...] = ()
    missed_more: bool = False


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is back. A ``RoomSnapshot`` follows."""


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

    data: EventData | UnknownEvent | RoomSnapshot | Connected | Disconnected
    room: RoomId
    seq: int | None = None
    at: datetime | None = None
    by: UUID | None = None
    key: str | None = None
