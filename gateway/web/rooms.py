"""Routes for rooms: finding, creating, joining, inviting."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from gateway.activities.rooms import fields
from gateway.activities.rooms.views import (
    DirectoryPage,
    Invitation,
    MyInvitations,
    MyRooms,
    OpenInvitations,
    PersonalInvitation,
    RoomView,
)
from gateway.core.errors import (
    Banned,
    Forbidden,
    InvalidField,
    InvalidState,
    InvalidToken,
    OriginNotAllowed,
    RateLimited,
    UnknownInvitation,
    UnknownMember,
    UnknownRoom,
)
from gateway.core.ids import RoomId, UserId
from gateway.web.dependencies import Actor, ServicesDep
from gateway.web.errors import documented
from gateway.web.models import RequestBody

router = APIRouter(tags=["rooms"])


class CreateRoomBody(RequestBody):
    """A new room. Its creator becomes its admin."""

    name: Annotated[
        str, Field(min_length=1, max_length=fields.MAX_NAME, examples=["Sprint planning"])
    ]
    description: Annotated[str | None, Field(max_length=fields.MAX_DESCRIPTION)] = None
    is_private: bool = False


class InviteBody(RequestBody):
    """How long an invitation is good, and for how many people; `null` is any number."""

    expires_in_seconds: Annotated[
        int, Field(ge=1, le=int(fields.MAX_INVITATION_LIFETIME.total_seconds()))
    ] = int(fields.INVITATION_LIFETIME.total_seconds())
    max_uses: Annotated[int | None, Field(ge=1, le=fields.MAX_INVITATION_USES)] = None


class AcceptBody(RequestBody):
    """The token of an invitation."""

    token: Annotated[str, Field(min_length=1, max_length=256)]


@router.post(
    "/rooms",
    status_code=201,
    responses=documented(InvalidField, InvalidToken, OriginNotAllowed),
)
async def create_room(body: CreateRoomBody, actor: Actor, services: ServicesDep) -> RoomView:
    """Create a room and become its admin."""
    return await services.rooms.create(
        actor, body.name, description=body.description, is_private=body.is_private
    )


@router.get("/rooms", responses=documented(InvalidToken))
async def list_my_rooms(actor: Actor, services: ServicesDep) -> MyRooms:
    """List your rooms, with how many messages are unread and mention you."""
    return await services.rooms.mine(actor)


@router.get("/rooms/directory", responses=documented(InvalidField, InvalidToken))
async def list_public_rooms(
    _actor: Actor,
    services: ServicesDep,
    search: Annotated[str, Query(description="The beginning of a name, in any case.")] = "",
    after: Annotated[str | None, Query(description="The `next` of the page before.")] = None,
) -> DirectoryPage:
    """List the public rooms, page by page, in the order of their names."""
    return await services.rooms.directory(search=search, after=after)


@router.put(
    "/rooms/by-name/{name:path}",
    responses=documented(InvalidField, InvalidToken, OriginNotAllowed),
)
async def ensure_public_room(name: str, actor: Actor, services: ServicesDep) -> RoomView:
    """Get the public room of this name; it is created if there is none. Safe to repeat."""
    return await services.rooms.ensure_public(actor, name)


@router.get("/rooms/{room_id}", responses=documented(InvalidField, InvalidToken, UnknownRoom))
async def read_room(room_id: UUID, actor: Actor, services: ServicesDep) -> RoomView:
    """Tell about one room."""
    return await services.rooms.get(actor, RoomId(room_id))


@router.post(
    "/rooms/{room_id}/join",
    responses=documented(
        InvalidField, InvalidToken, UnknownRoom, Banned, InvalidState, OriginNotAllowed
    ),
)
async def join_room(room_id: UUID, actor: Actor, services: ServicesDep) -> RoomView:
    """Become a member of a public room. Safe to repeat."""
    return await services.rooms.join(actor, RoomId(room_id))


@router.post(
    "/rooms/{room_id}/invitations",
    status_code=201,
    responses=documented(InvalidField, InvalidToken, UnknownRoom, Forbidden, OriginNotAllowed),
)
async def invite(
    room_id: UUID, body: InviteBody, actor: Actor, services: ServicesDep
) -> Invitation:
    """Make a link into a room, as its admin or moderator."""
    return await services.invitations.make_link(
        actor,
        RoomId(room_id),
        expires_in=timedelta(seconds=body.expires_in_seconds),
        max_uses=body.max_uses,
    )


@router.get(
    "/rooms/{room_id}/invitations",
    responses=documented(InvalidField, InvalidToken, UnknownRoom, Forbidden),
)
async def list_room_invitations(
    room_id: UUID, actor: Actor, services: ServicesDep
) -> OpenInvitations:
    """List who is invited and has not come in, and the links, as admin or moderator."""
    return await services.invitations.of_room(actor, RoomId(room_id))


@router.delete(
    "/rooms/{room_id}/invitations/{invitation_id}",
    status_code=204,
    responses=documented(InvalidField, InvalidToken, UnknownRoom, Forbidden, OriginNotAllowed),
)
async def withdraw_invitation(
    room_id: UUID, invitation_id: UUID, actor: Actor, services: ServicesDep
) -> None:
    """End an invitation, by person or as a link, as admin or moderator. Safe to repeat."""
    await services.invitations.withdraw(actor, RoomId(room_id), invitation_id)


@router.get("/invitations", responses=documented(InvalidToken))
async def list_my_invitations(actor: Actor, services: ServicesDep) -> MyInvitations:
    """List who invites you, the newest hundred first; the inbox tells it over the WebSocket."""
    return await services.invitations.mine(actor)


@router.post(
    "/invitations/accept",
    responses=documented(
        InvalidField, InvalidToken, UnknownInvitation, Banned, InvalidState, OriginNotAllowed
    ),
)
async def accept_invitation(body: AcceptBody, actor: Actor, services: ServicesDep) -> RoomView:
    """Become a member of the room that a link leads to. Safe to repeat."""
    return await services.invitations.use_link(actor, body.token)


@router.post(
    "/rooms/{room_id}/invitations/{user_id}",
    status_code=201,
    responses=documented(
        InvalidField,
        InvalidToken,
        UnknownRoom,
        UnknownMember,
        Forbidden,
        Banned,
        InvalidState,
        RateLimited,
        OriginNotAllowed,
    ),
)
async def invite_person(
    room_id: UUID, user_id: UUID, actor: Actor, services: ServicesDep
) -> PersonalInvitation:
    """Invite somebody, as the room's admin or moderator. They see it in their inbox for a week."""
    return await services.invitations.invite(actor, RoomId(room_id), UserId(user_id))


@router.post(
    "/invitations/{invitation_id}/accept",
    responses=documented(
        InvalidField, InvalidToken, UnknownInvitation, Banned, InvalidState, OriginNotAllowed
    ),
)
async def accept_personal_invitation(
    invitation_id: UUID, actor: Actor, services: ServicesDep
) -> RoomView:
    """Become a member of the room that somebody invites you into. Safe to repeat."""
    return await services.invitations.accept(actor, invitation_id)


@router.delete(
    "/invitations/{invitation_id}",
    status_code=204,
    responses=documented(InvalidField, InvalidToken, OriginNotAllowed),
)
async def decline_invitation(invitation_id: UUID, actor: Actor, services: ServicesDep) -> None:
    """Have an invitation taken out of your inbox. Safe to repeat."""
    await services.invitations.decline(actor, invitation_id)
