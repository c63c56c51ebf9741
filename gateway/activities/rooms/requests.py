"""Requests about rooms: each calls the method that the HTTP route calls."""

from datetime import timedelta

from gateway.activities.activity import Request
from gateway.activities.rooms.asking import (
    InvitationAccept,
    InvitationDecline,
    InvitationUse,
    RoomCreate,
    RoomDirectory,
    RoomInvitations,
    RoomInvite,
    RoomInviteLink,
    RoomList,
    RoomWithdrawInvitation,
)
from gateway.activities.rooms.inviting import Invitations
from gateway.activities.rooms.service import Rooms
from gateway.activities.rooms.views import (
    DirectoryPage,
    Invitation,
    MyRooms,
    OpenInvitations,
    PersonalInvitation,
    RoomView,
)
from gateway.core.identity import Identity
from gateway.core.ids import UserId
from gateway.core.protocol.base import Command


def requests(rooms: Rooms, invitations: Invitations) -> dict[type[Command], Request]:
    """Return who carries out which."""
    return {**_of_rooms(rooms), **_of_invitations(invitations)}


def _of_rooms(rooms: Rooms) -> dict[type[Command], Request]:
    async def create(actor: Identity, command: RoomCreate) -> RoomView:
        data = command.data
        return await rooms.create(
            actor, data.name, description=data.description, is_private=data.is_private
        )

    async def list_mine(actor: Identity, _command: RoomList) -> MyRooms:
        return await rooms.mine(actor)

    async def directory(_actor: Identity, command: RoomDirectory) -> DirectoryPage:
        return await rooms.directory(search=command.data.search, after=command.data.after)

    return {RoomCreate: create, RoomList: list_mine, RoomDirectory: directory}


def _of_invitations(invitations: Invitations) -> dict[type[Command], Request]:
    async def invite_link(actor: Identity, command: RoomInviteLink) -> Invitation:
        return await invitations.make_link(
            actor,
            command.room_id,
            expires_in=timedelta(seconds=command.data.expires_in_seconds),
            max_uses=command.data.max_uses,
        )

    async def invite(actor: Identity, command: RoomInvite) -> PersonalInvitation:
        return await invitations.invite(actor, command.room_id, UserId(command.data.user_id))

    async def list_open(actor: Identity, command: RoomInvitations) -> OpenInvitations:
        return await invitations.of_room(actor, command.room_id)

    async def withdraw(actor: Identity, command: RoomWithdrawInvitation) -> None:
        await invitations.withdraw(actor, command.room_id, command.data.invitation_id)

    async def use(actor: Identity, command: InvitationUse) -> RoomView:
        return await invitations.use_link(actor, command.data.token)

    async def accept(actor: Identity, command: InvitationAccept) -> RoomView:
        return await invitations.accept(actor, command.data.invitation_id)

    async def decline(actor: Identity, command: InvitationDecline) -> None:
        await invitations.decline(actor, command.data.invitation_id)

    return {
        RoomInviteLink: invite_link,
        RoomInvite: invite,
        RoomInvitations: list_open,
        RoomWithdrawInvitation: withdraw,
        InvitationUse: use,
        InvitationAccept: accept,
        InvitationDecline: decline,
    }
