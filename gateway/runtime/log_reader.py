"""Reads the log as ready frames.

Whoever comes back after a break wants the newest events, and after an
instance's death a whole crowd does. So the log is cut at fixed places, into
pages and these into stretches: wherever somebody starts, from the second
stretch on it is sent the very bytes object that all others are. What is in the
log changes only where a message is deleted; then the room's pages are forgotten.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import groupby, takewhile
from typing import NamedTuple

from gateway.core.frames import skip_frames, text_frame
from gateway.core.ids import RoomId, Seq
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries

PAGE_EVENTS = 128
"""Events in a page. A page of short messages is about 32 KB."""

PAGES_AT_ONCE = 4
"""Read with one statement for somebody far behind: a round trip takes as long as reading a page."""

STRETCH_BYTES = 32 * 1024
"""Written at a time while catching up: what one slow reader may hold of this process."""

MAX_CACHED_BYTES = 64 * 1024 * 1024
"""What pages may take in memory, over all rooms; the least recently used go first."""


class Stretch(NamedTuple):
    """The consecutive events ``first`` … ``last``, as bytes to be written."""

    first: Seq
    last: Seq
    frames: bytes

    def after(self, seq: Seq) -> "Stretch":
        """Return the part that follows event ``seq``, which is one of these or the one before."""
        if seq < self.first:
            return self
        rest = skip_frames(self.frames, seq - self.first + 1)
        return Stretch(Seq(seq + 1), self.last, rest)

    def until(self, seq: Seq) -> "Stretch":
        """Return the part up to event ``seq``, which is one of these or a later one."""
        if seq >= self.last:
            return self
        rest = skip_frames(self.frames, seq - self.first + 1)
        return Stretch(self.first, seq, self.frames[: len(self.frames) - len(rest)])


class _PageId(NamedTuple):
    room_id: RoomId
    number: int


class _Page(NamedTuple):
    """As much of a page as the log holds: at least one stretch."""

    stretches: tuple[Stretch, ...]

    @property
    def size(self) -> int:
        return sum(len(stretch.frames) for stretch in self.stretches)

    @property
    def is_complete(self) -> bool:
        return self.stretches[-1].last % PAGE_EVENTS == 0


class LogTrimmedError(Exception):
    """The events asked for are no longer in the log: only a snapshot helps."""


class LogReader:
    """The log of every room, with a bounded memory of its newest pages."""

    def __init__(self, database: Database, stretch_bytes: int = STRETCH_BYTES) -> None:
        """``stretch_bytes`` is what a stretch has at most, unless it is of one event."""
        self._database = database
        self._stretch_bytes = stretch_bytes
        self._pages: OrderedDict[_PageId, _Page] = OrderedDict()
        self._cached_bytes = 0
        self._locks: dict[RoomId, asyncio.Lock] = {}
        self._outdated: set[RoomId] = set()
        """Rooms of which something was forgotten while it was being read."""

    async def read_after(self, room_id: RoomId, after: Seq, until: Seq) -> Stretch | None:
        """Return the next events after ``after``, for somebody who reads on to ``until``.

        ``None`` when the log ends at ``after``. Raises ``DatabaseUnavailable``,
        ``LogTrimmedError``.
        """
        if (stretch := self._kept(room_id, after)) is not None:
            return stretch
        lock = self._locks.setdefault(room_id, asyncio.Lock())
        try:
            async with lock:  # one reads, the crowd waits for it
                if (stretch := self._kept(room_id, after)) is not None:
                    return stretch
                await self._read(room_id, after, until)
                return self._kept(room_id, after)
        finally:
            if not lock.locked():
                self._locks.pop(room_id, None)
                self._outdated.discard(room_id)

    def forget(self, room_id: RoomId) -> None:
        """Forget the pages of a room: events in them have been redacted, or may be unheard."""
        if room_id in self._locks:
            self._outdated.add(room_id)
        for page_id in [page_id for page_id in self._pages if page_id.room_id == room_id]:
            self._cached_bytes -= self._pages.pop(page_id).size

    def clear(self) -> None:
        """Forget everything: the log is another one (a restored backup)."""
        self._outdated.update(self._locks)
        self._pages.clear()
        self._cached_bytes = 0

    def _kept(self, room_id: RoomId, after: Seq) -> Stretch | None:
        """Return the next events after ``after`` if they are in memory."""
        page_id = _PageId(room_id, after // PAGE_EVENTS)
        page = self._pages.get(page_id)
        if page is None:
            return None
        self._pages.move_to_end(page_id)
        for stretch in page.stretches:
            if stretch.last > after:
                if stretch.first > after + 1:
                    raise LogTrimmedError
                return stretch.after(after)
        return None

    async def _read(self, room_id: RoomId, after: Seq, until: Seq) -> None:
        """Keep the page in which ``after`` + 1 is, and those on the way to ``until``."""
        begin = after // PAGE_EVENTS
        end = min((until - 1) // PAGE_EVENTS + 1, begin + PAGES_AT_ONCE)
        ahead = takewhile(
            lambda number: not self._has_all_of(_PageId(room_id, number)), range(begin + 1, end)
        )
        pages = 1 + sum(1 for _ in ahead)
        self._outdated.add(room_id)
        while room_id in self._outdated:  # what was redacted meanwhile must not be kept
            self._outdated.discard(room_id)
            async with self._database.connection() as conn:
                rows = await log_queries.read_events(
                    conn,
                    room_id=room_id,
                    after_seq=Seq(begin * PAGE_EVENTS),
                    max_events=pages * PAGE_EVENTS,
                )
        for number, some in groupby(rows, lambda row: (row.seq - 1) // PAGE_EVENTS):
            stretches = tuple(_stretches(some, self._stretch_bytes))
            self._keep(_PageId(room_id, number), _Page(stretches))

    def _has_all_of(self, page_id: _PageId) -> bool:
        page = self._pages.get(page_id)
        return page is not None and page.is_complete

    def _keep(self, page_id: _PageId, page: _Page) -> None:
        if (old := self._pages.pop(page_id, None)) is not None:
            self._cached_bytes -= old.size
        self._pages[page_id] = page
        self._cached_bytes += page.size
        while self._cached_bytes > MAX_CACHED_BYTES:
            _, oldest = self._pages.popitem(last=False)
            self._cached_bytes -= oldest.size


def _stretches(rows: Iterable[log_queries.ReadEventsRow], max_bytes: int) -> Iterator[Stretch]:
    """Cut consecutive events into stretches."""
    frames: list[bytes] = []
    size, last = 0, Seq(0)
    for row in rows:
        frame = text_frame(row.message.encode())
        if frames and size + len(frame) > max_bytes:
            yield _stretch(frames, last)
            frames, size = [], 0
        frames.append(frame)
        size, last = size + len(frame), row.seq
    yield _stretch(frames, last)


def _stretch(frames: list[bytes], last: Seq) -> Stretch:
    return Stretch(Seq(last - len(frames) + 1), last, b"".join(frames))
