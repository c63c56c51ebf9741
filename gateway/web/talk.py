"""Routes that write into a room: the durable commands of the WebSocket, over HTTP.

Each builds the command that a client would send over its socket and hands it to
the ledger, so rules, errors and events are the same.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from pydantic import Field

from gateway.activities.activity import Submission
from gateway.activities.chat.messages import (
    MAX_EMOJI_CHARACTERS,
    ChatDelete,
    ChatEdit,
    ChatEditData,
    ChatRead,
    ChatReadData,
    ChatSend,
    ChatSendData,
    Content,
    Mentions,
    MessageData,
    ReactionAdd,
    ReactionData,
    ReactionRemove,
)
from gateway.activities.rooms.messages import (
    BanData,
    MemberBan,
    MemberData,
    MemberKick,
    MemberLeave,
    MemberMute,
    MemberSetRole,
    MemberUnban,
    MuteData,
    Reason,
    Role,
    RoomUpdate,
    RoomUpdateData,
    SetRoleData,
    Time,
)
from gateway.core.errors import (
    Forbidden,
    InvalidField,
    InvalidState,
    InvalidToken,
    LastAdmin,
    Muted,
    NotAMember,
    OriginNotAllowed,
    TooLarge,
    UnknownMember,
    UnknownMessage,
    UnknownRoom,
)
from gateway.core.identity import Identity
from gateway.core.ids import RoomId
from gateway.core.protocol.base import CommandData, Committed, DurableCommand, Key
from gateway.core.protocol.decode import command_name
from gateway.web.dependencies import Actor, ServicesDep
from gateway.web.errors import documented
from gateway.web.models import RequestBody
from gateway.web.services import Services

router = APIRouter(tags=["talk"])

IdempotencyKey = Annotated[
    Key | None,
    Header(
        alias="Idempotency-Key",
        description="The same key again has no second effect and gets the first answer again.",
    ),
]

Emoji = Annotated[str, Field(min_length=1, max_length=MAX_EMOJI_CHARACTERS)]

_ANY = (InvalidField, InvalidToken, UnknownRoom, NotAMember, InvalidState, OriginNotAllowed)
_MESSAGE = documented(*_ANY, UnknownMessage, Forbidden, Muted, TooLarge)
_MEMBER = documented(*_ANY, UnknownMember, Forbidden, LastAdmin)


class EditBody(RequestBody):
    """The new text of a message of yours, and whom it mentions now."""

    content: Content
    mentions: Mentions = ()


class RoleBody(RequestBody):
    """What somebody shall be from now on."""

    role: Role


@router.post("/rooms/{room_id}/messages", responses=_MESSAGE)
async def send_message(
    room_id: UUID,
    body: ChatSendData,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Say something in a room. The message is the room's event `seq`."""
    return await _do(services, actor, room_id, ChatSend, body, key)


@router.patch("/rooms/{room_id}/messages/{message_id}", responses=_MESSAGE)
async def edit_message(
    room_id: UUID,
    message_id: UUID,
    body: EditBody,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Change what you said."""
    data = ChatEditData(message_id=message_id, content=body.content, mentions=body.mentions)
    return await _do(services, actor, room_id, ChatEdit, data, key)


@router.delete("/rooms/{room_id}/messages/{message_id}", responses=_MESSAGE)
async def delete_message(
    room_id: UUID,
    message_id: UUID,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Take a message back: your own, or any as the room's admin or moderator."""
    data = MessageData(message_id=message_id)
    return await _do(services, actor, room_id, ChatDelete, data, key)


@router.put("/rooms/{room_id}/messages/{message_id}/reactions/{emoji}", responses=_MESSAGE)
async def add_reaction(
    room_id: UUID,
    message_id: UUID,
    emoji: Emoji,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """React to a message."""
    data = ReactionData(message_id=message_id, emoji=emoji)
    return await _do(services, actor, room_id, ReactionAdd, data, key)


@router.delete("/rooms/{room_id}/messages/{message_id}/reactions/{emoji}", responses=_MESSAGE)
async def remove_reaction(
    room_id: UUID,
    message_id: UUID,
    emoji: Emoji,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Take a reaction of yours back."""
    data = ReactionData(message_id=message_id, emoji=emoji)
    return await _do(services, actor, room_id, ReactionRemove, data, key)


@router.put("/rooms/{room_id}/read", responses=documented(*_ANY))
async def mark_as_read(
    room_id: UUID,
    body: ChatReadData,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Move your read marker on."""
    return await _do(services, actor, room_id, ChatRead, body, key)


@router.patch("/rooms/{room_id}", responses=documented(*_ANY, Forbidden))
async def update_room(
    room_id: UUID,
    body: RoomUpdateData,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Change name, description, retention; archive a room or bring it back. For admins."""
    return await _do(services, actor, room_id, RoomUpdate, body, key)


@router.delete("/rooms/{room_id}/members/me", responses=_MEMBER)
async def leave_room(
    room_id: UUID, actor: Actor, services: ServicesDep, key: IdempotencyKey = None
) -> Committed:
    """Stop being a member."""
    return await _do(services, actor, room_id, MemberLeave, None, key)


@router.delete("/rooms/{room_id}/members/{user_id}", responses=_MEMBER)
async def kick_member(
    room_id: UUID,
    user_id: UUID,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Put a member out."""
    return await _do(services, actor, room_id, MemberKick, MemberData(user_id=user_id), key)


@router.put("/rooms/{room_id}/members/{user_id}/role", responses=_MEMBER)
async def set_role(
    room_id: UUID,
    user_id: UUID,
    body: RoleBody,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Give a member another role, as admin."""
    data = SetRoleData(user_id=user_id, role=body.role)
    return await _do(services, actor, room_id, MemberSetRole, data, key)


class MuteBody(RequestBody):
    """Until when somebody says nothing; null: they may speak again."""

    until: Time | None


class BanBody(RequestBody):
    """Until when somebody stays out (null: for good), and why."""

    until: Time | None = None
    reason: Reason | None = None


@router.put("/rooms/{room_id}/members/{user_id}/mute", responses=_MEMBER)
async def mute_member(
    room_id: UUID,
    user_id: UUID,
    body: MuteBody,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Let a member read only, or speak again."""
    data = MuteData(user_id=user_id, until=body.until)
    return await _do(services, actor, room_id, MemberMute, data, key)


@router.put("/rooms/{room_id}/bans/{user_id}", responses=_MEMBER)
async def ban_person(
    room_id: UUID,
    user_id: UUID,
    body: BanBody,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Put somebody out and keep them out, member or not."""
    data = BanData(user_id=user_id, until=body.until, reason=body.reason)
    return await _do(services, actor, room_id, MemberBan, data, key)


@router.delete("/rooms/{room_id}/bans/{user_id}", responses=_MEMBER)
async def unban_person(
    room_id: UUID,
    user_id: UUID,
    actor: Actor,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Committed:
    """Let somebody in again who was banned."""
    return await _do(services, actor, room_id, MemberUnban, MemberData(user_id=user_id), key)


async def _do(
    services: Services,
    actor: Identity,
    room_id: UUID,
    command_type: type[DurableCommand],
    data: CommandData | None,
    key: str | None,
) -> Committed:
    """Carry out a command; return its place in the log, or raise what rejects it."""
    fields = {"data": data} if data is not None else {}
    command = command_type(id=0, type=command_name(command_type), room=room_id, key=key, **fields)
    return await services.submit(Submission(RoomId(room_id), actor, command, key))
