"""This instance's lease, and what follows from the leases of the others."""

import asyncio
import time

import structlog

from gateway.backplane.leases import RENEW_SECONDS, Leases
from gateway.core.errors import BackplaneUnavailable
from gateway.core.ids import InstanceId
from gateway.runtime.presence import Presence

log = structlog.get_logger()


class Liveness:
    """Renews the lease, and has presence follow: ours said anew when lost, the dead forgotten."""

    def __init__(self, leases: Leases, presence: Presence) -> None:
        self._leases = leases
        self._presence = presence
        self._live: frozenset[InstanceId] = frozenset()
        self._renewed_at = time.monotonic()

    @property
    def live_instances(self) -> int:
        """How many instances held a lease when this one renewed its own."""
        return len(self._live)

    @property
    def lease_age_seconds(self) -> float:
        """Time since this instance renewed its lease, or began to try."""
        return time.monotonic() - self._renewed_at

    async def run(self) -> None:
        """Renew from time to time: until cancelled."""
        while True:
            try:
                await self._renew()
            except BackplaneUnavailable as error:
                log.warning("lease.not_renewed", error=error.message)
            await asyncio.sleep(RENEW_SECONDS)

    async def stop(self) -> None:
        """Give up the lease, as the last act of an orderly stop."""
        try:
            await self._leases.give_up()
        except BackplaneUnavailable as error:
            log.warning("lease.not_given_up", error=error.message)

    async def _renew(self) -> None:
        renewal = await self._leases.renew()
        self._renewed_at = time.monotonic()
        if not renewal.held:
            self._presence.announce_all()
        # Missing from one answer may be a race with its start; from two, it is dead.
        live, self._live = renewal.live | self._live, renewal.live
        self._presence.keep_instances(live)
