"""Commands and events of being in a room."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from gateway.core.protocol.base import (
    CommandData,
    EventData,
    Person,
    RoomCommand,
    WireModel,
)

Role = Literal["admin", "moderator", "member"]


class NoData(CommandData):
    """A command that needs no data."""


class WirePosition(CommandData):
    """How far somebody has read a room's log. Numbers of different epochs do not compare."""

    epoch: Annotated[int, Field(ge=0)]
    seq: Annotated[int, Field(ge=0)]


class RoomJoinData(CommandData):
    """``since`` is how far you have read the room before, if you have: you get what you missed."""

    since: WirePosition | None = None


class RoomJoin(RoomCommand):
    """Open a room on this connection: its state, or what you missed, and its events from then on.

    Whoever is not a member of a public room becomes one (``member.joined``); a
    private room needs an invitation first.
    """

    type: Literal["room.join"]
    data: RoomJoinData = RoomJoinData()


class RoomLeave(RoomCommand):
    """Close a room on this connection. Membership, and other connections, stay."""

    type: Literal["room.leave"]
    data: NoData = NoData()


class TypingStart(RoomCommand):
    """Say that you are typing; good for six seconds, so repeat it while it is true.

    Every few seconds: said again within one second it changes nothing.
    """

    type: Literal["typing.start"]
    data: NoData = NoData()


class TypingStop(RoomCommand):
    """Say that you have stopped typing."""

    type: Literal["typing.stop"]
    data: NoData = NoData()


class MemberJoined(EventData):
    """Durable: somebody became a member of the room."""

    type: ClassVar[str] = "member.joined"

    user: Person
    role: Role


class PresenceChanged(EventData):
    """Ephemeral: who came and who went since the last of these; ``count`` people are here.

    ``joined`` may name people whom the room's state has shown you already, you among them.
    With ``reset`` it replaces the list you have. So it is in a room of more than a
    hundred people, once a second at most: ``joined`` then names the newest ten.
    """

    type: ClassVar[str] = "presence.changed"

    joined: tuple[Person, ...]
    left: tuple[UUID, ...]
    count: int
    reset: bool = False


class TypingChanged(EventData):
    """Ephemeral: who is typing now, twenty at most. The list replaces the one before."""

    type: ClassVar[str] = "typing.changed"

    users: tuple[Person, ...]


class RoomInfo(WireModel):
    """A room, as its members see it."""

    id: UUID
    name: str
    description: str | None
    is_private: bool
    role: Role


ROOM_COMMANDS: tuple[type[RoomCommand], ...] = (RoomJoin, RoomLeave, TypingStart, TypingStop)
ROOM_EVENTS: tuple[type[EventData], ...] = (MemberJoined, PresenceChanged, TypingChanged)
