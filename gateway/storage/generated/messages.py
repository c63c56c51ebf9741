"""Typed functions for queries/messages.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from gateway.core.ids import MessageId, RoomId, Seq, UserId
from gateway.storage.connection import Connection, Json
from gateway.storage.sql import affected_rows, sql_of, the_row

_SQL: Final = sql_of("messages")


class FindRootsRow(NamedTuple):
    id: MessageId
    room_id: RoomId
    root: MessageId
    deleted_at: datetime | None


class FindMembersRow(NamedTuple):
    room_id: RoomId
    user_id: UserId


class GetMessageRow(NamedTuple):
    id: MessageId
    seq: Seq
    user_id: UserId | None
    content: str
    mentions: Sequence[UserId]
    message_type: str
    deleted_at: datetime | None


class ReadMarksRow(NamedTuple):
    room_id: RoomId
    user_id: UserId
    asked: int
    up_to: int
    read_count: int
    message_id: MessageId | None
    number: int
    is_small: bool


class NewestMessagesRow(NamedTuple):
    room_id: RoomId
    id: UUID
    seq: Seq
    number: int
    created_at: datetime
    content: str
    message_type: str
    attachment: Json | None
    user_id: UserId | None
    reply_to: MessageId | None
    mentions: Sequence[UserId]
    edited_at: datetime | None
    deleted_at: datetime | None
    author_name: str | None
    author_avatar_url: str | None


class ReadReactionsRow(NamedTuple):
    message_id: MessageId
    emoji: str
    people: int
    users: Sequence[UUID]


async def insert_messages(
    conn: Connection,
    *,
    marker_rooms: Sequence[RoomId],
    marker_users: Sequence[UserId],
    marker_seqs: Sequence[Seq],
    marker_numbers: Sequence[int],
    created_at: datetime,
    ids: Sequence[UUID],
    room_ids: Sequence[RoomId],
    user_ids: Sequence[UserId],
    contents: Sequence[str],
    seqs: Sequence[Seq],
    numbers: Sequence[int],
    message_types: Sequence[str],
    attachments: Sequence[str | None],
    reply_tos: Sequence[MessageId | None],
    mentions: Sequence[str],
) -> int:
    """All messages of a batch in one statement, in the transaction that writes
    their events, under their rooms' locks, and their senders' read markers. Mentions
    are arrays as text: PostgreSQL has no arrays of arrays. What is set of a marker is
    in no index, so that its row changes in place. Primary key of room_users.
    """
    answer = await conn.execute(
        _SQL["insert_messages"],
        marker_rooms,
        marker_users,
        marker_seqs,
        marker_numbers,
        created_at,
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
    )
    return affected_rows(answer)


async def find_roots(
    conn: Connection,
    *,
    room_ids: Sequence[RoomId],
    message_ids: Sequence[MessageId],
) -> list[FindRootsRow]:
    """The roots of the threads of these messages; deleted_at: the message or its root has been. Primary
    key, each looked up by itself.
    """
    answer = await conn.fetch(
        _SQL["find_roots"],
        room_ids,
        message_ids,
    )
    return [FindRootsRow(*record) for record in answer]


async def find_members(
    conn: Connection,
    *,
    room_ids: Sequence[RoomId],
    user_ids: Sequence[UserId],
) -> list[FindMembersRow]:
    """Which of these people are members of which of these rooms. Primary key, each looked up by itself."""
    answer = await conn.fetch(
        _SQL["find_members"],
        room_ids,
        user_ids,
    )
    return [FindMembersRow(*record) for record in answer]


async def insert_mentions(
    conn: Connection,
    *,
    user_ids: Sequence[UserId],
    room_ids: Sequence[RoomId],
    seqs: Sequence[Seq],
    message_ids: Sequence[MessageId],
) -> int:
    """Who is mentioned by messages. Primary key."""
    answer = await conn.execute(
        _SQL["insert_mentions"],
        user_ids,
        room_ids,
        seqs,
        message_ids,
    )
    return affected_rows(answer)


async def get_message(
    conn: Connection,
    *,
    message_id: MessageId,
    room_id: RoomId,
) -> GetMessageRow | None:
    """One message of the room. Primary key."""
    answer = await conn.fetchrow(
        _SQL["get_message"],
        message_id,
        room_id,
    )
    return None if answer is None else GetMessageRow(*answer)


async def edit_message(
    conn: Connection,
    *,
    seq: Seq,
    edited_at: datetime,
    message_id: MessageId,
    content: str,
    mentions: Sequence[UserId],
) -> int:
    """Replaces a text by another and keeps it. seq is the event's that tells so. Primary keys."""
    answer = await conn.execute(
        _SQL["edit_message"],
        seq,
        edited_at,
        message_id,
        content,
        mentions,
    )
    return affected_rows(answer)


