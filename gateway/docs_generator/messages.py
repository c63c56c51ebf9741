"""Every message of the protocol: its envelope as JSON Schema, its meaning and an example.

The pages, the AsyncAPI document and the TypeScript types are all made of these.
"""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.activities.accounts.messages import (
    AuthChangePassword,
    AuthGuest,
    AuthRegister,
    AuthSignIn,
    AuthSignOut,
    SessionEnd,
    SessionEndOthers,
    SessionList,
    SessionsEnded,
    SessionsListed,
    SignedInOk,
)
from gateway.activities.chat.messages import MessageView
from gateway.activities.people.messages import (
    PeopleView,
    PersonGet,
    PersonList,
    PersonView,
    PresenceSet,
)
from gateway.activities.protocol import COMMANDS, EVENTS, NOTICES, Replay, RoomState, UpToDate
from gateway.activities.reading.messages import (
    BanPage,
    ChatEdits,
    ChatGet,
    ChatHistory,
    ChatReceipts,
    ChatReplies,
    ChatSearch,
    EditHistory,
    ExportPage,
    FoundPage,
    MemberPage,
    MessagePage,
    Receipts,
    RepliesPage,
    RoomBans,
    RoomExport,
    RoomMembers,
)
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
from gateway.activities.rooms.inbox import InboxClose, InboxOpen, InboxState
from gateway.activities.rooms.messages import RoomJoin, RoomLeave, TypingStart, TypingStop
from gateway.activities.rooms.views import (
    DirectoryPage,
    Invitation,
    MyRooms,
    OpenInvitations,
    PersonalInvitation,
    RoomView,
)
from gateway.core.protocol.base import (
    Command,
    Committed,
    DurableCommand,
    EventData,
    NoticeData,
    RoomCommand,
    WireModel,
)
from gateway.core.protocol.connection import Auth, AuthOk, ErrorBody, Ping, PingOk
from gateway.core.protocol.decode import command_name
from gateway.docs_generator import examples

Schema = dict[str, Any]

_OWN_REPLIES: Final[Mapping[type[Command], tuple[type[WireModel], ...]]] = {
    Auth: (AuthOk,),
    Ping: (PingOk,),
    PresenceSet: (),
    PersonGet: (PersonView,),
    PersonList: (PeopleView,),
    AuthRegister: (SignedInOk,),
    AuthSignIn: (SignedInOk,),
    AuthGuest: (SignedInOk,),
    AuthChangePassword: (),
    AuthSignOut: (),
    SessionList: (SessionsListed,),
    SessionEnd: (SessionsEnded,),
    SessionEndOthers: (SessionsEnded,),
    RoomJoin: (UpToDate, Replay, RoomState),
    RoomLeave: (),
    TypingStart: (),
    TypingStop: (),
    ChatHistory: (MessagePage,),
    ChatSearch: (FoundPage,),
    ChatGet: (MessageView,),
    ChatEdits: (EditHistory,),
    ChatReplies: (RepliesPage,),
    ChatReceipts: (Receipts,),
    RoomMembers: (MemberPage,),
    RoomBans: (BanPage,),
    RoomExport: (ExportPage,),
    RoomCreate: (RoomView,),
    RoomList: (MyRooms,),
    RoomDirectory: (DirectoryPage,),
    RoomInviteLink: (Invitation,),
    RoomInvite: (PersonalInvitation,),
    RoomInvitations: (OpenInvitations,),
    RoomWithdrawInvitation: (),
    InvitationUse: (RoomView,),
    InvitationAccept: (RoomView,),
    InvitationDecline: (),
    InboxOpen: (InboxState,),
    InboxClose: (),
}

_REF: Final = "#/components/schemas/{model}"


@dataclass(frozen=True)
class Message:
    """A message. ``model`` is its ``data``, for a command the whole of it."""

    type_name: str
    name: str
    model: type[BaseModel]
    schema: Schema
    example: Mapping[str, Any]

    @property
    def meaning(self) -> str:
        """What the message says, in Markdown."""
        return meaning(self.model)


@dataclass(frozen=True)
class CommandMessage(Message):
    """A command, with what ``ok`` of its reply may be; none means an empty object."""

    is_durable: bool
    replies: tuple[type[WireModel], ...]


def commands() -> list[CommandMessage]:
    """Return all commands in the order of the catalogue."""
    return [_command(command) for command in COMMANDS]


