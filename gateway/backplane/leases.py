"""Which instances live.

An instance proves that it lives by renewing one lease, however many people it
serves: presence entries name their instance, and stand only as long as its
lease does. So a dead instance's people are gone within one lease, everywhere,
without a message from it.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from redis.asyncio import Redis

from gateway.backplane import keys
from gateway.backplane.client import answered_within, backplane_errors
from gateway.backplane.settings import RedisSettings
from gateway.core.ids import InstanceId

LEASE_SECONDS: Final = 6.5
"""Life of a lease. An instance is written off when it is missing from two renewals
in a row, so no ghost outlives 6.5 + 2 × 2 = 10.5 s (promise P7 says 15)."""

RENEW_SECONDS: Final = 2.0
"""Time between renewals: two may fail before the lease is lost."""

ANSWER_SECONDS: Final = 1.5
"""How long Redis has to say who lives, and to end a lease: a silent one holds up no stop."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The state of leases after a renewal.

    ``held`` is false when the lease had lapsed, or Redis had lost it: others
    may have written this instance off, and it must say anew who is here.
    """

    held: bool
    live: frozenset[InstanceId]


class Leases:
    """This instance's lease among the others."""

    def __init__(self, redis: Redis, settings: RedisSettings, instance_id: InstanceId) -> None:
        self._redis = redis
        self._settings = settings
        self._instance_id = instance_id
        script = (files("gateway.backplane") / "renew_lease.lua").read_text()
        self._script = redis.register_script(script)

    async def renew(self) -> Renewal:
        """Renew the lease; ``BackplaneUnavailable`` when Redis is away."""
        return await self._run(int(LEASE_SECONDS * 1000))

    async def live(self) -> frozenset[InstanceId]:
        """Return who holds a lease; ``BackplaneUnavailable`` when Redis is away.

        One that has run out counts until somebody renews: within ``RENEW_SECONDS``.
        """
        async with answered_within(ANSWER_SECONDS):
            with backplane_errors(self._settings):
                # redis-py types every answer that ZRANGE may have.
                live: list[str] = await self._redis.zrange(keys.INSTANCES, 0, -1)  # type: ignore[assignment]
        return frozenset(map(InstanceId, live))

    async def give_up(self) -> None:
        """End the lease now, as the last act of an orderly stop; ``BackplaneUnavailable``."""
        async with answered_within(ANSWER_SECONDS):
            await self._run(0)

    async def _run(self, lease_ms: int) -> Renewal:
        with backplane_errors(self._settings):
            held, live = await self._script(
                keys=[keys.INSTANCES], args=[self._instance_id, lease_ms]
            )
        return Renewal(held=bool(held), live=frozenset(map(InstanceId, live)))
