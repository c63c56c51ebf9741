"""Commands and events of being in a room."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field
from pydantic_core import PydanticCustomError
from typing_extensions import override

from gateway.core.protocol.base import (
    MAX_INTEGER,
    CommandData,
    DurableCommand,
    EventData,
    Person,
    PersonHere,
    RoomCommand,
    Status,
    WireModel,
)

Role = Literal["admin", "moderator", "member"]

MAX_REASON: Final = 500
"""Characters of the reason for a ban."""

MAX_RETENTION_DAYS: Final = 36_500
"""A century."""


class NoData(CommandData):
    """A command that needs no data."""


class WirePosition(CommandData):
    """How far somebody has read a room's log. Numbers of different epochs do not compare."""

    epoch: Annotated[int, Field(ge=0, le=MAX_INTEGER)]
    seq: Annotated[int, Field(ge=0, le=MAX_INTEGER)]


class RoomJoinData(CommandData):
    """``since`` is how far you have read the room before, if you have: you get what you missed.

    ``status`` is how you are from then on, as by `presence.set`. It counts with the
    first room of a connection: who comes back is as they were, without a moment of
    being something else.
    """

    since: WirePosition | None = None
    status: Status | None = None


class RoomJoin(RoomCommand):
    """Open a room on this connection: its state, or what you missed, and its events from then on.

    Whoever is not a member of a public room becomes one (``member.joined``); a
    private room needs an invitation first. With ``since`` nobody becomes one: who was
    put out meanwhile gets ``not_a_member``.
    """

    type: Literal["room.join"]
    data: RoomJoinData = RoomJoinData()

    @property
    @override
    def shows_activity(self) -> bool:
        """Whether somebody opened the room, and not a client that came back."""
        return self.data.since is None


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
    """Durable: somebody became a member of the room. Who left it muted may still be."""

    type: ClassVar[str] = "member.joined"

    user: Person
    role: Role
    muted_until: datetime | None = None


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("time_out_of_range", "In UTC it is out of range") from None


Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""RFC 3339 with a time zone: without one it would be anybody's guess."""

Reason = Annotated[str, Field(max_length=MAX_REASON, pattern=r"^[^\x00]*$")]


class RoomUpdateData(CommandData):
    """What shall be different; what is left out stays. An empty description is none.

    `retention_days` is how long messages and the log are kept; 0 is for ever.
    """

    name: str | None = None
    description: str | None = None
    is_archived: bool | None = None
    retention_days: Annotated[int | None, Field(ge=0, le=MAX_RETENTION_DAYS)] = None


class RoomUpdate(DurableCommand):
    """Change the room, as its admin. An archived one can be read, not written."""

    makes: ClassVar[str] = "room.updated"

    type: Literal["room.update"]
    data: RoomUpdateData


class MemberLeave(DurableCommand):
    """Stop being a member. The last admin cannot: archive the room, or make another admin."""

    makes: ClassVar[str] = "member.left"

    type: Literal["member.leave"]
    data: NoData = NoData()


class MemberData(CommandData):
    """The person that is meant."""

    user_id: UUID


class SetRoleData(MemberData):
    """Somebody, and what they shall be from now on."""

    role: Role


class MemberSetRole(DurableCommand):
    """Give somebody another role, as the room's admin. One admin stays."""

    makes: ClassVar[str] = "member.role_changed"

    type: Literal["member.set_role"]
    data: SetRoleData


class MemberKick(DurableCommand):
    """Put a member out, as admin, or as moderator if it is a plain member. They may come back."""

    makes: ClassVar[str] = "member.left"

    type: Literal["member.kick"]
    data: MemberData


class BanData(MemberData):
    """Somebody, until when (null: for good), and why."""

    until: Time | None = None
    reason: Reason | None = None


class MemberBan(DurableCommand):
    """Put somebody out and keep them out, member or not; as for `member.kick`."""

    makes: ClassVar[str] = "member.banned"

    type: Literal["member.ban"]
    data: BanData


class MemberUnban(DurableCommand):
    """Let somebody in again who was banned."""

    makes: ClassVar[str] = "member.unbanned"

    type: Literal["member.unban"]
    data: MemberData


class MuteData(MemberData):
    """Somebody, and until when they say nothing; null: they may speak again."""

    until: Time | None


class MemberMute(DurableCommand):
    """Let a member read only, or speak again; as for `member.kick`."""

    makes: ClassVar[str] = "member.muted"

    type: Literal["member.mute"]
    data: MuteData


class RoomUpdated(EventData):
    """Durable: the room is called and kept like this now."""

    type: ClassVar[str] = "room.updated"

    name: str
    description: str | None
    is_archived: bool
    retention_days: int | None


class MemberLeft(EventData):
    """Durable: somebody is not a member any more. Of the room, they are told nothing after this."""

    type: ClassVar[str] = "member.left"

    user: Person
    reason: Literal["left", "kicked", "banned"]


class MemberRoleChanged(EventData):
    """Durable: a member has another role."""

    type: ClassVar[str] = "member.role_changed"

    user: Person
    role: Role


class MemberBanned(EventData):
    """Durable: somebody may not come in until then; null: for good."""

    type: ClassVar[str] = "member.banned"

    user: Person
    until: datetime | None
    reason: str | None


class MemberUnbanned(EventData):
    """Durable: somebody may come in again."""

    type: ClassVar[str] = "member.unbanned"

    user: Person


class MemberMuted(EventData):
    """Durable: a member may say nothing until then; null: may speak again."""

    type: ClassVar[str] = "member.muted"

    user: Person
    until: datetime | None


class PresenceChanged(EventData):
    """Ephemeral: who came, who went and whose status changed since the last of these.

    ``count`` people are here.
    ``joined`` may name people whom the room's state has shown you already, you among them.
    With ``reset`` it replaces the list you have. So it is in a room of more than a
    hundred people, once a second at most: ``joined`` then names the newest ten, and
    ``changed`` none but these.
    """

    type: ClassVar[str] = "presence.changed"

    joined: tuple[PersonHere, ...]
    left: tuple[UUID, ...]
    changed: tuple[PersonHere, ...] = ()
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


class RoomStanding(RoomInfo):
    """A room, and how you stand to it: your read marker, a `seq` of its log, among other things."""

    is_archived: bool
    read_up_to: int
    muted_until: datetime | None


ROOM_COMMANDS: tuple[type[RoomCommand], ...] = (
    RoomJoin,
    RoomLeave,
    RoomUpdate,
    MemberLeave,
    MemberSetRole,
    MemberKick,
    MemberBan,
    MemberUnban,
    MemberMute,
    TypingStart,
    TypingStop,
)
ROOM_EVENTS: tuple[type[EventData], ...] = (
    RoomUpdated,
    MemberJoined,
    MemberLeft,
    MemberRoleChanged,
    MemberBanned,
    MemberUnbanned,
    MemberMuted,
    PresenceChanged,
    TypingChanged,
)
