"""Commands about rooms that change no log of one that is open: what the HTTP API has, too."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from gateway.activities.rooms import fields
from gateway.activities.rooms.messages import MemberData, NoData
from gateway.core.protocol.base import Command, CommandData, RoomCommand


class RoomCreateData(CommandData):
    """A new room. Names need not be unique."""

    name: Annotated[str, Field(min_length=1, max_length=fields.MAX_NAME)]
    description: Annotated[str | None, Field(max_length=fields.MAX_DESCRIPTION)] = None
    is_private: bool = False


class RoomCreate(Command):
    """Create a room and become its admin. It has no `key`: asked again, it makes another."""

    type: Literal["room.create"]
    data: RoomCreateData


class RoomList(Command):
    """Your rooms, with how much is unread; `inbox.open` also tells what changes."""

    is_activity: ClassVar[bool] = False

    type: Literal["room.list"]
    data: NoData = NoData()


class RoomDirectoryData(CommandData):
    """The beginning of a name, in any case, and the `next` of the page before."""

    search: Annotated[str, Field(max_length=fields.MAX_NAME)] = ""
    after: Annotated[str | None, Field(max_length=1000)] = None


class RoomDirectory(Command):
    """A page of the public rooms, in the order of their names."""

    is_activity: ClassVar[bool] = False

    type: Literal["room.directory"]
    data: RoomDirectoryData = RoomDirectoryData()


class InviteLinkData(CommandData):
    """How long the link is good, and for how many people; null is any number."""

    expires_in_seconds: Annotated[
        int, Field(ge=1, le=int(fields.MAX_INVITATION_LIFETIME.total_seconds()))
    ] = int(fields.INVITATION_LIFETIME.total_seconds())
    max_uses: Annotated[int | None, Field(ge=1, le=fields.MAX_INVITATION_USES)] = None


class RoomInviteLink(RoomCommand):
    """Make a link into a room, as its admin or moderator: whoever has its token may come in."""

    type: Literal["room.invite_link"]
    data: InviteLinkData = InviteLinkData()


class RoomInvite(RoomCommand):
    """Invite a person into a room, as its admin or moderator; it shows in their inbox for a week.

    Said again, it is good for longer.
    """

    type: Literal["room.invite"]
    data: MemberData


class RoomInvitations(RoomCommand):
    """Who is invited into a room and has not come in, and its links; for admins and moderators."""

    type: Literal["room.invitations"]
    data: NoData = NoData()


class WithdrawData(CommandData):
    """An invitation of the room, by person or as a link."""

    invitation_id: UUID


class RoomWithdrawInvitation(RoomCommand):
    """End an invitation, whoever made it, as an admin or moderator. Safe to repeat."""

    type: Literal["room.withdraw_invitation"]
    data: WithdrawData


class InvitationUseData(CommandData):
    """The token of a link."""

    token: Annotated[str, Field(min_length=1, max_length=256)]


class InvitationUse(Command):
    """Become a member of the room that a link leads to. Safe to repeat."""

    type: Literal["invitation.use"]
    data: InvitationUseData


class InvitationData(CommandData):
    """An invitation of your inbox."""

    invitation_id: UUID


class InvitationAccept(Command):
    """Become a member of the room that somebody invites you into. Safe to repeat."""

    type: Literal["invitation.accept"]
    data: InvitationData


class InvitationDecline(Command):
    """Have an invitation taken out of your inbox. Safe to repeat."""

    type: Literal["invitation.decline"]
    data: InvitationData


ROOM_REQUESTS: tuple[type[Command], ...] = (
    RoomCreate,
    RoomList,
    RoomDirectory,
    RoomInviteLink,
    RoomInvite,
    RoomInvitations,
    RoomWithdrawInvitation,
    InvitationUse,
    InvitationAccept,
    InvitationDecline,
)
