"""Typed functions for queries/messages.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from gateway.core.ids import MessageId, RoomId, Seq, UserId
from gateway.storage.connection import Connection
from gateway.storage.sql import affected_rows, sql_of

_SQL: Final = sql_of("messages")


class NewestMessagesRow(NamedTuple):
    room_id: RoomId
    id: UUID
    seq: Seq
    created_at: datetime
    content: str
    message_type: str
    user_id: UserId | None
    reply_to: MessageId | None
    author_name: str | None
    avatar_url: str | None


async def insert_messages(
    conn: Connection,
    *,
    created_at: datetime,
    ids: Sequence[UUID],
    room_ids: Sequence[RoomId],
    user_ids: Sequence[UserId],
    contents: Sequence[str],
    seqs: Sequence[Seq],
) -> int:
    """All messages of a batch in one statement, in the transaction that writes
    their events, under their rooms' locks.
    """
    answer = await conn.execute(
        _SQL["insert_messages"],
        created_at,
        ids,
        room_ids,
        user_ids,
        contents,
        seqs,
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
