"""The list of everything that can be done in a room. An activity is an entry here."""

from collections.abc import Mapping

from gateway.activities.activity import Activity, Handler
from gateway.activities.chat.handlers import CHAT
from gateway.activities.chat.messages import CHAT_COMMANDS, CHAT_EVENTS, ChatState
from gateway.activities.poker.handlers import POKER
from gateway.activities.poker.messages import POKER_COMMANDS, POKER_EVENTS, PokerState
from gateway.activities.rooms.handlers import ROOMS
from gateway.activities.rooms.messages import (
    ROOM_COMMANDS,
    ROOM_EVENTS,
    RoomInfo,
    WirePosition,
)
from gateway.core.protocol.base import Command, EventData, Person, WireModel
from gateway.core.protocol.connection import CONNECTION_COMMANDS

ACTIVITIES: tuple[Activity, ...] = (ROOMS, CHAT, POKER)

COMMANDS: tuple[type[Command], ...] = (
    *CONNECTION_COMMANDS,
    *ROOM_COMMANDS,
    *CHAT_COMMANDS,
    *POKER_COMMANDS,
)

EVENTS: tuple[type[EventData], ...] = (*ROOM_EVENTS, *CHAT_EVENTS, *POKER_EVENTS)


class RoomState(WireModel):
    """Everything there is to know of a room: the reply to ``room.join``.

    It holds all durable events up to ``position`` and none after it; the
    events that follow on the connection begin right there.
    """

    room: RoomInfo
    position: WirePosition
    people: tuple[Person, ...]
    typing: tuple[Person, ...]
    chat: ChatState
    poker: PokerState | None


def handlers() -> Mapping[type, Handler]:
    """Return the handler of every durable command."""
    return {
        command: handler
        for activity in ACTIVITIES
        for command, handler in activity.handlers.items()
    }
