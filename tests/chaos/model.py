"""What a room's tables must hold, by its log: replayed into an empty model, and compared.

The log alone is the truth, so whatever the gateway writes beside it must follow
from it. On the way the model notes every event that no rule allows. It shares
with the gateway the shapes of the events, and none of its rules or queries.
Pure but for ``read_tables``.
"""

import bisect
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

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
from gateway.activities.protocol import EVENTS
from gateway.activities.rooms.messages import (
    MemberBanned,
    MemberJoined,
    MemberLeft,
    MemberMuted,
    MemberRoleChanged,
    MemberUnbanned,
    RoomUpdated,
)
from gateway.core.protocol.base import EventData
from gateway.storage.connection import Connection

Rows = Mapping[tuple[object, ...], Mapping[str, object]]
"""The rows of a table by their keys: columns and what is in them."""

Tables = Mapping[str, Rows]

SPEECH: Final = (ChatMessage, ChatEdited, ReactionAdded)
"""What the muted may not cause."""

MODERATORS: Final = frozenset({"admin", "moderator"})

TABLES: Final[Mapping[str, tuple[int, str]]] = {
    "rooms": (
        1,
        """
        select id, name, description, is_archived, retention_days, last_seq, message_count
        from rooms
        where id = any($1)
        """,
    ),
    "room_users": (
        2,
        """
        select
          m.room_id, m.user_id, m.role, m.muted_until, m.last_read_seq, m.read_count,
          r.message_count - m.read_count - (
            select count(*) from messages d
            where d.room_id = m.room_id and d.seq > m.last_read_seq and d.deleted_at is not null
          ) as unread,
          (
            select count(*) from message_mentions t
            where t.room_id = m.room_id and t.user_id = m.user_id and t.seq > m.last_read_seq
          ) as unread_mentions
        from room_users m
        join rooms r on r.id = m.room_id
        where m.room_id = any($1)
        """,
    ),
    "room_bans": (
        2,
        """
        select room_id, user_id, banned_by, reason, until, created_at
        from room_bans
        where room_id = any($1)
        """,
    ),
    "messages": (
        2,
        """
        select
          room_id, seq, id, number, user_id, content, message_type, attachment, reply_to,
          mentions, is_edited, edited_at, deleted_at, created_at, updated_at
        from messages
        where room_id = any($1)
        """,
    ),
    "message_edits": (
        2,
        """
        select e.message_id, e.seq, e.content, e.edited_at
        from message_edits e
        join messages m on m.id = e.message_id
        where m.room_id = any($1)
        """,
    ),
    "message_reactions": (
        3,
        """
        select r.message_id, r.user_id, r.emoji, r.created_at
        from message_reactions r
        join messages m on m.id = r.message_id
        where m.room_id = any($1)
        """,
    ),
    "message_mentions": (
        3,
        "select user_id, room_id, seq, message_id from message_mentions where room_id = any($1)",
    ),
    "message_read_receipts": (
        3,
        """
        select room_id, user_id, seq, message_id, read_at
        from message_read_receipts
        where room_id = any($1)
        """,
    ),
}
"""Of each table how many columns its key has, and the query, key first."""

SPARSE: Final = frozenset({"message_read_receipts"})
"""Tables that need not have all rows: of the steps up to one message the first is kept."""

_TYPES: Final[Mapping[str, type[EventData]]] = {event.type: event for event in EVENTS}


class Row(NamedTuple):
    """An event of the log."""

    seq: int
    type: str
    actor: str | None
    key: str | None
    payload: str
    created_at: datetime

    @property
    def said(self) -> str | None:
        """The key of the message as its content tells it; ``None`` for what is no message."""
        if self.type != "chat.message":
            return None
        content: str = orjson.loads(self.payload)["content"]
        return content.partition(" ")[0]

    @property
    def data(self) -> EventData:
        """What it tells."""
        return _TYPES[self.type].model_validate_json(self.payload)


@dataclass(slots=True)
class _Message:
    seq: int
    at: datetime
    author: UUID
    told: ChatMessage
    content: str
    attachment: Attachment | None
    mentions: tuple[UUID, ...]
    updated_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    edits: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    """The texts before, by the ``seq`` of the event that replaced them."""
    reactions: dict[tuple[UUID, str], datetime] = field(default_factory=dict)


@dataclass(slots=True)
class _Member:
    role: str
    marker: int = 0
    marked: int = 0
    """How far ``chat.marked`` has told."""
    muted_until: datetime | None = None


