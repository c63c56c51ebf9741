"""Messages as they stand now, put together from their rows."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from gateway.activities.chat.messages import Attachment, MessageType, MessageView, Reaction
from gateway.core.ids import MessageId
from gateway.core.protocol.base import Person
from gateway.storage.connection import Connection
from gateway.storage.generated import messages as message_queries
from gateway.storage.generated.history import (
    MessagesAfterRow,
    MessagesBeforeRow,
    ReadMessageRow,
    RepliesAfterRow,
    SearchMessagesRow,
)
from gateway.storage.generated.messages import NewestMessagesRow

MAX_REACTING_USERS: Final = 100
"""People named under one emoji; beyond that only their number is told."""


MessageRow = (
    NewestMessagesRow
    | MessagesBeforeRow
    | MessagesAfterRow
    | ReadMessageRow
    | RepliesAfterRow
    | SearchMessagesRow
)
"""A row of any query that answers with messages and their authors."""


async def view_messages(conn: Connection, rows: Sequence[MessageRow]) -> list[MessageView]:
    """Return the messages of these rows, with what is under them."""
    reactions = await _read_reactions(conn, [MessageId(row.id) for row in rows]) if rows else {}
    return [_view(row, reactions.get(MessageId(row.id), ())) for row in rows]


async def _read_reactions(
    conn: Connection, message_ids: Sequence[MessageId]
) -> Mapping[MessageId, Sequence[Reaction]]:
    reactions: dict[MessageId, list[Reaction]] = {}
    for row in await message_queries.read_reactions(
        conn, message_ids=message_ids, max_users=MAX_REACTING_USERS
    ):
        reaction = Reaction(emoji=row.emoji, count=row.people, users=tuple(row.users))
        reactions.setdefault(row.message_id, []).append(reaction)
    return reactions


def _view(row: MessageRow, reactions: Sequence[Reaction]) -> MessageView:
    return MessageView(
        id=row.id,
        seq=row.seq,
        number=row.number,
        at=row.created_at,
        content=row.content,
        message_type=cast("MessageType", row.message_type),
        attachment=Attachment.model_validate(row.attachment) if row.attachment else None,
        author=row.user_id
        and Person(id=row.user_id, name=row.author_name or "", avatar_url=row.author_avatar_url),
        reply_to=row.reply_to,
        mentions=tuple(row.mentions),
        reactions=tuple(reactions),
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
    )
