"""Everything that is said about rooms: the list of all commands, events and notices.

Clients and documents are made from this; it imports no handler and no driver.
"""

from typing import ClassVar, Literal
from uuid import UUID

from gateway.activities.accounts.messages import ACCOUNT_COMMANDS
from gateway.activities.chat.messages import CHAT_COMMANDS, CHAT_EVENTS, ChatState
from gateway.activities.people.messages import PEOPLE_COMMANDS
from gateway.activities.poker.messages import POKER_COMMANDS, POKER_EVENTS, PokerState
from gateway.activities.reading.messages import READING_COMMANDS
from gateway.activities.rooms.asking import ROOM_REQUESTS
from gateway.activities.rooms.inbox import INBOX_COMMANDS, InboxChanged
from gateway.activities.rooms.messages import (
    ROOM_COMMANDS,
    ROOM_EVENTS,
    RoomStanding,
    WirePosition,
)
from gateway.core.protocol.base import (
    Command,
    EventData,
    NoticeData,
    Person,
    PersonHere,
    WireModel,
)
from gateway.core.protocol.connection import CONNECTION_COMMANDS
from gateway.core.protocol.connection import NOTICES as CONNECTION_NOTICES

COMMANDS: tuple[type[Command], ...] = (
    *CONNECTION_COMMANDS,
    *PEOPLE_COMMANDS,
    *ACCOUNT_COMMANDS,
    *ROOM_COMMANDS,
    *ROOM_REQUESTS,
    *INBOX_COMMANDS,
    *CHAT_COMMANDS,
    *READING_COMMANDS,
    *POKER_COMMANDS,
)

EVENTS: tuple[type[EventData], ...] = (*ROOM_EVENTS, *CHAT_EVENTS, *POKER_EVENTS)


class UpToDate(WireModel):
    """Reply to ``room.join``: you have missed nothing since ``position``, where you were."""

    resume: Literal["up_to_date"] = "up_to_date"
    room: RoomStanding
    position: WirePosition
    people: tuple[PersonHere, ...]
    count: int
    typing: tuple[Person, ...]


class Replay(WireModel):
    """Reply to ``room.join``: the events you missed follow, every one, up to ``position``.

    Whatever comes after them on the connection begins right there.
    """

    resume: Literal["replay"] = "replay"
    room: RoomStanding
    position: WirePosition
    people: tuple[PersonHere, ...]
    count: int
    typing: tuple[Person, ...]


class RoomState(WireModel):
    """Reply to ``room.join``: everything there is to know of the room.

    It holds all durable events up to ``position`` and none after it; the
    events that follow on the connection begin right there. You get it without
    ``since``, and when that is too far behind or of another epoch: then forget
    what you had. ``count`` people are here; of more than a
    hundred, ``people`` are the newest ten.
    """

    resume: Literal["snapshot"] = "snapshot"
    room: RoomStanding
    position: WirePosition
    people: tuple[PersonHere, ...]
    count: int
    typing: tuple[Person, ...]
    chat: ChatState
    poker: PokerState | None


class Behind(NoticeData):
    """You were behind, as you read slowly or had missed much, and have caught up now.

    Every durable event has been sent. Comings, goings and typing in between
    were not: here is how it stands.
    """

    type: ClassVar[str] = "behind"

    room: UUID
    people: tuple[PersonHere, ...]
    count: int
    typing: tuple[Person, ...]


class RoomClosed(NoticeData):
    """A room is closed on this connection: you are not a member of it any more.

    ``member.left``, if you have read so far, says why.
    """

    type: ClassVar[str] = "room.closed"

    room: UUID


NOTICES: tuple[type[NoticeData], ...] = (*CONNECTION_NOTICES, Behind, RoomClosed, InboxChanged)
