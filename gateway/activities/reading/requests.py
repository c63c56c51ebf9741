"""The questions about rooms, as they come over a socket."""

from gateway.activities.activity import Request
from gateway.activities.chat.messages import MessageView
from gateway.activities.reading.messages import (
    BanPage,
    ChatEdits,
    ChatGet,
    ChatHistory,
    ChatReceipts,
    ChatReplies,
    ChatSearch,
    EditHistory,
    FoundPage,
    MemberPage,
    MessagePage,
    Receipts,
    RepliesPage,
    RoomBans,
    RoomMembers,
)
from gateway.activities.reading.service import Reading
from gateway.core.identity import Identity
from gateway.core.protocol.base import Command


def requests(reading: Reading) -> dict[type[Command], Request]:
    """Return who answers which question."""

    async def history(actor: Identity, command: ChatHistory) -> MessagePage:
        return await reading.history(actor, command.room_id, command.data)

    async def search(actor: Identity, command: ChatSearch) -> FoundPage:
        return await reading.search(actor, command.room_id, command.data)

    async def get(actor: Identity, command: ChatGet) -> MessageView:
        return await reading.message(actor, command.room_id, command.data.message_id)

    async def edits(actor: Identity, command: ChatEdits) -> EditHistory:
        return await reading.edits(actor, command.room_id, command.data.message_id)

    async def replies(actor: Identity, command: ChatReplies) -> RepliesPage:
        return await reading.replies(actor, command.room_id, command.data)

    async def receipts(actor: Identity, command: ChatReceipts) -> Receipts:
        return await reading.receipts(actor, command.room_id, command.data.message_id)

    async def members(actor: Identity, command: RoomMembers) -> MemberPage:
        return await reading.members(actor, command.room_id, command.data)

    async def bans(actor: Identity, command: RoomBans) -> BanPage:
        return await reading.bans(actor, command.room_id, command.data)

    return {
        ChatHistory: history,
        ChatSearch: search,
        ChatGet: get,
        ChatEdits: edits,
        ChatReplies: replies,
        ChatReceipts: receipts,
        RoomMembers: members,
        RoomBans: bans,
    }
