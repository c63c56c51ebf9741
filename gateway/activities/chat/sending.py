"""Saying something, as the ledger writes it: everything a batch says in one statement."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from gateway.activities.activity import Context, Outcome, Submission
from gateway.activities.chat.messages import ChatMessage, ChatSend
from gateway.core.errors import InvalidState, UnknownMessage
from gateway.core.ids import MessageId, RoomId, Seq, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated import messages as message_queries


class _Message(NamedTuple):
    """A row of ``messages``; ``attachment`` is JSON, ``mentions`` an array in text."""

    id: MessageId
    room_id: RoomId
    user_id: UserId
    content: str
    seq: Seq
    number: int
    message_type: str
    attachment: str | None
    reply_to: MessageId | None
    mentions: str


class _Marker(NamedTuple):
    room_id: RoomId
    user_id: UserId
    seq: Seq
    number: int


class _Root(NamedTuple):
    id: MessageId
    is_deleted: bool
    """Whether the message that was named has been deleted."""


class Sending:
    """The plan of ``chat.send``."""

    def __init__(self) -> None:
        self._messages: list[_Message] = []
        self._markers: dict[tuple[RoomId, UserId], _Marker] = {}
        self._mentions: list[tuple[UserId, RoomId, Seq, MessageId]] = []
        self._roots: dict[tuple[RoomId, UUID], _Root] = {}
        self._members: Collection[tuple[RoomId, UUID]] = ()

    async def load(self, conn: Connection, submissions: Sequence[Submission]) -> None:
        """Read the messages that are answered and the people that are mentioned, if any are."""
        replies: set[tuple[RoomId, UUID]] = set()
        mentions: set[tuple[RoomId, UUID]] = set()
        for room_id, _, command, *_ in submissions:
            assert isinstance(command, ChatSend)  # noqa: S101 - a plan gets its own commands
            if command.data.reply_to is not None:
                replies.add((room_id, command.data.reply_to))
            mentions.update((room_id, user_id) for user_id in command.data.mentions)
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
        root = self._find_root(room_id, data.reply_to)
        mentions = tuple(
            mention
            for mention in dict.fromkeys(data.mentions)
            if (room_id, mention) in self._members
        )
        message = _Message(
            id=MessageId(context.new_id()),
            room_id=room_id,
            user_id=author_id,
            content=data.content,
            seq=context.seq,
            number=context.number,
            message_type=data.message_type,
            attachment=data.attachment.model_dump_json() if data.attachment else None,
            reply_to=root,
            mentions=f"{{{','.join(map(str, mentions))}}}",
        )
        self._messages.append(message)
        self._markers[room_id, author_id] = _Marker(room_id, author_id, context.seq, context.number)
        self._mentions += [
            (UserId(mention), room_id, context.seq, message.id) for mention in mentions
        ]
        event = ChatMessage(
            id=message.id,
            number=message.number,
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
            mentions=mentions,
            marker_rooms=marker_rooms,
            marker_users=marker_users,
            marker_seqs=marker_seqs,
            marker_numbers=marker_numbers,
            created_at=now,
        )
        await note_mentions(conn, self._mentions)

    def _find_root(self, room_id: RoomId, reply_to: UUID | None) -> MessageId | None:
        if reply_to is None:
            return None
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
