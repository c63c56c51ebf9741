"""Ends connections whose sign-in session is over, wherever it was ended.

The instance that ends a session says so on the control channel, and all others
close its connections at once. Redis may be away then, and no one says when a
session's time is over; so the sessions of all local connections are compared
with PostgreSQL from time to time, and at once after the channel was not heard.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from gateway.backplane import keys
from gateway.backplane.sessions import decode_ended
from gateway.backplane.subscriber import Subscriber
from gateway.core.errors import DatabaseUnavailable
from gateway.core.ids import SessionId
from gateway.runtime.endpoint import Endpoint
from gateway.storage.database import Database
from gateway.storage.generated import invitations as invitation_queries
from gateway.storage.generated import sessions as session_queries

log = structlog.get_logger()

SWEEP_SECONDS: Final = 60.0
"""How often sessions are compared: as long as a cached session is believed (``CACHE_SECONDS``).

So a session that ended while Redis was away is over for sockets when it is for requests. For ten
thousand connections it is one query of some 40 ms, 10 of them here.
"""

DELETE_SECONDS: Final = 600.0
"""How often expired sessions and invitations are deleted. Nobody finds them: they take space."""


class SessionWatch:
    """Hears of ended sessions, and looks for those it has not heard of."""

    def __init__(
        self,
        database: Database,
        subscriber: Subscriber,
        endpoint: Endpoint,
        call_in: Callable[[Sequence[SessionId]], Awaitable[None]],
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        """``call_in`` makes ends known that were found here: copies of them may be left in Redis.

        It closes the connections of this instance as well.
        """
        self._database = database
        self._subscriber = subscriber
        self._endpoint = endpoint
        self._call_in = call_in
        self._sweep_seconds = sweep_seconds
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Listen, and compare from time to time: until cancelled."""
        confirmed = self._subscriber.subscribe(keys.CONTROL, self)
        confirmed.add_done_callback(lambda _: self.on_gap())
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._sweep_seconds):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._sweep()
            except DatabaseUnavailable as error:
                log.warning("sessions.not_compared", error=error.message)

    async def delete_expired(self) -> None:
        """Delete expired sessions, and invitations: until cancelled. Every instance may."""
        while True:
            try:
                async with self._database.connection() as conn:
                    deleted = await session_queries.delete_expired_sessions(conn)
                    await invitation_queries.delete_expired_links(conn)
                    await invitation_queries.delete_expired_personal_invitations(conn)
                if deleted:
                    log.info("sessions.deleted", expired=deleted)
            except DatabaseUnavailable as error:
                log.warning("sessions.not_deleted", error=error.message)
            await asyncio.sleep(DELETE_SECONDS)

    def on_message(self, message: bytes) -> None:
        """Close the connections of sessions that have ended on another instance."""
        self._endpoint.end_sessions(decode_ended(message))

    def on_gap(self) -> None:
        """Compare now: ends may have been missed."""
        self._wake.set()

    async def _sweep(self) -> None:
        own: list[SessionId] = []
        expired: list[SessionId] = []
        now = time.time()
        for identity in self._endpoint.sessions.identities():
            if identity.external_until is None:
                own.append(identity.session_id)
            elif identity.external_until <= now:
                expired.append(identity.session_id)
        self._endpoint.end_sessions(expired)
        if not own:
            return
        async with self._database.connection() as conn:
            ended = await session_queries.find_ended_sessions(conn, sids=own)
        if ended:
            log.info("sessions.found_ended", sessions=len(ended))
            await self._call_in(ended)
