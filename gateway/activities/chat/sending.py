"""Saying something, as the ledger writes it: everything a batch says in one statement."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from gateway.activities.activity import Context, Outcome, Submission
from gateway.activities.chat.messages import ChatMessage, ChatSend
from gateway.core.errors import InvalidState, UnknownMessage
from gateway.core.ids import MessageId, RoomId, Seq, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated import messages as message_queries


class _Message(NamedTuple):
    """A row of ``messages``; ``attachment`` is JSON."""

    id: MessageId
    room_id: RoomId
    user_id: UserId
    content: str
    seq: Seq
    number: int
    message_type: str
    attachment: str | None
    reply_to: MessageId | None
    mentions: tuple[UserId, ...]


class _Marker(NamedTuple):
    room_id: RoomId
    user_id: UserId
    seq: Seq
    number: int


class _Root(NamedTuple):
    id: MessageId
    is_deleted: bool
    """Whether it, or the message that was named, has been deleted."""


class Sending:
    """The plan of ``chat.send``."""

    def __init__(self) -> None:
        self._messages: list[_Message] = []
        self._markers: dict[tuple[RoomId, UserId], _Marker] = {}
        self._roots: dict[tuple[RoomId, UUID], _Root] = {}
        self._members: Collection[tuple[RoomId, UUID]] = ()

    async def load(self, conn: Connection, submissions: Sequence[Submission]) -> None:
        """Read the messages that are answered and the people that are mentioned, if any are."""
        replies: set[tuple[RoomId, UUID]] = set()
        mentions: set[tuple[RoomId, UUID]] = set()
        for submission in submissions:
            data = cast("ChatSend", submission.command).data  # a plan gets its own commands
            if data.reply_to is not None:
                replies.add((submission.room_id, data.reply_to))
            if data.mentions:
                mentions.update((submission.room_id, user_id) for user_id in data.mentions)
        if replies:
            room_ids, message_ids = zip(*replies, strict=True)
            rows = await message_queries.find_roots(
                conn, room_ids=room_ids, message_ids=message_ids
            )
            self._roots = {
                (row.room_id, row.id): _Root(MessageId(row.root), row.deleted_at is not None)
                for row in rows
            }
        if mentions:
            self._members = await find_members(conn, mentions)

    def carry_out(self, context: Context, command: ChatSend) -> Outcome:
        """Say something."""
        context.require_speaker()
        data = command.data
        room_id, author_id = context.room.id, context.actor.user_id
        seq, number = context.seq, context.number
        # Most messages have neither; what they cost, every message would.
        root = self._find_root(room_id, data.reply_to) if data.reply_to is not None else None
        mentions = self._find_mentioned(room_id, data.mentions) if data.mentions else ()
        attachment = data.attachment.model_dump_json() if data.attachment is not None else None
        message_id = MessageId(context.new_id())
        self._messages.append(
            _Message(
                message_id,
                room_id,
                author_id,
                data.content,
                seq,
                number,
                data.message_type,
                attachment,
                root,
                mentions,
            )
        )
        self._markers[room_id, author_id] = _Marker(room_id, author_id, seq, number)
        event = ChatMessage(
            id=message_id,
            number=number,
            content=data.content,
            message_type=data.message_type,
            attachment=data.attachment,
            author=context.actor.person,
            reply_to=root,
            mentions=mentions,
        )
        return Outcome((event,), messages=1)

    async def write(self, conn: Connection, now: datetime) -> None:
        """Store the messages, move their senders' markers, and note who is mentioned."""
        if not self._messages:
            return
        (
            ids,
            room_ids,
            user_ids,
            contents,
            seqs,
            numbers,
            message_types,
            attachments,
            reply_tos,
            mentions,
        ) = zip(*self._messages, strict=True)
        marker_rooms, marker_users, marker_seqs, marker_numbers = zip(
            *self._markers.values(), strict=True
        )
        await message_queries.insert_messages(
            conn,
            ids=ids,
            room_ids=room_ids,
            user_ids=user_ids,
            contents=contents,
            seqs=seqs,
            numbers=numbers,
            message_types=message_types,
            attachments=attachments,
            reply_tos=reply_tos,
            mentions=[f"{{{','.join(map(str, named))}}}" if named else "{}" for named in mentions],
            marker_rooms=marker_rooms,
            marker_users=marker_users,
            marker_seqs=marker_seqs,
            marker_numbers=marker_numbers,
            created_at=now,
        )
        await note_mentions(
            conn,
            [
                (user_id, message.room_id, message.seq, message.id)
                for message in self._messages
                if message.mentions
                for user_id in message.mentions
            ],
        )

    def _find_mentioned(self, room_id: RoomId, named: Sequence[UUID]) -> tuple[UserId, ...]:
        people = (UserId(user_id) for user_id in dict.fromkeys(named))
        return tuple(person for person in people if (room_id, person) in self._members)

    def _find_root(self, room_id: RoomId, reply_to: UUID) -> MessageId:
        root = self._roots.get((room_id, reply_to))
        if root is None:
            raise UnknownMessage("There is no such message in this room to reply to.")
        if root.is_deleted:
            raise InvalidState("The message that you reply to has been deleted.")
        return root.id


async def find_members(
    conn: Connection, people: Iterable[tuple[RoomId, UUID]]
) -> set[tuple[RoomId, UUID]]:
    """Return which of these people are members of the room that they are named with."""
    room_ids, user_ids = zip(*people, strict=True)
    rows = await message_queries.find_members(conn, room_ids=room_ids, user_ids=user_ids)
    return {(row.room_id, row.user_id) for row in rows}


async def note_mentions(
    conn: Connection, mentions: Sequence[tuple[UserId, RoomId, Seq, MessageId]]
) -> None:
    """Store who is mentioned by which messages; those that are known already stay."""
    if mentions:
        user_ids, room_ids, seqs, message_ids = zip(*mentions, strict=True)
        await message_queries.insert_mentions(
            conn, user_ids=user_ids, room_ids=room_ids, seqs=seqs, message_ids=message_ids
        )
