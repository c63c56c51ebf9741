"""Commands and events of the chat."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from gateway.core.protocol.base import CommandData, DurableCommand, EventData, Person, WireModel

MAX_CONTENT_CHARACTERS = 8_000
"""Length of one message; a page of text is about 3,000."""

MessageType = Literal["text", "image", "file"]

Content = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CONTENT_CHARACTERS),
    # PostgreSQL's text cannot hold it, and no person types it.
    Field(pattern=r"^[^\x00]*$"),
]


class ChatSendData(CommandData):
    """The text of a message, surrounding white space removed."""

    content: Content


class ChatSend(DurableCommand):
    """Say something to everybody in the room."""

    type: Literal["chat.send"]
    data: ChatSendData


class ChatMessage(EventData):
    """Durable: somebody said something."""

    type: ClassVar[str] = "chat.message"

    id: UUID
    content: str
    message_type: MessageType = "text"
    author: Person
    reply_to: UUID | None = None


class MessageView(WireModel):
    """A message in the state of a room: the event's data, and its place in the log."""

    id: UUID
    seq: int
    at: datetime
    content: str
    message_type: MessageType
    author: Person | None
    reply_to: UUID | None


class ChatState(WireModel):
    """The chat's part of a room's state: the newest messages, oldest first."""

    messages: tuple[MessageView, ...]
    has_more: bool


CHAT_COMMANDS: tuple[type[DurableCommand], ...] = (ChatSend,)
CHAT_EVENTS: tuple[type[EventData], ...] = (ChatMessage,)
