"""A room as a file of JSON Lines: a line about the room, then the events of its log."""

from collections.abc import AsyncIterator
from datetime import datetime
from itertools import accumulate
from typing import Final, Literal
from uuid import UUID

from gateway.core.ids import RoomId, Seq
from gateway.core.protocol.base import WireModel
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries
from gateway.storage.generated.tables import RoomRow

PAGE_EVENTS: Final = 200
"""Events read at a time: what an export has in memory. Between pages it holds no connection."""

MAX_PAGE_CHARACTERS: Final = 512 * 1024
"""A page ends before it would be larger, unless it is of one event: it may be one message."""


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


def head_line(room: RoomRow, exported_at: datetime) -> str:
    """Return the first line of the export of a room as it stood when ``room`` was read."""
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
    ).model_dump_json()


async def read_page(conn: Connection, room: RoomRow, after: Seq) -> tuple[list[str], Seq | None]:
    """Return the next events of the log as lines, and where the page after them goes on.

    Each event as on the wire. One that was deleted before its page was read is missing, or says
    nothing.
    """
    wanted = max(0, min(PAGE_EVENTS, room.last_seq - after))
    rows = await log_queries.read_events(
        conn, room_id=RoomId(room.id), after_seq=after, max_events=wanted
    )
    sizes = accumulate(len(row.message) for row in rows)
    found = [
        row
        for row, size in zip(rows, sizes, strict=True)
        if row.seq <= room.last_seq and (size <= MAX_PAGE_CHARACTERS or row is rows[0])
    ]
    is_last = not found or found[-1].seq == room.last_seq
    return [row.message for row in found], None if is_last else found[-1].seq


async def lines(database: Database, room: RoomRow, exported_at: datetime) -> AsyncIterator[bytes]:
    """Yield the whole export, some lines at a time.

    Raises ``DatabaseUnavailable`` in the middle: what came so far is then not all.
    """
    yield head_line(room, exported_at).encode() + b"\n"
    after: Seq | None = Seq(room.log_start - 1)
    while after is not None:
        async with database.connection() as conn:
            page, after = await read_page(conn, room, after)
        yield b"".join(b"%b\n" % line.encode() for line in page)
