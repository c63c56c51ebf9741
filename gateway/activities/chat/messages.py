"""Commands and events of the chat."""

from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from gateway.core.protocol.base import (
    MAX_INTEGER,
    CommandData,
    DurableCommand,
    EventData,
    Person,
    WireModel,
)
from gateway.core.text import is_plain

MAX_CONTENT_CHARACTERS: Final = 8_000
"""Length of one message; a page of text is about 3,000."""

MAX_MENTIONS: Final = 50
"""People one message may mention: a team, not a town."""

MAX_EMOJI_CHARACTERS: Final = 64
"""Code points of one emoji: flags and families are put together of many."""

MessageType = Literal["text", "image", "file"]

# PostgreSQL's text cannot hold NUL, and no person types it.
_NO_NUL: Final = r"^[^\x00]*$"

Content = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=MAX_CONTENT_CHARACTERS),
    Field(pattern=_NO_NUL),
]

Mentions = Annotated[tuple[UUID, ...], Field(max_length=MAX_MENTIONS)]


def _require_plain(name: str) -> str:
    """Refuse what would turn ``gpj.exe`` into something that looks like ``exe.jpg``."""
    if not is_plain(name):
        raise PydanticCustomError("not_plain", "Control and direction characters are not taken")
    return name


class Attachment(CommandData):
    """What an image or a file is and where it lies: the gateway keeps no files itself."""

    url: Annotated[str, Field(max_length=2_000, pattern=r"^https?://[^\s\x00]+$")]
    name: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_require_plain)]
    media_type: Annotated[str, Field(max_length=127, pattern=r"^[\w.+-]+/[\w.+-]+$")]
    size_bytes: Annotated[int, Field(ge=0, le=MAX_INTEGER)]


class ChatSendData(CommandData):
    """A message, surrounding white space removed.

    A `text` has content; an `image` or a `file` has an attachment, and content
    only if you like. `reply_to` is the message that you answer: the reply goes to the thread
    of its root. `mentions` are people of the room; others are left out.
    """

    content: Content = ""
    message_type: MessageType = "text"
    attachment: Attachment | None = None
    reply_to: UUID | None = None
    mentions: Mentions = ()

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if self.message_type == "text" and not self.content:
            raise PydanticCustomError("no_content", "A text needs content")
        if (self.message_type == "text") != (self.attachment is None):
            raise PydanticCustomError(
                "attachment", "An image or a file has an attachment, and a text has none"
            )
        return self


class ChatSend(DurableCommand):
    """Say something to everybody in the room. What stands before it counts as read by you."""

    makes: ClassVar[str] = "chat.message"

    type: Literal["chat.send"]
    data: ChatSendData


class ChatEditData(CommandData):
    """The new text of a message of yours, and whom it mentions now.

    Only an image or a file may go without.
    """

    message_id: UUID
    content: Content
    mentions: Mentions = ()


class ChatEdit(DurableCommand):
    """Change what you said. What it was before is kept."""

    makes: ClassVar[str] = "chat.edited"

    type: Literal["chat.edit"]
    data: ChatEditData


class MessageData(CommandData):
    """The message that is meant."""

    message_id: UUID


class ChatDelete(DurableCommand):
    """Take a message back: your own, or any as the room's admin or moderator.

    It stays in its place as a tombstone. Its text is deleted everywhere, from
    the log and from its edits too: a replay tells it as an empty message.
    """

    makes: ClassVar[str] = "chat.deleted"

    type: Literal["chat.delete"]
    data: MessageData


class ReactionData(CommandData):
    """One emoji of Unicode, under a message."""

    message_id: UUID
    emoji: Annotated[str, Field(min_length=1, max_length=MAX_EMOJI_CHARACTERS)]


class ReactionAdd(DurableCommand):
    """React to a message. The same emoji again changes nothing."""

    makes: ClassVar[str] = "reaction.added"

    type: Literal["reaction.add"]
    data: ReactionData


class ReactionRemove(DurableCommand):
    """Take a reaction of yours back. One that is not there changes nothing."""

    makes: ClassVar[str] = "reaction.removed"

    type: Literal["reaction.remove"]
    data: ReactionData


class ChatReadData(CommandData):
    """How far you have read, as a `seq` of the room's log; null is up to its end."""

    seq: Annotated[int | None, Field(ge=1, le=MAX_INTEGER)] = None


class ChatRead(DurableCommand):
    """Move your read marker over messages. It never goes back: an older `seq` changes nothing."""

    makes: ClassVar[str] = "chat.marked"
    is_activity: ClassVar[bool] = False

    type: Literal["chat.read"]
    data: ChatReadData = ChatReadData()


class ChatMessage(EventData):
    """Durable: somebody said something. `number` counts the messages of the room.

    `content` is empty, and there is no attachment, where the message has been deleted since.
    """

    type: ClassVar[str] = "chat.message"

    id: UUID
    number: int
    content: str
    message_type: MessageType = "text"
    attachment: Attachment | None = None
    author: Person
    reply_to: UUID | None = None
    mentions: tuple[UUID, ...] = ()


class ChatEdited(EventData):
    """Durable: a message says something else now."""

    type: ClassVar[str] = "chat.edited"

    message_id: UUID
    content: str
    mentions: tuple[UUID, ...] = ()


class ChatDeleted(EventData):
    """Durable: a message is a tombstone now: forget its text, its attachment, its reactions."""

    type: ClassVar[str] = "chat.deleted"

    message_id: UUID


class ReactionAdded(EventData):
    """Durable: whoever this event is `by` has reacted to a message."""

    type: ClassVar[str] = "reaction.added"

    message_id: UUID
    emoji: str


class ReactionRemoved(EventData):
    """Durable: whoever this event is `by` has taken a reaction back."""

    type: ClassVar[str] = "reaction.removed"

    message_id: UUID
    emoji: str


class ChatMarked(EventData):
    """Durable: whoever this event is `by` has read the room up to `up_to`.

    Told in rooms of at most a hundred members. Who says something has read what
    stands before it; no event tells that apart.
    """

    type: ClassVar[str] = "chat.marked"

    up_to: int


class Reaction(WireModel):
    """An emoji under a message: how many people, and who, the first hundred of them."""

    emoji: str
    count: int
    users: tuple[UUID, ...]


class MessageView(WireModel):
    """A message as it stands now, and its place in the log.

    A deleted one is a tombstone: no content, no attachment, no reactions.
    """

    id: UUID
    seq: int
    number: int
    at: datetime
    content: str
    message_type: MessageType
    attachment: Attachment | None
    author: Person | None
    reply_to: UUID | None
    mentions: tuple[UUID, ...]
    reactions: tuple[Reaction, ...]
    edited_at: datetime | None
    deleted_at: datetime | None


class ChatState(WireModel):
    """The chat's part of a room's state: the newest messages, oldest first."""

    messages: tuple[MessageView, ...]
    has_more: bool


CHAT_COMMANDS: tuple[type[DurableCommand], ...] = (
    ChatSend,
    ChatEdit,
    ChatDelete,
    ReactionAdd,
    ReactionRemove,
    ChatRead,
)
CHAT_EVENTS: tuple[type[EventData], ...] = (
    ChatMessage,
    ChatEdited,
    ChatDeleted,
    ReactionAdded,
    ReactionRemoved,
    ChatMarked,
)
