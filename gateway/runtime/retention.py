"""Deletes what rooms do not keep any longer: messages, and the log they are told in.

Every instance looks from time to time. A room is taken with its row locked,
as for writing, and left alone where somebody else has it; so any number of
instances may be at it. Little goes at a time, for whoever writes into the room waits.
"""

import asyncio
import random
from typing import Final

import structlog

from gateway.core.errors import DatabaseUnavailable
from gateway.core.ids import RoomId
from gateway.storage.database import Database
from gateway.storage.generated import retention as retention_queries

log = structlog.get_logger()

LOOK_SECONDS: Final = 600.0
"""How often instances look: what a room keeps is counted in days."""

MAX_EVENTS: Final = 1_000
"""Deleted at a time, with the room locked: some 30 ms."""

MAX_ROOMS: Final = 100
"""Rooms found with one look."""

PAUSE_SECONDS: Final = 0.05
"""Between two deletions, for those who wait for the room."""


class Retention:
    """The job that deletes."""

    def __init__(self, database: Database, look_seconds: float = LOOK_SECONDS) -> None:
        self._database = database
        self._look_seconds = look_seconds

    async def run(self) -> None:
        """Look from time to time: until cancelled."""
        while True:
            # At random, so that instances started together do not all look at once.
            await asyncio.sleep(self._look_seconds * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                deleted = await self.delete_due()
            except DatabaseUnavailable as error:
                log.warning("retention.no_database", error=error.message)
            else:
                if deleted:
                    log.info("retention.deleted", events=deleted)

    async def delete_due(self) -> int:
        """Delete everything that is due now; return how many events that were."""
        deleted = 0
        while room_ids := await self._find_due():
            in_this_round = 0
            for room_id in room_ids:
                in_this_round += await self._delete_some(room_id)
                await asyncio.sleep(PAUSE_SECONDS)
            deleted += in_this_round
            if not in_this_round:
                break  # others are at all of them
        return deleted

    async def _find_due(self) -> list[RoomId]:
        async with self._database.connection() as conn:
            return [*await retention_queries.find_due_rooms(conn, max_rooms=MAX_ROOMS)]

    async def _delete_some(self, room_id: RoomId) -> int:
        async with self._database.transaction() as conn:
            room = await retention_queries.lock_due_room(conn, room_id=room_id)
            if room is None:
                return 0
            last_due = await retention_queries.find_last_due(
                conn,
                room_id=room_id,
                log_start=room.log_start,
                keeps_since=room.keeps_since,
                max_events=MAX_EVENTS,
            )
            if last_due is None:
                return 0
            await retention_queries.delete_before(
                conn, room_id=room_id, log_start=room.log_start, last_due=last_due
            )
        return last_due - room.log_start + 1
