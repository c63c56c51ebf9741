"""What an activity is: commands, what carries them out, and its part of a room's state.

A command is carried out inside the ledger's transaction with its room locked:
by a handler, or, if it is a hot one, by a plan. Either checks the rules, writes
the domain tables and returns the events that say what happened; the ledger
gives them their ``seq`` and writes the log. A ``GatewayError`` rejects its own
command and nothing else.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from gateway.core.errors import Muted, NotAMember
from gateway.core.identity import Identity
from gateway.core.ids import RoomId, Seq, UserId
from gateway.core.protocol.base import Committed, EventData, WireModel
from gateway.storage.connection import Connection


class LockedRoom(NamedTuple):
    """A room whose row this transaction holds ``for no key update``, as it was when locked."""

    id: RoomId
    name: str
    is_private: bool
    is_archived: bool
    last_seq: Seq
    message_count: int


class Standing(NamedTuple):
    """What a member may do in a room."""

    role: str
    muted_until: datetime | None = None


class Context(NamedTuple):
    """Everything a handler may use. ``now`` is PostgreSQL's clock at the lock.

    ``standing`` is ``None`` for who is not a member. ``is_archived`` is how the room is
    now, which the batch may have changed. ``seq`` is the number that the
    command's first event will get, ``number`` that of its first message.
    """

    conn: Connection
    room: LockedRoom
    actor: Identity
    standing: Standing | None
    is_archived: bool
    now: datetime
    seq: Seq
    number: int
    new_id: Callable[[], UUID]

    def require_member(self) -> str:
        """Return the actor's role, or raise ``NotAMember``."""
        if self.standing is None:
            raise NotAMember("You are not a member of this room: join it first.")
        return self.standing.role

    def require_speaker(self) -> str:
        """Return the role of an actor who may say something, or raise ``NotAMember``, ``Muted``."""
        role = self.require_member()
        assert self.standing is not None  # noqa: S101 - a member has one
        muted_until = self.standing.muted_until
        if muted_until is not None and muted_until > self.now:
            raise Muted(f"You may not say anything in this room until {muted_until.isoformat()}.")
        return role


class Outcome(NamedTuple):
    """What a command did: its events in order, and how many messages it added to the room.

    ``standings`` are those that are other ones from now on; ``None``: not a member any more.
    ``touched`` are the people whose inbox shows something else now.
    """

    events: tuple[EventData, ...]
    messages: int = 0
    standings: Mapping[UserId, Standing | None] = MappingProxyType({})
    touched: tuple[UserId, ...] = ()
    is_archived: bool | None = None
    """Whether the room is archived from now on, if that has changed."""
    redacted: tuple[Seq, ...] = ()
    """Events whose text is taken out of the log: they may be of this batch, so it does that."""


class Plan(Protocol):
    """Carries out the hot commands of an activity, of many rooms at once.

    Made anew for each use: ``load``, ``carry_out`` for each command, ``write``.
    So hundreds of commands cost as many statements as one.
    """

    async def load(self, conn: Connection, submissions: Sequence["Submission"], /) -> None:
        """Read what the rules need to know to carry these out."""

    def carry_out(self, context: Context, command: Any, /) -> Outcome:  # noqa: ANN401 - as below
        """Check the rules and return the events, or raise; touch nothing but what was read."""

    async def write(self, conn: Connection, now: datetime, /) -> None:
        """Write what has been carried out."""


class Handler(Protocol):
    """Carries out one kind of command with statements of its own, in a savepoint."""

    async def __call__(self, context: Context, command: Any, /) -> Outcome:  # noqa: ANN401 - the table below pairs each handler with its command type
        """Check the rules, write the tables, return the events."""


class Submission(NamedTuple):
    """A durable command on its way into the ledger, from a socket or from the HTTP API."""

    room_id: RoomId
    actor: Identity
    command: object
    key: str | None = None
    invited: bool = False
    """Whether the actor comes with an invitation that has been checked."""


class Submit(Protocol):
    """The ledger's door."""

    async def __call__(self, submission: Submission, /) -> Committed:
        """Return once the command is committed, or raise the ``GatewayError`` that rejected it."""


Request = Callable[[Identity, Any], Awaitable[WireModel | None]]
"""Carries out a command that changes no room's log: a question, or something outside of rooms.

Returns the reply's body, ``None`` for an empty one, or raises a ``GatewayError``.
"""

LookAgain = Callable[[RoomId | None, Iterable[UserId]], None]
"""Tells the inboxes of people that they show something else: of that room, or of anything.

Called after the commit.
"""


class Visit(NamedTuple):
    """Somebody who comes into a room."""

    room_id: RoomId
    viewer: Identity


StateReader = Callable[[Connection, Sequence[Visit]], Awaitable[Sequence[WireModel | None]]]
"""Reads an activity's part of the rooms' states, each as its visitor may see it."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that people do in a room. ``name`` is its key in a room's state."""

    name: str
    handlers: Mapping[type, Handler] = field(default_factory=dict)
    plans: Mapping[type, Callable[[], Plan]] = field(default_factory=dict)
    in_archive: Collection[type] = ()
    """Commands that an archived room takes."""
    read_states: StateReader | None = None