async def forget_mentions(
    conn: Connection,
    *,
    message_id: MessageId,
    kept: Sequence[UUID],
) -> int:
    """An edit has left people out. Index on message_id."""
    answer = await conn.execute(
        _SQL["forget_mentions"],
        message_id,
        kept,
    )
    return affected_rows(answer)


async def delete_message(
    conn: Connection,
    *,
    message_id: MessageId,
    deleted_at: datetime,
) -> list[Seq]:
    """Makes a message a tombstone and answers with the seqs of the events that told what it said, to
    be redacted. Primary keys, and the index of message_mentions on message_id.
    """
    answer = await conn.fetch(
        _SQL["delete_message"],
        message_id,
        deleted_at,
    )
    return [record[0] for record in answer]


async def count_edits(
    conn: Connection,
    *,
    message_id: MessageId,
) -> int:
    """Primary key."""
    answer = await conn.fetchrow(
        _SQL["count_edits"],
        message_id,
    )
    first: int = the_row(answer)[0]
    return first


async def count_other_emoji(
    conn: Connection,
    *,
    message_id: MessageId,
    emoji: str,
) -> int:
    """How many different emoji other than this one are under a message. Primary key."""
    answer = await conn.fetchrow(
        _SQL["count_other_emoji"],
        message_id,
        emoji,
    )
    first: int = the_row(answer)[0]
    return first


async def add_reaction(
    conn: Connection,
    *,
    message_id: MessageId,
    user_id: UserId,
    emoji: str,
    created_at: datetime,
) -> int:
    """None is added where it is there already. Primary key."""
    answer = await conn.execute(
        _SQL["add_reaction"],
        message_id,
        user_id,
        emoji,
        created_at,
    )
    return affected_rows(answer)


async def remove_reaction(
    conn: Connection,
    *,
    message_id: MessageId,
    user_id: UserId,
    emoji: str,
) -> int:
    """Primary key."""
    answer = await conn.execute(
        _SQL["remove_reaction"],
        message_id,
        user_id,
        emoji,
    )
    return affected_rows(answer)


async def read_marks(
    conn: Connection,
    *,
    small_room: int,
    room_ids: Sequence[RoomId],
    user_ids: Sequence[UserId],
    seqs: Sequence[Seq],
) -> list[ReadMarksRow]:
    """Where people's read markers stand, and what is at the places to which they shall be moved; a seq
    of 0 is the end of the log. is_small: the room has no more members than that. Primary keys, the
    index messages (room_id, seq), each looked up by itself; counting ends at the limit.
    """
    answer = await conn.fetch(
        _SQL["read_marks"],
        small_room,
        room_ids,
        user_ids,
        seqs,
    )
    return [ReadMarksRow(*record) for record in answer]


async def move_markers(
    conn: Connection,
    *,
    room_ids: Sequence[RoomId],
    user_ids: Sequence[UserId],
    seqs: Sequence[Seq],
    numbers: Sequence[int],
    message_ids: Sequence[MessageId | None],
    is_told: Sequence[bool],
    read_at: datetime,
) -> int:
    """Moves read markers, never back; is_told: members are told and a receipt is kept. Primary keys."""
    answer = await conn.execute(
        _SQL["move_markers"],
        room_ids,
        user_ids,
        seqs,
        numbers,
        message_ids,
        is_told,
        read_at,
    )
    return affected_rows(answer)


async def newest_messages(
    conn: Connection,
    *,
    room_ids: Sequence[RoomId],
    max_messages: int,
) -> list[NewestMessagesRow]:
    """The newest messages of each room with their authors, newest first. Index (room_id, seq)."""
    answer = await conn.fetch(
        _SQL["newest_messages"],
        room_ids,
        max_messages,
    )
    return [NewestMessagesRow(*record) for record in answer]


async def read_reactions(
    conn: Connection,
    *,
    max_users: int,
    message_ids: Sequence[MessageId],
) -> list[ReadReactionsRow]:
    """The emoji under messages, those that came first first, with how many people, and the first of
    them. Primary key, each message looked up by itself.
    """
    answer = await conn.fetch(
        _SQL["read_reactions"],
        max_users,
        message_ids,
    )
    return [ReadReactionsRow(*record) for record in answer]
