"""Routes for reading a room: what has been said, who is in it, all of it as a file."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from gateway.activities.chat.messages import MessageView
from gateway.activities.reading.messages import (
    BanPage,
    EditHistory,
    FoundPage,
    HistoryData,
    MemberPage,
    MessagePage,
    PageData,
    Receipts,
    RepliesData,
    RepliesPage,
    SearchData,
)
from gateway.core.errors import (
    Forbidden,
    InvalidField,
    InvalidState,
    InvalidToken,
    NotAMember,
    UnknownMessage,
    UnknownRoom,
)
from gateway.core.ids import RoomId
from gateway.web.dependencies import Actor, ServicesDep
from gateway.web.errors import documented

router = APIRouter(prefix="/rooms/{room_id}", tags=["reading"])

_READING = (InvalidField, InvalidToken, NotAMember, UnknownRoom)
_MESSAGE = (*_READING, UnknownMessage)


JSON_LINES: Final = "application/x-ndjson"


@router.get("/messages", responses=documented(*_MESSAGE))
async def read_history(
    room_id: UUID, wanted: Annotated[HistoryData, Query()], actor: Actor, services: ServicesDep
) -> MessagePage:
    """Read what has been said, page by page, oldest first; without parameters the newest page.

    Of `before`, `after`, `around`, `since` and `offset` there is one at most. Go on with the
    answer's `previous` as `before`, or with its `next` as `after`: nothing is missed or told
    twice, whatever is said meanwhile. `around` is a message's id, `since` a `seq` of the log, and
    `offset` skips so many of the newest messages. Deleted messages are tombstones in their places.
    """
    return await services.reading.history(actor, RoomId(room_id), wanted)


@router.get("/messages/{message_id}", responses=documented(*_MESSAGE))
async def read_message(
    room_id: UUID, message_id: UUID, actor: Actor, services: ServicesDep
) -> MessageView:
    """Read one message."""
    return await services.reading.message(actor, RoomId(room_id), message_id)


@router.get("/messages/{message_id}/edits", responses=documented(*_MESSAGE))
async def read_edits(
    room_id: UUID, message_id: UUID, actor: Actor, services: ServicesDep
) -> EditHistory:
    """Read what a message said before, oldest first. Of a deleted one there is nothing."""
    return await services.reading.edits(actor, RoomId(room_id), message_id)


@router.get("/messages/{message_id}/replies", responses=documented(*_MESSAGE))
async def read_replies(
    room_id: UUID,
    message_id: UUID,
    page: Annotated[PageData, Query()],
    actor: Actor,
    services: ServicesDep,
) -> RepliesPage:
    """Read the thread of a message: the replies to it, oldest first."""
    wanted = RepliesData(message_id=message_id, after=page.after, limit=page.limit)
    return await services.reading.replies(actor, RoomId(room_id), wanted)


@router.get("/messages/{message_id}/receipts", responses=documented(*_MESSAGE, InvalidState))
async def read_receipts(
    room_id: UUID, message_id: UUID, actor: Actor, services: ServicesDep
) -> Receipts:
    """Tell who has read a message, in a room of at most a hundred members."""
    return await services.reading.receipts(actor, RoomId(room_id), message_id)


@router.get("/search", responses=documented(*_READING))
async def search_messages(
    room_id: UUID, wanted: Annotated[SearchData, Query()], actor: Actor, services: ServicesDep
) -> FoundPage:
    """Find messages that have all words of `q`, newest first; `"a phrase"`, `or`, `-without`."""
    return await services.reading.search(actor, RoomId(room_id), wanted)


@router.get("/members", responses=documented(*_READING))
async def list_members(
    room_id: UUID, page: Annotated[PageData, Query()], actor: Actor, services: ServicesDep
) -> MemberPage:
    """List the members in the order in which they came."""
    return await services.reading.members(actor, RoomId(room_id), page)


@router.get("/bans", responses=documented(*_READING, Forbidden))
async def list_bans(
    room_id: UUID, page: Annotated[PageData, Query()], actor: Actor, services: ServicesDep
) -> BanPage:
    """List who may not come in, newest ban first, as admin or moderator."""
    return await services.reading.bans(actor, RoomId(room_id), page)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        200: {"content": {JSON_LINES: {}}, "description": "The room, a JSON object on each line"},
        **documented(*_READING, Forbidden),
    },
)
async def export_room(room_id: UUID, actor: Actor, services: ServicesDep) -> StreamingResponse:
    """Take the room with you, as its admin: JSON Lines, to be read as they come.

    The first line, of `type` `room`, tells about the room, and from which `seq` to which the
    events follow, each as the WebSocket brings it. What retention has deleted is not there: where
    `from_seq` is not 1, the log begins there. A file that breaks off is not whole.
    """
    lines = await services.reading.export(actor, RoomId(room_id))
    file_name = f'attachment; filename="{room_id}.jsonl"'
    return StreamingResponse(
        lines, media_type=JSON_LINES, headers={"Content-Disposition": file_name}
    )
