"""Typed functions for queries/history.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from gateway.core.ids import MessageId, RoomId, Seq, UserId
from gateway.storage.connection import Connection, Json
from gateway.storage.sql import sql_of, the_row

_SQL: Final = sql_of("history")


class MessagesBeforeRow(NamedTuple):
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


class MessagesAfterRow(NamedTuple):
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


class MessageEndsRow(NamedTuple):
    first_seq: int | None
    last_seq: Seq | None


class ReadMessageRow(NamedTuple):
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


class ReadEditsRow(NamedTuple):
    seq: Seq
    content: str
    edited_at: datetime


class RepliesAfterRow(NamedTuple):
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


class SearchMessagesRow(NamedTuple):
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


class ListMembersRow(NamedTuple):
    user_id: UserId
    username: str
    avatar_url: str | None
    role: str
    joined_at: datetime
    muted_until: datetime | None
    last_read_seq: int


class ListBansRow(NamedTuple):
    user_id: UserId
    username: str
    avatar_url: str | None
    until: datetime | None
    reason: str | None
    created_at: datetime
    banned_by: UserId | None
    moderator_name: str | None
    moderator_avatar_url: str | None


class ReadReceiptsRow(NamedTuple):
    user_id: UserId
    username: str
    avatar_url: str | None
    read_at: datetime | None


async def messages_before(
    conn: Connection,
    *,
    room_id: RoomId,
    before_seq: Seq,
    max_messages: int,
) -> list[MessagesBeforeRow]:
    """The newest messages before a place with their authors, newest first. Index (room_id, seq)."""
    answer = await conn.fetch(
        _SQL["messages_before"],
        room_id,
        before_seq,
        max_messages,
    )
    return [MessagesBeforeRow(*record) for record in answer]


async def messages_after(
    conn: Connection,
    *,
    room_id: RoomId,
    after_seq: Seq,
    max_messages: int,
) -> list[MessagesAfterRow]:
    """The oldest messages after a place with their authors, oldest first. Index (room_id, seq)."""
    answer = await conn.fetch(
        _SQL["messages_after"],
        room_id,
        after_seq,
        max_messages,
    )
    return [MessagesAfterRow(*record) for record in answer]


async def seq_at(
    conn: Connection,
    *,
    room_id: RoomId,
    skipped: int,
) -> Seq | None:
    """The seq of the newest message but so many. Index (room_id, seq) alone, as far as the visibility
    map goes.
    """
    answer: Seq | None = await conn.fetchval(
        _SQL["seq_at"],
        room_id,
        skipped,
    )
    return answer


async def message_ends(
    conn: Connection,
    *,
    room_id: RoomId,
) -> MessageEndsRow:
    """Between which places a room's messages stand; null where there are none. Both ends of the index
    (room_id, seq).
    """
    answer = await conn.fetchrow(
        _SQL["message_ends"],
        room_id,
    )
    return MessageEndsRow(*the_row(answer))


async def read_message(
    conn: Connection,
    *,
    message_id: MessageId,
    room_id: RoomId,
) -> ReadMessageRow | None:
    """One message of the room with its author, as it is shown. Primary keys."""
    answer = await conn.fetchrow(
        _SQL["read_message"],
        message_id,
        room_id,
    )
    return None if answer is None else ReadMessageRow(*answer)


async def read_edits(
    conn: Connection,
    *,
    message_id: MessageId,
) -> list[ReadEditsRow]:
    """What a message said before, oldest first. Primary key."""
    answer = await conn.fetch(
        _SQL["read_edits"],
        message_id,
    )
    return [ReadEditsRow(*record) for record in answer]


async def replies_after(
    conn: Connection,
    *,
    root: MessageId,
    after_seq: Seq,
    max_messages: int,
) -> list[RepliesAfterRow]:
    """A page of a thread with the authors, oldest first. Index (reply_to, seq)."""
    answer = await conn.fetch(
        _SQL["replies_after"],
        root,
        after_seq,
        max_messages,
    )
    return [RepliesAfterRow(*record) for record in answer]


async def count_words(
    conn: Connection,
    *,
    query: str,
) -> int:
    """What is left of a search: 0 where it holds no word. No table."""
    answer: int = await conn.fetchval(
        _SQL["count_words"],
        query,
    )
    return answer


async def search_messages(
    conn: Connection,
    *,
    query: str,
    room_id: RoomId,
    before_seq: Seq,
    max_messages: int,
) -> list[SearchMessagesRow]:
    """The newest messages before a place that fit a search, newest first, with their authors. Index
    messages_search_idx, in which the room is a word that its messages have. A message of another
    room may hold the same word, so the room is compared too: as "is true", which the index
    (room_id, seq) cannot answer, or the planner might go through the room with it, where words are
    rare the whole of it.
    """
    answer = await conn.fetch(
        _SQL["search_messages"],
        query,
        room_id,
        before_seq,
        max_messages,
    )
    return [SearchMessagesRow(*record) for record in answer]


async def count_members(
    conn: Connection,
    *,
    room_id: RoomId,
    max_members: int,
) -> int:
    """How many members a room has; counting ends at the limit. Primary key."""
    answer = await conn.fetchrow(
        _SQL["count_members"],
        room_id,
        max_members,
    )
    first: int = the_row(answer)[0]
    return first


async def list_members(
    conn: Connection,
    *,
    room_id: RoomId,
    after_joined_at: datetime,
    after_user_id: UUID,
    max_members: int,
) -> list[ListMembersRow]:
    """A page of the members in the order in which they came. Index room_users_joined_at_idx; people by
    their primary key, each looked up by itself.
    """
    answer = await conn.fetch(
        _SQL["list_members"],
        room_id,
        after_joined_at,
        after_user_id,
        max_members,
    )
    return [ListMembersRow(*record) for record in answer]


async def list_bans(
    conn: Connection,
    *,
    room_id: RoomId,
    before_created_at: datetime,
    before_user_id: UUID,
    max_bans: int,
) -> list[ListBansRow]:
    """A page of the bans in force, newest first. Primary key, all of the room's: they are few, and few
    people may ask. People by their primary key.
    """
    answer = await conn.fetch(
        _SQL["list_bans"],
        room_id,
        before_created_at,
        before_user_id,
        max_bans,
    )
    return [ListBansRow(*record) for record in answer]


async def read_receipts(
    conn: Connection,
    *,
    seq: Seq,
    room_id: RoomId,
    said_at: datetime,
    author_id: UUID | None,
) -> list[ReadReceiptsRow]:
    """Who has read the message at this place, of those who were members when it was said: the members
    whose marker is there or beyond, each with the first step of theirs that is. Those who know
    when come first. Primary key of room_users; index message_read_receipts_marker_idx.
    """
    answer = await conn.fetch(
        _SQL["read_receipts"],
        seq,
        room_id,
        said_at,
        author_id,
    )
    return [ReadReceiptsRow(*record) for record in answer]
