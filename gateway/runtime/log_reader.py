"""Reads the log as ready frames, a page at a time.

Whoever comes back after a break wants the newest pages, and after an
instance's death a whole crowd does: the pages are aligned, so all of them
share the same few, and what is in the log never changes, so they can be kept.
"""

import asyncio
from collections import OrderedDict
from typing import NamedTuple

from gateway.core.frames import text_frame
from gateway.core.ids import RoomId, Seq
from gateway.core.protocol.encode import encode_event
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries

PAGE_EVENTS = 128
"""Events in a page. A page of short messages is about 32 KB."""

MAX_CACHED_BYTES = 64 * 1024 * 1024
"""What complete pages may take in memory, over all rooms; the least recently used go first."""


class _PageId(NamedTuple):
    room_id: RoomId
    number: int


class _Page(NamedTuple):
    """The frames of consecutive events from ``first`` on."""

    first: Seq
    frames: tuple[bytes, ...]

    @property
    def last(self) -> Seq:
        return Seq(self.first + len(self.frames) - 1)

    @property
    def size(self) -> int:
        return sum(map(len, self.frames))


class Stretch(NamedTuple):
    """Consecutive events up to ``last``, as bytes to be written."""

    frames: bytes
    last: Seq


class LogTrimmedError(Exception):
    """The events asked for are no longer in the log: only a snapshot helps."""


class LogReader:
    """The log of every room, with a bounded memory of its newest pages."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pages: OrderedDict[_PageId, _Page] = OrderedDict()
        self._cached_bytes = 0
        self._locks: dict[_PageId, asyncio.Lock] = {}

    async def read_after(self, room_id: RoomId, after: Seq, max_bytes: int) -> Stretch | None:
        """Return events from ``after`` + 1 on: at least one, about ``max_bytes`` of them at most.

        ``None`` when the log ends at ``after``. Raises ``DatabaseUnavailable``,
        ``LogTrimmedError``.
        """
        page = await self._page_with(_PageId(room_id, after // PAGE_EVENTS), Seq(after + 1))
        if page.frames and page.first > after + 1:
            raise LogTrimmedError
        wanted: list[bytes] = []
        size = 0
        for frame in page.frames[after + 1 - page.first :]:
            if wanted and size + len(frame) > max_bytes:
                break
            wanted.append(frame)
            size += len(frame)
        return Stretch(b"".join(wanted), Seq(after + len(wanted))) if wanted else None

    def clear(self) -> None:
        """Forget everything: the log is another one (a restored backup)."""
        self._pages.clear()
        self._cached_bytes = 0

    async def _page_with(self, page_id: _PageId, seq: Seq) -> _Page:
        """Return the page, read anew if what is kept of it ends before ``seq``."""
        lock = self._locks.setdefault(page_id, asyncio.Lock())
        try:
            async with lock:  # one reads, the crowd waits for it
                page = self._pages.get(page_id)
                if page is None or page.last < seq:
                    page = await self._read(page_id)
                    self._keep(page_id, page)
                self._pages.move_to_end(page_id)
                return page
        finally:
            if not lock.locked():
                self._locks.pop(page_id, None)

    async def _read(self, page_id: _PageId) -> _Page:
        before = Seq(page_id.number * PAGE_EVENTS)
        async with self._database.connection() as conn:
            rows = await log_queries.read_events(
                conn, room_id=page_id.room_id, after_seq=before, max_events=PAGE_EVENTS
            )
        rows = [row for row in rows if row.seq <= before + PAGE_EVENTS]
        first = rows[0].seq if rows else Seq(before + 1)
        return _Page(first, tuple(_frame(page_id.room_id, row) for row in rows))

    def _keep(self, page_id: _PageId, page: _Page) -> None:
        if (old := self._pages.pop(page_id, None)) is not None:
            self._cached_bytes -= old.size
        self._pages[page_id] = page
        self._cached_bytes += page.size
        while self._cached_bytes > MAX_CACHED_BYTES:
            _, oldest = self._pages.popitem(last=False)
            self._cached_bytes -= oldest.size


def _frame(room_id: RoomId, row: log_queries.ReadEventsRow) -> bytes:
    return text_frame(
        encode_event(
            row.type, room_id, row.seq, row.created_at, row.actor, row.key, row.payload.encode()
        )
    )
