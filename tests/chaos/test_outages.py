"""One part is away for a while: what the clients notice, and what they do not."""

import asyncio

import pytest

from tests.chaos.crowd import Probes
from tests.chaos.outages import (
    all_are_well,
    answered,
    check_records,
    unwell,
    without_postgres,
    without_redis,
)
from tests.chaos.site import Site
from tests.support.fault_proxy import Then, Trap
from tests.support.journal import Journal
from tests.support.waiting import soon

pytestmark = pytest.mark.slow

AWAY_SECONDS = 4.0

NOTICED_SECONDS = 5.0
"""Promise P9: within this a deaf instance says so."""


async def test_without_redis_messages_keep_arriving_and_nobody_reconnects(
    site: Site, probes: Probes, journal: Journal
):
    """Promise P9: the log is polled, the health says why, and afterwards all is as before."""
    outage = await without_redis(site, probes, journal, AWAY_SECONDS)
    assert outage.said > AWAY_SECONDS


async def test_without_postgresql_no_reply_lies_and_each_message_comes_once(
    site: Site, probes: Probes, journal: Journal
):
    """Commands are refused for now, and the retries have their one effect when it is back."""
    outage = await without_postgres(site, probes, journal, AWAY_SECONDS)
    assert outage.refusals


@pytest.mark.parametrize("to_server", [True, False])
async def test_a_half_open_link_to_redis_is_noticed(
    site: Site, probes: Probes, journal: Journal, *, to_server: bool
):
    """Within five seconds; the other instance is well, and messages reach both all the same."""
    deaf, other = site.instances
    deaf.redis.half_open(to_server=to_server)
    try:
        async with asyncio.timeout(NOTICED_SECONDS):
            parts = await unwell(deaf)
        assert parts == {"backplane"}
        assert await other.is_ready()
        assert await probes.recovery_seconds() is not None
    finally:
        deaf.redis.heal()
    await all_are_well(site)
    await check_records(site, journal, probes)


async def test_a_link_to_postgresql_that_is_cut_in_a_commit_frees_its_room(
    site: Site, probes: Probes, journal: Journal
):
    """The other instance goes on in the same room; what was cut off is committed when it heals."""
    cut, _ = site.instances
    cut.database.set_trap(Trap(b"commit\0", Then.HOLD))
    try:
        held = probes.say(0)
        async with asyncio.timeout(NOTICED_SECONDS):
            await unwell(cut)
        await soon(answered(journal, probes.say(1)))
        assert held not in journal.acknowledged
    finally:
        cut.database.heal()
    await all_are_well(site)
    await soon(answered(journal, held))
    await check_records(site, journal, probes)
