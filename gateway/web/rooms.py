"""Routes for rooms: finding, creating, joining, inviting."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from gateway.activities.rooms import fields
from gateway.activities.rooms.service import (
    INVITATION_LIFETIME,
    MAX_INVITATION_LIFETIME,
    MAX_INVITATION_USES,
)
from gateway.activities.rooms.views import DirectoryPage, Invitation, MyRoom, RoomView
from gateway.core.errors import (
    Forbidden,
    InvalidField,
    InvalidState,
    InvalidToken,
    OriginNotAllowed,
    UnknownInvitation,
    UnknownRoom,
)
from gateway.core.ids import RoomId
from gateway.web.dependencies import Actor, ServicesDep
from gateway.web.errors import documented
from gateway.web.models import Answer, RequestBody

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
        int, Field(ge=1, le=int(MAX_INVITATION_LIFETIME.total_seconds()))
    ] = int(INVITATION_LIFETIME.total_seconds())
    max_uses: Annotated[int | None, Field(ge=1, le=MAX_INVITATION_USES)] = None


class AcceptBody(RequestBody):
    """The token of an invitation."""

    token: Annotated[str, Field(min_length=1, max_length=256)]


class MyRoomsAnswer(Answer):
    """Your rooms, in the order of their names."""

    rooms: list[MyRoom]


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
async def list_my_rooms(actor: Actor, services: ServicesDep) -> MyRoomsAnswer:
    """List your rooms, with how many messages are unread."""
    return MyRoomsAnswer(rooms=await services.rooms.mine(actor))


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
    responses=documented(InvalidField, InvalidToken, UnknownRoom, InvalidState, OriginNotAllowed),
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
    """Make an invitation into a room, as its admin or moderator."""
    return await services.rooms.invite(
        actor,
        RoomId(room_id),
        expires_in=timedelta(seconds=body.expires_in_seconds),
        max_uses=body.max_uses,
    )


@router.post(
    "/invitations/accept",
    responses=documented(
        InvalidField, InvalidToken, UnknownInvitation, InvalidState, OriginNotAllowed
    ),
)
async def accept_invitation(body: AcceptBody, actor: Actor, services: ServicesDep) -> RoomView:
    """Become a member of the room that an invitation leads to. Safe to repeat."""
    return await services.rooms.accept(actor, body.token)
