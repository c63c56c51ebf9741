"""Questions about a room, and their answers. Its members may ask, over HTTP as well."""

from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.activities.chat.messages import MessageData, MessageView
from gateway.activities.rooms.messages import Role
from gateway.core.protocol.base import MAX_INTEGER, CommandData, Person, RoomCommand, WireModel

MAX_PAGE: Final = 100
"""Messages, or people, on a page."""

MAX_OFFSET: Final = 10_000
"""How many messages may be skipped by number: each is read; by token none is."""

MAX_QUERY_CHARACTERS: Final = 200
"""Length of what is searched for: a dozen words."""

PageToken = Annotated[str, Field(min_length=1, max_length=100)]
"""Where a page ends: taken from another answer about the same room or thread."""

Limit = Annotated[int, Field(ge=1, le=MAX_PAGE)]


class HistoryData(CommandData):
    """Which messages: the newest if nothing is said, else one of these.

    `before` is the `previous` of another page and `after` its `next`. `around` is a message that
    stands in the middle, `since` a `seq` of the log that you have read up to. `offset` skips so
    many of the newest.
    """

    before: PageToken | None = None
    after: PageToken | None = None
    around: UUID | None = None
    since: Annotated[int | None, Field(ge=0, le=MAX_INTEGER)] = None
    offset: Annotated[int | None, Field(ge=0, le=MAX_OFFSET)] = None
    limit: Limit = 50

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        places = (self.before, self.after, self.around, self.since, self.offset)
        if sum(place is not None for place in places) > 1:
            raise PydanticCustomError(
                "places", "Of before, after, around, since and offset there is one at most"
            )
        return self


class ChatHistory(RoomCommand):
    """Read what has been said, page by page, oldest first. Deleted messages are tombstones."""

    is_activity: ClassVar[bool] = False

    type: Literal["chat.history"]
    data: HistoryData = HistoryData()


class SearchData(CommandData):
    """Words, all of which a message has, whatever their case; `"a phrase"`, `or`, `-without`.

    `before` is the `next` of the page before.
    """

    q: Annotated[str, Field(max_length=MAX_QUERY_CHARACTERS, pattern=r"^[^\x00]*$")]
    before: PageToken | None = None
    limit: Limit = 50


class ChatSearch(RoomCommand):
    """Find messages by their words, newest first. Words are found whole, as they are written."""

    is_activity: ClassVar[bool] = False

    type: Literal["chat.search"]
    data: SearchData


class ChatGet(RoomCommand):
    """Read one message."""

    is_activity: ClassVar[bool] = False

    type: Literal["chat.get"]
    data: MessageData


class ChatEdits(RoomCommand):
    """Read what a message said before, oldest first. Of a deleted one there is nothing."""

    is_activity: ClassVar[bool] = False

    type: Literal["chat.edits"]
    data: MessageData


class PageData(CommandData):
    """Which page: the first, or that after the `next` of another."""

    after: PageToken | None = None
    limit: Limit = 50


class RepliesData(PageData):
    """The root of a thread, and which page: the first, or that after the `next` of another."""

    message_id: UUID


class ChatReplies(RoomCommand):
    """Read the thread of a message: the replies to it, oldest first."""

    is_activity: ClassVar[bool] = False

    type: Literal["chat.replies"]
    data: RepliesData


class ChatReceipts(RoomCommand):
    """Ask who has read a message. In rooms of at most a hundred members."""

    is_activity: ClassVar[bool] = False

    type: Literal["chat.receipts"]
    data: MessageData


class RoomMembers(RoomCommand):
    """List the members in the order in which they came."""

    is_activity: ClassVar[bool] = False

    type: Literal["room.members"]
    data: PageData = PageData()


class RoomBans(RoomCommand):
    """List who may not come in, newest ban first, as admin or moderator."""

    is_activity: ClassVar[bool] = False

    type: Literal["room.bans"]
    data: PageData = PageData()


class MessagePage(WireModel):
    """Messages, oldest first. Each token is null where there are none beyond.

    `previous` is the `before` of the page of older ones, `next` the `after` of that of newer ones.
    """

    messages: tuple[MessageView, ...]
    previous: str | None
    next: str | None


class FoundPage(WireModel):
    """Messages that were searched for, newest first. `next` is the `before` of older ones."""

    messages: tuple[MessageView, ...]
    next: str | None


class RepliesPage(WireModel):
    """Replies to a message, oldest first. `next` is the `after` of the page that follows."""

    messages: tuple[MessageView, ...]
    next: str | None


class EditView(WireModel):
    """What a message said until `replaced_at`. `seq` is that of the event that replaced it."""

    content: str
    replaced_at: datetime
    seq: int


class EditHistory(WireModel):
    """What a message said before, oldest first. What it says now is not among it."""

    edits: tuple[EditView, ...]


class Receipt(WireModel):
    """Somebody has read a message.

    `read_at` is when their marker came to it or went past it; null where that is not known, as
    they have only said something since.
    """

    user: Person
    read_at: datetime | None


class Receipts(WireModel):
    """Who has read a message, of those who were members when it was said; its author left out."""

    receipts: tuple[Receipt, ...]


class MemberView(WireModel):
    """A member. `read_up_to` is the read marker, null in rooms of more than a hundred members."""

    user: Person
    role: Role
    joined_at: datetime
    muted_until: datetime | None
    read_up_to: int | None


class MemberPage(WireModel):
    """Members in the order in which they came. `next` is the `after` of the page that follows."""

    members: tuple[MemberView, ...]
    next: str | None


class BanView(WireModel):
    """Somebody who may not come in, until when (null: for good), and who said so."""

    user: Person
    until: datetime | None
    reason: str | None
    banned_by: Person | None
    at: datetime


class BanPage(WireModel):
    """Bans, newest first. `next` is the `after` of the page that follows."""

    bans: tuple[BanView, ...]
    next: str | None


class ExportData(CommandData):
    """Where to go on: the `next` of the page before."""

    after: Annotated[int | None, Field(ge=0, le=MAX_INTEGER)] = None


class RoomExport(RoomCommand):
    """Read all of the room's log, page by page, as its admin: the file that HTTP gives."""

    is_activity: ClassVar[bool] = False

    type: Literal["room.export"]
    data: ExportData = ExportData()


class ExportPage(WireModel):
    """Lines of an export, each JSON: first one about the room, then its events in order."""

    lines: tuple[str, ...]
    next: int | None


READING_COMMANDS: tuple[type[RoomCommand], ...] = (
    ChatHistory,
    ChatSearch,
    ChatGet,
    ChatEdits,
    ChatReplies,
    ChatReceipts,
    RoomMembers,
    RoomBans,
    RoomExport,
)