class _Ban(NamedTuple):
    by: UUID
    reason: str | None
    until: datetime | None
    at: datetime


class RoomModel:
    """A room as its log tells it. ``findings`` are the events that should not be there."""

    def __init__(self, room: UUID) -> None:
        self.findings: list[str] = []
        self._room = room
        self._members: dict[UUID, _Member] = {}
        self._bans: dict[UUID, _Ban] = {}
        self._former_mutes: dict[UUID, datetime] = {}
        self._messages: dict[UUID, _Message] = {}
        self._numbers: list[int] = []
        """The ``seq`` of each message."""
        self._receipts: dict[tuple[UUID, int], tuple[UUID, datetime]] = {}
        self._updated: RoomUpdated | None = None
        self._seq = 0

    # Questions

    @property
    def members(self) -> Collection[UUID]:
        """Who is in."""
        return self._members.keys()

    def newest(self, count: int) -> list[MessageView]:
        """Return the newest messages as a newcomer sees them, but for the names of people."""
        ids = list(self._messages)[-count:]
        return [self._view(self._messages[message_id]) for message_id in ids]

    def tables(self) -> Tables:
        """Return what PostgreSQL must hold of this room."""
        room = self._room
        return {
            "rooms": {(room,): self._room_row()},
            "room_users": {
                (room, user): self._member_row(user, member)
                for user, member in self._members.items()
            },
            "room_bans": {
                (room, user): {
                    "banned_by": ban.by,
                    "reason": ban.reason,
                    "until": ban.until,
                    "created_at": ban.at,
                }
                for user, ban in self._bans.items()
            },
            "messages": {
                (room, message.seq): _message_row(message) for message in self._messages.values()
            },
            "message_edits": {
                (message.told.id, seq): {"content": content, "edited_at": at}
                for message in self._messages.values()
                for seq, (content, at) in message.edits.items()
            },
            "message_reactions": {
                (message.told.id, *reaction): {"created_at": at}
                for message in self._messages.values()
                for reaction, at in message.reactions.items()
            },
            "message_mentions": {
                (user, room, message.seq): {"message_id": message.told.id}
                for message in self._messages.values()
                for user in message.mentions
            },
            "message_read_receipts": {
                (room, *step): {"message_id": message_id, "read_at": at}
                for step, (message_id, at) in self._receipts.items()
            },
        }

    def _room_row(self) -> Mapping[str, object]:
        told = self._updated.model_dump() if self._updated is not None else {}
        return {"last_seq": self._seq, "message_count": len(self._messages), **told}

    def _member_row(self, user: UUID, member: _Member) -> Mapping[str, object]:
        unread = [
            message
            for message in self._messages.values()
            if message.seq > member.marker and message.deleted_at is None
        ]
        return {
            "role": member.role,
            "muted_until": member.muted_until,
            "last_read_seq": member.marker,
            "read_count": bisect.bisect_right(self._numbers, member.marker),
            "unread": len(unread),
            "unread_mentions": sum(user in message.mentions for message in unread),
        }

    def _view(self, message: _Message) -> MessageView:
        under: dict[str, list[UUID]] = {}
        for user, emoji in message.reactions:
            under.setdefault(emoji, []).append(user)
        return MessageView(
            id=message.told.id,
            seq=message.seq,
            number=message.told.number,
            at=message.at,
            content=message.content,
            message_type=message.told.message_type,
            attachment=message.attachment,
            author=message.told.author,
            reply_to=message.told.reply_to,
            mentions=message.mentions,
            reactions=tuple(
                Reaction(emoji=emoji, count=len(users), users=tuple(sorted(users)))
                for emoji, users in sorted(under.items())
            ),
            edited_at=message.edited_at,
            deleted_at=message.deleted_at,
        )

    # The log

    def apply(self, row: Row) -> None:
        """Take the next event."""
        self._seq = row.seq
        if row.type not in _TYPES or row.type.startswith("poker."):
            return
        actor = UUID(row.actor)
        data = row.data
        if not isinstance(data, MemberJoined):
            self._expect(row, actor in self._members, "is by somebody who is not a member")
        if isinstance(data, SPEECH) and (member := self._members.get(actor)) is not None:
            until = member.muted_until
            self._expect(row, until is None or until <= row.created_at, "is by somebody muted")
        had_admin = self._has_admin
        self._take(row, actor, data)
        self._expect(row, self._has_admin or not had_admin, "leaves the room without an admin")

    def _take(self, row: Row, actor: UUID, data: EventData) -> None:  # noqa: C901, PLR0912 - a table
        match data:
            case RoomUpdated():
                self._expect(row, self._role(actor) == "admin", "is not by an admin")
                self._updated = data
            case MemberJoined():
                self._join(row, data)
            case MemberLeft():
                self._leave(row, actor, data)
            case MemberRoleChanged():
                self._expect(row, self._role(actor) == "admin", "is not by an admin")
                if (member := self._find_member(row, data.user.id)) is not None:
                    member.role = data.role
            case MemberBanned():
                self._expect_moderator(row, actor, data.user.id)
                ban = _Ban(actor, data.reason, data.until, row.created_at)
                self._bans[data.user.id] = ban
            case MemberUnbanned():
                self._expect_moderator(row, actor, data.user.id)
                known = self._bans.pop(data.user.id, None) is not None
                self._expect(row, known, "is of somebody who is not banned")
            case MemberMuted():
                self._expect_moderator(row, actor, data.user.id)
                if (member := self._find_member(row, data.user.id)) is not None:
                    member.muted_until = data.until
            case ChatMarked():
                self._mark(row, actor, data)
            case ChatMessage():
                self._say(row, actor, data)
            case ChatEdited() | ChatDeleted() | ReactionAdded() | ReactionRemoved():
                message = self._messages.get(data.message_id)
                if message is None or message.deleted_at is not None:
                    self._expect(row, False, "is of a message that is not there")
                else:
                    self._change(row, actor, message, data)

    def _join(self, row: Row, data: MemberJoined) -> None:
        user = data.user.id
        self._expect(row, user not in self._members, "is of a member")
        ban = self._bans.get(user)
        is_out = ban is not None and (ban.until is None or ban.until > row.created_at)
        self._expect(row, not is_out, "is of somebody banned")
        mute = self._former_mutes.pop(user, None)
        is_muted = mute is not None and mute > row.created_at
        kept = data.muted_until == (mute if is_muted else None)
        self._expect(row, kept, "forgets or invents a mute")
        self._members[user] = _Member(data.role, marker=row.seq - 1, muted_until=data.muted_until)

    def _leave(self, row: Row, actor: UUID, data: MemberLeft) -> None:
        if data.reason == "left":
            self._expect(row, data.user.id == actor, "is of somebody else")
        else:
            self._expect_moderator(row, actor, data.user.id)
        member = self._members.pop(data.user.id, None)
        self._expect(row, member is not None, "is of somebody who is not a member")
        if member is not None and member.muted_until is not None:
            self._former_mutes[data.user.id] = member.muted_until

    def _mark(self, row: Row, actor: UUID, data: ChatMarked) -> None:
        member = self._find_member(row, actor)
        if member is None:
            return
        # A message of the same batch may have moved it farther than the command could know.
        self._expect(row, member.marked < data.up_to < row.seq, "does not move the marker on")
        member.marked = data.up_to
        member.marker = max(member.marker, data.up_to)
        if number := bisect.bisect_right(self._numbers, data.up_to):
            newest = list(self._messages)[number - 1]
            self._receipts[actor, data.up_to] = newest, row.created_at

    def _say(self, row: Row, actor: UUID, data: ChatMessage) -> None:
        self._messages[data.id] = _Message(
            seq=row.seq,
            at=row.created_at,
            author=actor,
            told=data,
            content=data.content,
            attachment=data.attachment,
            mentions=data.mentions,
            updated_at=row.created_at,
        )
        self._numbers.append(row.seq)
        self._expect(row, data.number == len(self._numbers), "is not the next message")
        root = data.reply_to and self._messages.get(data.reply_to)
        self._expect(
            row,
            data.reply_to is None or (root is not None and root.told.reply_to is None),
            "replies to what is no root",
        )
        if (member := self._members.get(actor)) is not None:
            member.marker = row.seq

    def _change(
        self,
        row: Row,
        actor: UUID,
        message: _Message,
        data: ChatEdited | ChatDeleted | ReactionAdded | ReactionRemoved,
    ) -> None:
        message_is_own = actor == message.author
        match data:
            case ChatEdited():
                self._expect(row, message_is_own, "is not by the author")
                message.edits[row.seq] = message.content, row.created_at
                message.content, message.mentions = data.content, data.mentions
                message.edited_at = message.updated_at = row.created_at
            case ChatDeleted():
                may = message_is_own or self._role(actor) in MODERATORS
                self._expect(row, may, "is by nobody who may delete that")
                texts = [message.content, *(text for text, _ in message.edits.values())]
                is_redacted = not (any(texts) or message.mentions or message.attachment)
                self._expect(row, is_redacted, "and still the log says what was deleted")
                message.content, message.attachment, message.mentions = "", None, ()
                message.edits.clear()
                message.reactions.clear()
                message.deleted_at = message.updated_at = row.created_at
            case ReactionAdded():
                reaction = actor, data.emoji
                self._expect(row, reaction not in message.reactions, "is there already")
                message.reactions[reaction] = row.created_at
            case ReactionRemoved():
                known = message.reactions.pop((actor, data.emoji), None) is not None
                self._expect(row, known, "is of a reaction that is not there")

    # What the rules say

    @property
    def _has_admin(self) -> bool:
        return any(member.role == "admin" for member in self._members.values())

    def _role(self, user: UUID) -> str | None:
        member = self._members.get(user)
        return member.role if member is not None else None

    def _find_member(self, row: Row, user: UUID) -> _Member | None:
        member = self._members.get(user)
        self._expect(row, member is not None, "is of somebody who is not a member")
        return member

    def _expect_moderator(self, row: Row, actor: UUID, target: UUID) -> None:
        """Notice what is not by an admin, nor by a moderator about a plain member."""
        role = self._role(actor)
        may = role == "admin" or (role == "moderator" and self._role(target) not in MODERATORS)
        self._expect(row, may, "is by nobody who may do that")

    def _expect(self, row: Row, is_right: bool, otherwise: str) -> None:
        if not is_right:
            self.findings.append(f"event {row.seq}, {row.type} {row.payload}, {otherwise}")


