"""Text from the gateway becomes a reply, an event or a notice; a command becomes text."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import orjson
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from gateway.activities.protocol import EVENTS, NOTICES, Replay, RoomState, UpToDate
from gateway.client import errors
from gateway.client.errors import CommandError
from gateway.client.events import Event, UnknownEvent
from gateway.core.ids import RoomId
from gateway.core.protocol.base import EventData, NoticeData
from gateway.core.protocol.connection import ErrorBody

JoinAnswer = UpToDate | Replay | RoomState
"""What ``room.join`` gives: told apart by ``resume``."""


class Reply(NamedTuple):
    """The answer to the command with the id ``re``: what it gave, or why it failed."""

    re: int
    ok: Mapping[str, Any]
    error: CommandError | None


class Command(NamedTuple):
    """A command before it has an id, which it gets anew for every connection."""

    type: str
    room: RoomId | None
    """``None`` where it is about no room."""

    data: Mapping[str, Any]
    key: str | None = None

    def encode(self, command_id: int) -> bytes:
        """Return the message."""
        message: dict[str, Any] = {"id": command_id, "type": self.type, "data": self.data}
        if self.room is not None:
            message["room"] = str(self.room)
        if self.key is not None:
            message["key"] = self.key
        return orjson.dumps(message)


class _ReplyMessage(BaseModel):
    re: int
    ok: dict[str, Any] | None = None
    error: ErrorBody | None = None


class _EventMessage(BaseModel):
    type: str
    room: UUID
    seq: int | None = None
    at: AwareDatetime | None = None
    by: UUID | None = None
    key: str | None = None
    data: dict[str, Any]


_JOIN_ANSWER: Final[TypeAdapter[JoinAnswer]] = TypeAdapter(
    Annotated[JoinAnswer, Field(discriminator="resume")]
)
_EVENTS: Final[Mapping[str, type[EventData]]] = {event.type: event for event in EVENTS}
_NOTICES: Final[Mapping[str, type[NoticeData]]] = {notice.type: notice for notice in NOTICES}


def decode(text: str | bytes) -> Reply | Event | NoticeData | None:
    """Return the message in ``text``; ``None`` for a notice that this client does not know.

    Raises ``ValueError`` for what is no message of a gateway.
    """
    message = orjson.loads(text)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")  # noqa: TRY004 - the text is wrong, not a type
    if "re" in message:
        return _reply(_ReplyMessage.model_validate(message))
    if "room" in message:
        return _event(_EventMessage.model_validate(message))
    notice = _NOTICES.get(message.get("type", ""))
    return notice.model_validate(message.get("data")) if notice else None


def join_answer(reply: Reply) -> JoinAnswer:
    """Return what a successful ``room.join`` gave; ``ValueError`` if it is none of the three."""
    return _JOIN_ANSWER.validate_python(reply.ok)


def command_error(body: ErrorBody) -> CommandError:
    """Return the error that the gateway told."""
    return errors.command_error(body.code, body.message, retryable=body.retryable)


def _reply(message: _ReplyMessage) -> Reply:
    error = command_error(message.error) if message.error else None
    return Reply(message.re, message.ok or {}, error)


def _event(message: _EventMessage) -> Event:
    return Event(
        data=_event_data(message),
        room=RoomId(message.room),
        seq=message.seq,
        at=message.at,
        by=message.by,
        key=message.key,
    )


def _event_data(message: _EventMessage) -> EventData | UnknownEvent:
    """Return typed data, or what came as it is: a newer gateway may say more than we know."""
    known = _EVENTS.get(message.type)
    if known is not None:
        try:
            return known.model_validate(message.data)
        except ValidationError:
            pass
    return UnknownEvent(message.type, message.data)
