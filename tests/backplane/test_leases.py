"""Leases of several instances, on a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from gateway.backplane import leases as leases_module
from gateway.backplane.client import open_client
from gateway.backplane.leases import LEASE_SECONDS, RENEW_SECONDS, Leases
from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable
from gateway.core.ids import InstanceId
from tests.support.waiting import WAIT_SECONDS

ONE, TWO = InstanceId("one"), InstanceId("two")

LeasesOf = Callable[[InstanceId], Leases]


@pytest.fixture
async def redis(settings: RedisSettings) -> AsyncIterator[Redis]:
    """A client of an empty Redis."""
    client = open_client(settings)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def leases_of(redis: Redis, settings: RedisSettings) -> LeasesOf:
    """Return the leases as an instance sees them."""
    return lambda instance_id: Leases(redis, settings, instance_id)


async def test_instances_see_each_other_as_long_as_they_renew(leases_of: LeasesOf):
    """The first renewal of a life finds no lease that was held."""
    one, two = leases_of(ONE), leases_of(TWO)
    first = await one.renew()
    assert (first.held, first.live) == (False, {ONE})
    assert (await two.renew()).live == {ONE, TWO}
    assert await one.live() == {ONE, TWO}
    second = await one.renew()
    assert (second.held, second.live) == (True, {ONE, TWO})


async def test_an_instance_that_stops_renewing_is_missing_after_one_lease(
    leases_of: LeasesOf, monkeypatch: pytest.MonkeyPatch
):
    """With a short lease here; a lease that has lapsed is not held when it is taken anew."""
    one, two = leases_of(ONE), leases_of(TWO)
    await one.renew()
    monkeypatch.setattr(leases_module, "LEASE_SECONDS", 0.2)
    await two.renew()
    monkeypatch.undo()
    async with asyncio.timeout(WAIT_SECONDS):
        while TWO in (await one.renew()).live:
            pass  # a round trip to Redis a turn
    again = await two.renew()
    assert (again.held, again.live) == (False, {ONE, TWO})


def test_no_ghost_outlives_what_is_promised():
    """An instance is written off when it is missing from two renewals in a row (P7)."""
    assert LEASE_SECONDS + 2 * RENEW_SECONDS < 15


async def test_a_lease_given_up_is_gone_at_once(leases_of: LeasesOf):
    """The last act of an orderly stop."""
    one, two = leases_of(ONE), leases_of(TWO)
    await one.renew()
    await two.renew()
    await two.give_up()
    assert (await one.renew()).live == {ONE}


async def test_an_emptied_redis_is_noticed_at_the_next_renewal(leases_of: LeasesOf, redis: Redis):
    """The instance must say anew who is here."""
    one = leases_of(ONE)
    await one.renew()
    assert (await one.renew()).held
    await redis.flushall()
    assert not (await one.renew()).held
    assert (await one.renew()).held


async def test_without_redis_a_renewal_says_so():
    """It is retried by its caller, not for ever here."""
    settings = RedisSettings(url="unix:///nonexistent/redis.sock", command_retries=0)
    client = open_client(settings)
    for ask in (Leases(client, settings, ONE).renew, Leases(client, settings, ONE).live):
        with pytest.raises(BackplaneUnavailable):
            await ask()
    await client.aclose()
