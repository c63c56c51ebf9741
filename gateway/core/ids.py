"""Distinct types for everything that is identified, so none is mistaken for another."""

from typing import NamedTuple, NewType
from uuid import UUID

RoomId = NewType("RoomId", UUID)
"""A room (``rooms.id``)."""

UserId = NewType("UserId", UUID)
"""A person, registered or guest (``users.id``)."""

MessageId = NewType("MessageId", UUID)
"""A chat message (``messages.id``)."""

InstanceId = NewType("InstanceId", str)
"""One gateway process; new at every start, so a restarted process is another instance."""

ConnectionId = NewType("ConnectionId", str)
"""One WebSocket connection of one instance."""

SessionId = NewType("SessionId", str)
"""A sign-in session: the SHA-256 of its bearer token (``sessions.sid``), never the token."""

Seq = NewType("Seq", int)
"""The number of a durable event in its room: 1, 2, 3, … without a gap (``room_events.seq``)."""


class Position(NamedTuple):
    """How far somebody has read a room.

    ``epoch`` changes when the database is restored from a backup: numbers of
    another epoch say nothing, and are never compared.
    """

    epoch: int
    seq: Seq
