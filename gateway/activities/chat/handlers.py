"""The chat, as the ledger writes it and as a newcomer reads it."""

from typing import cast

from gateway.activities.activity import Activity, Context, NewMessage, Outcome
from gateway.activities.chat.messages import (
    ChatMessage,
    ChatSend,
    ChatState,
    MessageType,
    MessageView,
)
from gateway.core.identity import Identity
from gateway.core.ids import MessageId, RoomId
from gateway.core.protocol.base import Person
from gateway.storage.connection import Connection
from gateway.storage.generated import messages as message_queries

STATE_MESSAGES = 50
"""Messages in a room's state: about two screens."""


def send(context: Context, command: ChatSend) -> Outcome:
    """Say something."""
    context.require_member()
    message_id = MessageId(context.new_id())
    content = command.data.content
    event = ChatMessage(id=message_id, content=content, author=context.actor.person)
    message = NewMessage(message_id, context.actor.user_id, content, context.seq)
    return Outcome((event,), (message,))


async def read_state(conn: Connection, room_id: RoomId, _viewer: Identity) -> ChatState:
    """Return the newest messages, oldest first, and whether there are older ones."""
    rows = await message_queries.newest_messages(
        conn, room_id=room_id, max_messages=STATE_MESSAGES + 1
    )
    return ChatState(
        messages=tuple(_view(row) for row in reversed(rows[:STATE_MESSAGES])),
        has_more=len(rows) > STATE_MESSAGES,
    )


def _view(row: message_queries.NewestMessagesRow) -> MessageView:
    return MessageView(
        id=row.id,
        seq=row.seq,
        at=row.created_at,
        content=row.content,
        message_type=cast("MessageType", row.message_type),
        author=row.user_id
        and Person(id=row.user_id, name=row.author_name or "", avatar_url=row.avatar_url),
        reply_to=row.reply_to,
    )


CHAT = Activity(name="chat", planners={ChatSend: send}, read_state=read_state)
