"""What happens in one room: its log, and the rows that the log leads to (pure)."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from random import Random
from typing import Any, Final
from uuid import UUID

import orjson

from gateway.core.ids import MessageId
from gateway.storage.large_seed.cast import RoomPlan, Somebody
from gateway.storage.large_seed.words import sentence

SMALL_ROOM: Final = 100
"""As in ``activities.chat.rules``, which storage may not import: there markers are events."""

_EVENTS_A_MESSAGE: Final = 1.5  # more than there are, so that the last one is not in the future

_REPLY: Final = 0.1
_MENTION: Final = 0.04
_SECOND_MENTION: Final = 0.2
_ATTACHMENT: Final = 0.02
_MARK: Final = 0.1
_DELETED: Final = 0.01
_EDITED: Final = 0.03
_REACTED: Final = 0.06
_ALL_READ: Final = 0.6
_MODERATED: Final = 20  # members, from which on a room has a moderator

_EMOJI: Final = ("👍", "🎉", "😄", "🚀", "👀")

Row = tuple[Any, ...]


@dataclass(slots=True)
class Rows:
    """Rows to be written, by table; their columns are those of ``writing.COLUMNS``."""

    room_events: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    message_edits: list[Row] = field(default_factory=list)
    message_reactions: list[Row] = field(default_factory=list)
    message_mentions: list[Row] = field(default_factory=list)
    message_read_receipts: list[Row] = field(default_factory=list)
    room_users: list[Row] = field(default_factory=list)
    totals: list[Row] = field(default_factory=list)
    """Of the rooms that are complete: id, last_seq, message_count, updated_at."""

    def clear(self) -> None:
        """Forget the rows, which have been written."""
        for table in fields(self):
            getattr(self, table.name).clear()


@dataclass(slots=True)
class _Member:
    person: Somebody
    role: str
    joined_at: datetime
    last_read_seq: int
    read_count: int = 0
    last_read_message_id: UUID | None = None


class Talk:
    """One room: everybody comes in, then they talk, edit, delete, react, and read."""

    def __init__(
        self, room: RoomPlan, people: Sequence[Somebody], rows: Rows, now: datetime
    ) -> None:
        """``people`` are the members in the order of ``room.members``; ``rows`` gets it all."""
        self._room = room
        self._people = people
        self._rows = rows
        self._rng = Random(room.number)  # noqa: S311 - example data
        self._members: list[_Member] = []
        self._seq = 0
        self._number = 0
        self._roots: deque[MessageId] = deque(maxlen=50)
        self._sent: list[tuple[int, UUID]] = []
        events = len(people) + 1 + _EVENTS_A_MESSAGE * room.messages
        self._pause = room.age / events
        self._started_at = now - room.age

    def go_on(self) -> Iterator[None]:
        """Add the rows; whoever iterates may take those that are there away at every step."""
        self._come_in()
        for _ in range(self._room.messages):
            self._say_something()
            if len(self._members) <= SMALL_ROOM and self._rng.random() < _MARK:
                self._mark()
            yield
        if len(self._members) > SMALL_ROOM:
            self._mark_silently()
        self._leave_it()
        yield

    def _come_in(self) -> None:
        for place, person in enumerate(self._people):
            role = "admin" if place == 0 else "member"
            data = {"user": person.as_person, "role": role, "muted_until": None}
            seq = self._append("member.joined", person, data)
            self._members.append(_Member(person, role, self._now(), seq - 1))
        if len(self._members) > _MODERATED:
            admin, member = self._members[:2]
            member.role = "moderator"
            data = {"user": member.person.as_person, "role": member.role}
            self._append("member.role_changed", admin.person, data)

    def _say_something(self) -> None:
        """Add a message and what happens to it: nothing mostly."""
        rng = self._rng
        author = self._speaker()
        message_id = self._new_id()
        content = sentence(rng)
        attachment = self._attachment() if rng.random() < _ATTACHMENT else None
        reply_to = rng.choice(self._roots) if self._roots and rng.random() < _REPLY else None
        mentions = self._mentioned() if rng.random() < _MENTION else []
        self._number += 1
        fate = rng.random()
        is_deleted, is_edited = fate < _DELETED, _DELETED <= fate < _EDITED
        if is_deleted:
            content, attachment, mentions = "", None, []
        data = {
            "id": message_id,
            "number": self._number,
            "content": content,
            "message_type": "image" if attachment else "text",
            "attachment": attachment,
            "author": author.person.as_person,
            "reply_to": reply_to,
            "mentions": mentions,
        }
        seq = self._append("chat.message", author.person, data)
        sent_at = self._now()
        self._move(author, seq, author.last_read_message_id)
        if len(self._members) > SMALL_ROOM:
            self._sent.append((seq, message_id))
        if is_edited:
            content = self._edit(author, message_id, content, mentions)
        elif is_deleted:
            self._append("chat.deleted", author.person, {"message_id": message_id})
        elif fate < _REACTED:
            self._react(message_id)
        if reply_to is None and not is_deleted:
            self._roots.append(message_id)
        changed_at = self._now()
        self._rows.messages.append(
            (
                message_id,
                self._room.id,
                author.person.id,
                content,
                seq,
                self._number,
                data["message_type"],
                attachment,
                reply_to,
                mentions,
                is_edited,
                changed_at if is_edited else None,
                changed_at if is_deleted else None,
                sent_at,
                changed_at if is_edited or is_deleted else sent_at,
            )
        )
        self._rows.message_mentions += [
            (user_id, self._room.id, seq, message_id) for user_id in mentions
        ]

    def _edit(
        self, author: _Member, message_id: UUID, content: str, mentions: Sequence[UUID]
    ) -> str:
        """Change a text and return the new one."""
        better = sentence(self._rng)
        data = {"message_id": message_id, "content": better, "mentions": mentions}
        seq = self._append("chat.edited", author.person, data)
        self._rows.message_edits.append((message_id, seq, content, self._now()))
        return better

    def _react(self, message_id: UUID) -> None:
        count = 1 + int(min(self._rng.expovariate(1), 4))
        for member in {id(m): m for m in (self._speaker() for _ in range(count))}.values():
            emoji = self._rng.choice(_EMOJI)
            self._append(
                "reaction.added", member.person, {"message_id": message_id, "emoji": emoji}
            )
            self._rows.message_reactions.append((message_id, member.person.id, emoji, self._now()))

    def _mark(self) -> None:
        """Let somebody have read up to the end of the log."""
        member = self._rng.choice(self._members)
        message_id = self._rows.messages[-1][0]
        up_to = self._seq
        if up_to <= member.last_read_seq:
            return
        self._move(member, up_to, message_id)
        self._append("chat.marked", member.person, {"up_to": up_to})
        self._rows.message_read_receipts.append(
            (message_id, member.person.id, self._room.id, up_to, self._now())
        )

    def _mark_silently(self) -> None:
        """Let most have read up to some message, which no event of a big room tells."""
        for member in self._members:
            if self._sent and self._rng.random() < _ALL_READ:
                place = int(len(self._sent) * self._rng.random())
                seq, message_id = self._sent[place]
                if seq > member.last_read_seq:
                    self._move(member, seq, message_id, place + 1)

    def _move(
        self, member: _Member, seq: int, message_id: UUID | None, number: int | None = None
    ) -> None:
        member.last_read_seq = seq
        member.last_read_message_id = message_id
        member.read_count = number or self._number

    def _leave_it(self) -> None:
        """Add what is known at the end only: how far everybody has read, and the totals."""
        self._rows.room_users += [
            (
                self._room.id,
                member.person.id,
                member.role,
                member.last_read_message_id,
                member.read_count,
                member.last_read_seq,
                member.joined_at,
            )
            for member in self._members
        ]
        self._rows.totals.append((self._room.id, self._seq, self._number, self._now()))

    def _append(self, event_type: str, actor: Somebody, data: dict[str, Any]) -> int:
        """Add an event and return its seq."""
        self._seq += 1
        payload = orjson.dumps(data).decode()
        self._rows.room_events.append(
            (self._room.id, self._seq, event_type, actor.id, payload, self._now())
        )
        return self._seq

    def _now(self) -> datetime:
        """Return when the newest event happened."""
        return self._started_at + self._pause * self._seq

    def _speaker(self) -> _Member:
        """Return somebody; those who came first talk most."""
        return self._members[int(len(self._members) * self._rng.random() ** 2)]

    def _mentioned(self) -> list[UUID]:
        count = 1 + (self._rng.random() < _SECOND_MENTION)
        return list({m.person.id: None for m in self._rng.choices(self._members, k=count)})

    def _attachment(self) -> dict[str, Any]:
        name = f"{self._rng.getrandbits(32):08x}.png"
        return {
            "url": f"https://files.example.com/{name}",
            "name": name,
            "media_type": "image/png",
            "size_bytes": self._rng.randrange(10_000, 5_000_000),
        }

    def _new_id(self) -> MessageId:
        return MessageId(UUID(int=self._rng.getrandbits(128), version=4))
