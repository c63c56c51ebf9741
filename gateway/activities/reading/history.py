"""Pages of what has been said."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from gateway.activities.chat.views import MessageRow, view_messages
from gateway.activities.reading.messages import (
    FoundPage,
    HistoryData,
    MessagePage,
    RepliesData,
    RepliesPage,
    SearchData,
)
from gateway.activities.reading.opened import OpenedRoom, read_message
from gateway.activities.reading.places import MessagePlace
from gateway.core.errors import InvalidField
from gateway.core.ids import MessageId, Seq
from gateway.storage.generated import history as history_queries


class _Rows(NamedTuple):
    """Messages in a row, oldest first, from ``first`` to ``last``: so far even if there is none."""

    rows: Sequence[MessageRow]
    first: Seq
    last: Seq


async def read_history(room: OpenedRoom, wanted: HistoryData) -> MessagePage:
    """Return a page of the history. While messages arrive, pages have no gap and no double."""
    page = await _read_rows(room, wanted)
    ends = await history_queries.message_ends(room.conn, room_id=room.id)
    is_first = ends.first_seq is None or ends.first_seq >= page.first
    is_last = ends.last_seq is None or ends.last_seq <= page.last
    return MessagePage(
        messages=tuple(await view_messages(room.conn, page.rows)),
        previous=None if is_first else MessagePlace(room.id, page.first).encode(),
        next=None if is_last else MessagePlace(room.id, page.last).encode(),
    )


async def read_replies(room: OpenedRoom, wanted: RepliesData) -> RepliesPage:
    """Return a page of a thread."""
    after = _seq(wanted.after, wanted.message_id, "after", Seq(0))
    root = await read_message(room, wanted.message_id)
    rows = await history_queries.replies_after(
        room.conn, root=MessageId(root.id), after_seq=after, max_messages=wanted.limit + 1
    )
    page = rows[: wanted.limit]
    has_more = len(rows) > len(page)
    return RepliesPage(
        messages=tuple(await view_messages(room.conn, page)),
        next=MessagePlace(wanted.message_id, page[-1].seq).encode() if has_more else None,
    )


async def search(room: OpenedRoom, wanted: SearchData) -> FoundPage:
    """Return a page of the messages that have the words."""
    before = _seq(wanted.before, room.id, "before", Seq(room.end + 1))
    if not await history_queries.count_words(room.conn, query=wanted.q):
        raise InvalidField('The field "q" is wrong: there is no word in it.')
    rows = await history_queries.search_messages(
        room.conn,
        room_id=room.id,
        query=wanted.q,
        before_seq=before,
        max_messages=wanted.limit + 1,
    )
    page = rows[: wanted.limit]
    has_more = len(rows) > len(page)
    return FoundPage(
        messages=tuple(await view_messages(room.conn, page)),
        next=MessagePlace(room.id, page[-1].seq).encode() if has_more else None,
    )


async def _read_rows(room: OpenedRoom, wanted: HistoryData) -> _Rows:
    limit = wanted.limit
    if wanted.around is not None:
        middle = (await read_message(room, wanted.around)).seq
        older = await _before(room, middle, limit // 2)
        newer = await _after(room, Seq(middle - 1), limit - limit // 2)
        return _Rows([*older.rows, *newer.rows], older.first, newer.last)
    if wanted.after is not None:
        return await _after(room, _seq(wanted.after, room.id, "after", Seq(0)), limit)
    if wanted.since is not None:
        return await _after(room, Seq(wanted.since), limit)
    if wanted.offset is not None:
        newest = await history_queries.seq_at(room.conn, room_id=room.id, skipped=wanted.offset)
        return await _before(room, Seq((newest or 0) + 1), limit)
    return await _before(room, _seq(wanted.before, room.id, "before", Seq(room.end + 1)), limit)


def _seq(token: str | None, scope: UUID, field: str, otherwise: Seq) -> Seq:
    return otherwise if token is None else MessagePlace.decode(token, scope, field).seq


async def _before(room: OpenedRoom, seq: Seq, limit: int) -> _Rows:
    rows = await history_queries.messages_before(
        room.conn, room_id=room.id, before_seq=seq, max_messages=limit
    )
    if not rows:
        return _Rows((), seq, Seq(max(seq - 1, 0)))
    return _Rows(rows[::-1], rows[-1].seq, rows[0].seq)


async def _after(room: OpenedRoom, seq: Seq, limit: int) -> _Rows:
    rows = await history_queries.messages_after(
        room.conn, room_id=room.id, after_seq=seq, max_messages=limit
    )
    if not rows:
        return _Rows((), Seq(seq + 1), seq)
    return _Rows(rows, rows[0].seq, rows[-1].seq)
