"""A room as a file of JSON Lines: a line about the room, then the events of its log."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from gateway.core.ids import RoomId, Seq
from gateway.core.protocol.base import WireModel
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries
from gateway.storage.generated.tables import RoomRow

PAGE_EVENTS: Final = 200
"""Events read at a time: what an export has in memory. Between pages it holds no connection."""


class ExportHead(WireModel):
    """The first line of an export: the room, and which events of its log follow.

    Those before `from_seq` have been deleted, as `retention_days` has it; those after `to_seq`
    are newer than the export.
    """

    type: Literal["room"] = "room"
    id: UUID
    name: str
    description: str | None
    is_private: bool
    is_archived: bool
    retention_days: int | None
    created_at: datetime
    exported_at: datetime
    epoch: int
    from_seq: int
    to_seq: int


async def lines(database: Database, room: RoomRow, exported_at: datetime) -> AsyncIterator[bytes]:
    """Yield the export of a room as it stood when ``room`` was read, some lines at a time.

    Each event as on the wire. One that is deleted before its page is read is missing, or says
    nothing. Raises ``DatabaseUnavailable`` in the middle: what came so far is then not all.
    """
    yield _head(room, exported_at).model_dump_json().encode() + b"\n"
    after = room.log_start - 1
    while after < room.last_seq:
        async with database.connection() as conn:
            rows = await log_queries.read_events(
                conn,
                room_id=RoomId(room.id),
                after_seq=Seq(after),
                max_events=min(PAGE_EVENTS, room.last_seq - after),
            )
        if not rows:
            return
        yield b"".join(b"%b\n" % row.message.encode() for row in rows if row.seq <= room.last_seq)
        after = rows[-1].seq


def _head(room: RoomRow, exported_at: datetime) -> ExportHead:
    return ExportHead(
        id=room.id,
        name=room.name,
        description=room.description,
        is_private=room.is_private,
        is_archived=room.is_archived,
        retention_days=room.retention_days,
        created_at=room.created_at,
        exported_at=exported_at,
        epoch=room.epoch,
        from_seq=room.log_start,
        to_seq=room.last_seq,
    )