def _message_row(message: _Message) -> Mapping[str, object]:
    return {
        "id": message.told.id,
        "number": message.told.number,
        "user_id": message.author,
        "content": message.content,
        "message_type": message.told.message_type,
        "attachment": message.attachment and message.attachment.model_dump(),
        "reply_to": message.told.reply_to,
        "mentions": list(message.mentions),
        "is_edited": message.edited_at is not None,
        "edited_at": message.edited_at,
        "deleted_at": message.deleted_at,
        "created_at": message.at,
        "updated_at": message.updated_at,
    }


def replayed(room: UUID, rows: Iterable[Row]) -> RoomModel:
    """Return the room after its whole log."""
    model = RoomModel(room)
    for row in rows:
        model.apply(row)
    return model


async def read_tables(conn: Connection, rooms: Collection[UUID]) -> dict[UUID, Tables]:
    """Return what PostgreSQL holds of some rooms, all of it as it is at one moment.

    The connection knows ``jsonb`` (``prepare_connection``).
    """
    tables: dict[UUID, dict[str, dict[tuple[object, ...], Mapping[str, object]]]] = {
        room: {name: {} for name in TABLES} for room in rooms
    }
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        homes = {
            row["id"]: row["room_id"]
            for row in await conn.fetch(
                "select id, room_id from messages where room_id = any($1)", rooms
            )
        }
        for name, (key_columns, sql) in TABLES.items():
            for row in await conn.fetch(sql, rooms):
                columns: list[tuple[str, Any]] = list(row.items())
                key = tuple(value for _, value in columns[:key_columns])
                room = row.get("room_id") or homes.get(key[0]) or key[0]
                tables[room][name][key] = dict(columns[key_columns:])
    return tables


def differences(wanted: Tables, found: Tables) -> Iterator[str]:
    """Yield every row of the tables that is not as the log says."""
    for name, rows in wanted.items():
        stored = found[name]
        for key in sorted(rows.keys() | stored.keys(), key=str):
            place = f"{name} ({', '.join(map(str, key))})"
            if key not in rows:
                yield f"{place}: not by the log; the table has {dict(stored[key])}"
            elif key not in stored:
                if name not in SPARSE:
                    yield f"{place}: the log says {dict(rows[key])}; the table has no such row"
            else:
                yield from (
                    f"{place}: {column} is {value!r} by the log and "
                    f"{stored[key][column]!r} in the table"
                    for column, value in rows[key].items()
                    if stored[key][column] != value
                )
