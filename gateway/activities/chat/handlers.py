"""The chat, as the ledger writes it and as a newcomer reads it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast

from gateway.activities.activity import Activity, Context, Outcome, Submission, Visit
from gateway.activities.chat.messages import (
    ChatMessage,
    ChatSend,
    ChatState,
    MessageType,
    MessageView,
)
from gateway.core.ids import MessageId, RoomId, Seq, UserId
from gateway.core.protocol.base import Person
from gateway.storage.connection import Connection
from gateway.storage.generated import messages as message_queries

STATE_MESSAGES = 50
"""Messages in a room's state: about two screens."""


class _Message(NamedTuple):
    id: MessageId
    room_id: RoomId
    user_id: UserId
    content: str
    seq: Seq


class Sending:
    """The plan of ``chat.send``: its messages are stored in one statement."""

    def __init__(self) -> None:
        self._messages: list[_Message] = []

    async def load(self, _conn: Connection, _submissions: Sequence[Submission]) -> None:
        """Nothing: that the sender is a member is known already."""

    def carry_out(self, context: Context, command: ChatSend) -> Outcome:
        """Say something."""
        context.require_member()
        message = _Message(
            MessageId(context.new_id()),
            context.room.id,
            context.actor.user_id,
            command.data.content,
            context.seq,
        )
        self._messages.append(message)
        event = ChatMessage(id=message.id, content=message.content, author=context.actor.person)
        return Outcome((event,), messages=1)

    async def write(self, conn: Connection, now: datetime) -> None:
        """Store the messages."""
        if not self._messages:
            return
        ids, room_ids, user_ids, contents, seqs = zip(*self._messages, strict=True)
        await message_queries.insert_messages(
            conn,
            ids=ids,
            room_ids=room_ids,
            user_ids=user_ids,
            contents=contents,
            seqs=seqs,
            created_at=now,
        )


async def read_states(conn: Connection, visits: Sequence[Visit]) -> list[ChatState]:
    """Return each room's newest messages, oldest first, and whether there are older ones."""
    newest: dict[RoomId, list[message_queries.NewestMessagesRow]] = {
        visit.room_id: [] for visit in visits
    }
    for row in await message_queries.newest_messages(
        conn, room_ids=[*newest], max_messages=STATE_MESSAGES + 1
    ):
        newest[row.room_id].append(row)
    states = {
        room_id: ChatState(
            messages=tuple(_view(row) for row in reversed(rows[:STATE_MESSAGES])),
            has_more=len(rows) > STATE_MESSAGES,
        )
        for room_id, rows in newest.items()
    }
    return [states[visit.room_id] for visit in visits]


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


CHAT = Activity(name="chat", plans={ChatSend: Sending}, read_states=read_states)