def events() -> list[Message]:
    """Return all events in the order of the catalogue."""
    return [_event(event) for event in EVENTS]


def notices() -> list[Message]:
    """Return all notices in the order of the catalogue."""
    return [_notice(notice) for notice in NOTICES]


@cache
def schemas() -> dict[str, Schema]:
    """Return the JSON Schema of every model by name, with references between them.

    What clients send is described as it is taken, what the gateway sends as it
    is written. In both, a field with a default may be missing: an event that
    was stored before the field was there is replayed as it is.
    """
    taken = _definitions(COMMANDS, "validation")
    written = _definitions((*_replies(), *EVENTS, *NOTICES, ErrorBody), "serialization")
    for name in taken.keys() & written.keys():
        if taken[name] != written[name]:
            raise ValueError(f"the model {name} differs between the two directions: split it")
    return {name: _tellable(schema) for name, schema in sorted({**taken, **written}.items())}


def is_durable(event: Message) -> bool:
    """Tell whether an event is in the log. Its docstring begins with one of the two words."""
    return event.meaning.startswith("Durable:")


def meaning(model: type[BaseModel]) -> str:
    """Return a model's docstring as Markdown."""
    return (inspect.getdoc(model) or "").replace("``", "`")


def reference(model: type[BaseModel]) -> Schema:
    """Return a reference to a model's schema."""
    return {"$ref": _REF.format(model=model.__name__)}


def _replies() -> Iterable[type[WireModel]]:
    return (Committed, *(reply for replies in _OWN_REPLIES.values() for reply in replies))


def _definitions(models: Iterable[type[BaseModel]], mode: Any) -> dict[str, Schema]:  # noqa: ANN401 - pydantic's own literal
    _, document = models_json_schema([(model, mode) for model in models], ref_template=_REF)
    definitions: dict[str, Schema] = document["$defs"]
    return definitions


def _tellable(schema: Schema) -> Schema:
    """Return a schema in which a constant, by which shapes are told apart, is never missing."""
    constants = [name for name, field in schema.get("properties", {}).items() if "const" in field]
    required = dict.fromkeys([*constants, *schema.get("required", [])])
    return {**schema, "required": list(required)} if required else schema


def _command(command: type[Command]) -> CommandMessage:
    name = command_name(command)
    example: dict[str, Any] = {"id": 7, "type": name}
    if issubclass(command, RoomCommand):
        example["room"] = examples.ROOM_ID
    if durable := issubclass(command, DurableCommand):
        example["key"] = "6b1f2c"
    example["data"] = examples.COMMAND_DATA[name]
    return CommandMessage(
        type_name=name,
        name=command.__name__,
        model=command,
        schema=reference(command),
        example=example,
        is_durable=durable,
        replies=(Committed,) if durable else _OWN_REPLIES[command],
    )


def _event(event: type[EventData]) -> Message:
    durable = meaning(event).startswith("Durable:")
    example: dict[str, Any] = {"type": event.type, "room": examples.ROOM_ID}
    properties: Schema = {
        "type": {"const": event.type, "type": "string"},
        "room": {"type": "string", "format": "uuid"},
    }
    required = ["type", "room", "data"]
    if durable:
        properties |= _DURABLE_FIELDS
        required += ["seq", "at"]
        example |= {"seq": 42, "at": examples.AT, "by": examples.ADA["id"], "key": "6b1f2c"}
    properties["data"] = reference(event)
    example["data"] = examples.EVENT_DATA[event.type]
    schema = {"type": "object", "properties": properties, "required": required}
    return Message(event.type, f"{event.__name__}Event", event, schema, example)


_DURABLE_FIELDS: Final[Schema] = {
    "seq": {"type": "integer", "minimum": 1, "description": "Its number in the room's log."},
    "at": {"type": "string", "format": "date-time"},
    "by": {"type": "string", "format": "uuid", "description": "Who did it."},
    "key": {"type": "string", "description": "The key of the command behind it."},
}


def _notice(notice: type[NoticeData]) -> Message:
    schema = {
        "type": "object",
        "properties": {
            "type": {"const": notice.type, "type": "string"},
            "data": reference(notice),
        },
        "required": ["type", "data"],
    }
    example = {"type": notice.type, "data": examples.NOTICE_DATA[notice.type]}
    return Message(notice.type, f"{notice.__name__}Message", notice, schema, example)
