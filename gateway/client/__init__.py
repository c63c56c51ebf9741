"""The Python client: rooms of a Parley gateway as typed, asynchronous objects.

::

    async with Client("http://127.0.0.1:8000") as parley:
        await parley.sign_in_as_guest("Ada")
        async with parley.room("lobby") as room:
            await room.say("Hello from Python")
            async for event in room:
                match event.data:
                    case ChatMessage(author=author, content=content):
                        print(f"{author.name}: {content}")

A lost connection is opened again by itself, for ever, and every room goes on
exactly where it was: what was missed comes first, nothing comes twice. A
durable command is repeated with the same key until it is answered, so it has
one effect; a question is asked again for a while. What cannot be mended that
way is raised as a ``ClientError`` (``client.errors`` draws the tree). Whom
somebody puts out of a room gets the event that says so and then
``MembershipEnded``: nothing goes back there by itself.
"""

from gateway.activities.chat.messages import (
    Attachment,
    ChatDeleted,
    ChatEdited,
    ChatMarked,
    ChatMessage,
    MessageView,
    Reaction,
    ReactionAdded,
    ReactionRemoved,
)
from gateway.activities.people.messages import PeopleView, PersonView
from gateway.activities.poker.messages import (
    PokerRevealed,
    PokerStarted,
    PokerState,
    PokerVoted,
    RevealedVote,
    Statistics,
)
from gateway.activities.protocol import Behind, RoomState
from gateway.activities.reading.messages import (
    BanPage,
    BanView,
    EditHistory,
    EditView,
    FoundPage,
    MemberPage,
    MemberView,
    MessagePage,
    Receipt,
    Receipts,
    RepliesPage,
)
from gateway.activities.rooms.messages import (
    MemberBanned,
    MemberJoined,
    MemberLeft,
    MemberMuted,
    MemberRoleChanged,
    MemberUnbanned,
    PresenceChanged,
    Role,
    RoomUpdated,
    TypingChanged,
)
from gateway.client.client import Client
from gateway.client.errors import (
    Banned,
    ClientError,
    CommandError,
    Conflict,
    ConnectionEnded,
    Forbidden,
    GatewayUnreachable,
    InvalidState,
    LastAdmin,
    MembershipEnded,
    Muted,
    NoAnswer,
    NotAMember,
    NotFound,
    UnknownMember,
    UnknownMessage,
    UnknownRoom,
)
from gateway.client.events import (
    Connected,
    Disconnected,
    Event,
    Resumed,
    RoomSnapshot,
    UnknownEvent,
)
from gateway.client.room import Room
from gateway.core.protocol.base import Committed, Person, PersonHere, Status

__all__ = [
    "Attachment",
    "BanPage",
    "BanView",
    "Banned",
    "Behind",
    "ChatDeleted",
    "ChatEdited",
    "ChatMarked",
    "ChatMessage",
    "Client",
    "ClientError",
    "CommandError",
    "Committed",
    "Conflict",
    "Connected",
    "ConnectionEnded",
    "Disconnected",
    "EditHistory",
    "EditView",
    "Event",
    "Forbidden",
    "FoundPage",
    "GatewayUnreachable",
    "InvalidState",
    "LastAdmin",
    "MemberBanned",
    "MemberJoined",
    "MemberLeft",
    "MemberMuted",
    "MemberPage",
    "MemberRoleChanged",
    "MemberUnbanned",
    "MemberView",
    "MembershipEnded",
    "MessagePage",
    "MessageView",
    "Muted",
    "NoAnswer",
    "NotAMember",
    "NotFound",
    "PeopleView",
    "Person",
    "PersonHere",
    "PersonView",
    "PokerRevealed",
    "PokerStarted",
    "PokerState",
    "PokerVoted",
    "PresenceChanged",
    "Reaction",
    "ReactionAdded",
    "ReactionRemoved",
    "Receipt",
    "Receipts",
    "RepliesPage",
    "Resumed",
    "RevealedVote",
    "Role",
    "Room",
    "RoomSnapshot",
    "RoomState",
    "RoomUpdated",
    "Statistics",
    "Status",
    "TypingChanged",
    "UnknownEvent",
    "UnknownMember",
    "UnknownMessage",
    "UnknownRoom",
]
