"""What a member may read of a room, for whoever asks: a socket or the HTTP API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from gateway.activities.chat.messages import MessageView
from gateway.activities.chat.views import view_messages
from gateway.activities.reading import export, history, people
from gateway.activities.reading.messages import (
    BanPage,
    EditHistory,
    EditView,
    ExportPage,
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
from gateway.activities.reading.opened import OpenedRoom, open_room, read_message
from gateway.activities.rooms.rules import require_admin
from gateway.core.errors import UnknownRoom
from gateway.core.identity import Identity
from gateway.core.ids import MessageId, RoomId, Seq
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import audit as audit_queries
from gateway.storage.generated import history as history_queries
from gateway.storage.generated import rooms as room_queries
from gateway.storage.generated.tables import RoomRow


class Reading:
    """What an ``actor`` may read of a room. Any method may raise ``Unavailable``.

    Whoever is not a member gets ``NotAMember``, of a private room ``UnknownRoom``.
    A page token of another room or thread is an ``InvalidField``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def history(self, actor: Identity, room_id: RoomId, wanted: HistoryData) -> MessagePage:
        """Return a page of what has been said; ``UnknownMessage`` where ``around`` names one."""
        async with self._open(actor, room_id) as room:
            return await history.read_history(room, wanted)

    async def search(self, actor: Identity, room_id: RoomId, wanted: SearchData) -> FoundPage:
        """Return a page of the messages that have the words; ``InvalidField`` if there are none."""
        async with self._open(actor, room_id) as room:
            return await history.search(room, wanted)

    async def message(self, actor: Identity, room_id: RoomId, message_id: UUID) -> MessageView:
        """Return one message, which may be a tombstone; ``UnknownMessage``."""
        async with self._open(actor, room_id) as room:
            row = await read_message(room, message_id)
            (message,) = await view_messages(room.conn, [row])
            return message

    async def edits(self, actor: Identity, room_id: RoomId, message_id: UUID) -> EditHistory:
        """Return what a message said before, oldest first; ``UnknownMessage``."""
        async with self._open(actor, room_id) as room:
            message = await read_message(room, message_id)
            rows = await history_queries.read_edits(room.conn, message_id=MessageId(message.id))
            edits = [
                EditView(content=row.content, replaced_at=row.edited_at, seq=row.seq)
                for row in rows
            ]
            return EditHistory(edits=tuple(edits))

    async def replies(self, actor: Identity, room_id: RoomId, wanted: RepliesData) -> RepliesPage:
        """Return a page of a message's thread, oldest first; ``UnknownMessage``."""
        async with self._open(actor, room_id) as room:
            return await history.read_replies(room, wanted)

    async def receipts(self, actor: Identity, room_id: RoomId, message_id: UUID) -> Receipts:
        """Return who has read a message; ``InvalidState`` in a big room, ``UnknownMessage``."""
        async with self._open(actor, room_id) as room:
            return await people.list_receipts(room, message_id)

    async def members(self, actor: Identity, room_id: RoomId, page: PageData) -> MemberPage:
        """Return a page of the members in the order in which they came."""
        async with self._open(actor, room_id) as room:
            return await people.list_members(room, page)

    async def bans(self, actor: Identity, room_id: RoomId, page: PageData) -> BanPage:
        """Return a page of the bans in force, newest first; ``Forbidden`` for plain members."""
        async with self._open(actor, room_id) as room:
            return await people.list_bans(room, page)

    async def export(self, actor: Identity, room_id: RoomId) -> AsyncIterator[bytes]:
        """Return the room as JSON Lines, read while they are taken; ``Forbidden`` but for admins.

        That somebody has asked for it is audited, before the first line.
        """
        async with self._database.transaction() as conn:
            room = await _open_export(conn, actor, room_id)
            await _record_export(conn, actor, room)
        return export.lines(self._database, room, datetime.now(UTC))

    async def export_page(self, actor: Identity, room_id: RoomId, after: Seq | None) -> ExportPage:
        """Return a page of it; whoever begins at the beginning is audited."""
        async with self._database.transaction() as conn:
            room = await _open_export(conn, actor, room_id)
            begin = Seq(room.log_start - 1)
            lines, go_on = await export.read_page(conn, room, max(begin, after or begin))
            if after is None or after <= begin:
                await _record_export(conn, actor, room)
                lines.insert(0, export.head_line(room, datetime.now(UTC)))
        return ExportPage(lines=tuple(lines), next=go_on)

    @asynccontextmanager
    async def _open(self, actor: Identity, room_id: RoomId) -> AsyncIterator[OpenedRoom]:
        """Lend a room to read in the block, all of it as it stands at one moment."""
        async with self._database.snapshot() as conn:
            yield await open_room(conn, actor, room_id)


async def _open_export(conn: Connection, actor: Identity, room_id: RoomId) -> RoomRow:
    require_admin((await open_room(conn, actor, room_id)).role)
    room = await room_queries.get_room(conn, room_id=room_id)
    if room is None:
        raise UnknownRoom("There is no such room, or you may not see it.")
    return room


async def _record_export(conn: Connection, actor: Identity, room: RoomRow) -> None:
    await audit_queries.record_action(
        conn,
        action="export_room",
        entity_type="room",
        entity_id=str(room.id),
        user_id=str(actor.user_id),
        details={"from_seq": room.log_start, "to_seq": room.last_seq},
    )
