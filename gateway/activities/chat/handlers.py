"""The chat: who carries out its commands, and what a newcomer reads."""

from collections.abc import Sequence
from typing import Final

from gateway.activities.activity import Activity, Visit
from gateway.activities.chat import changing
from gateway.activities.chat.marking import Marking
from gateway.activities.chat.messages import (
    ChatDelete,
    ChatEdit,
    ChatRead,
    ChatSend,
    ChatState,
    MessageView,
    ReactionAdd,
    ReactionRemove,
)
from gateway.activities.chat.sending import Sending
from gateway.activities.chat.views import view_messages
from gateway.core.ids import RoomId
from gateway.storage.connection import Connection
from gateway.storage.generated import messages as message_queries

STATE_MESSAGES: Final = 50
"""Messages in a room's state: about two screens."""


async def read_states(conn: Connection, visits: Sequence[Visit]) -> list[ChatState]:
    """Return each room's newest messages, oldest first, and whether there are older ones."""
    newest: dict[RoomId, list[MessageView]] = {visit.room_id: [] for visit in visits}
    rows = await message_queries.newest_messages(
        conn, room_ids=[*newest], max_messages=STATE_MESSAGES + 1
    )
    for row, view in zip(rows, await view_messages(conn, rows), strict=True):
        newest[row.room_id].append(view)
    states = {
        room_id: ChatState(
            messages=tuple(reversed(views[:STATE_MESSAGES])), has_more=len(views) > STATE_MESSAGES
        )
        for room_id, views in newest.items()
    }
    return [states[visit.room_id] for visit in visits]


CHAT = Activity(
    name="chat",
    handlers={
        ChatEdit: changing.edit,
        ChatDelete: changing.delete,
        ReactionAdd: changing.add_reaction,
        ReactionRemove: changing.remove_reaction,
    },
    plans={ChatSend: Sending, ChatRead: Marking},
    in_archive=(ChatRead,),
    read_states=read_states,
)
