"""One part is away for a while: what the clients notice, and what they do not."""

import asyncio
import time

import pytest

from tests.chaos.crowd import Probes
from tests.chaos.proof import prove, read_logs
from tests.chaos.site import Instance, Site
from tests.support.fault_proxy import Then, Trap
from tests.support.journal import Journal
from tests.support.waiting import soon

pytestmark = pytest.mark.slow

AWAY_SECONDS = 4.0

NOTICED_SECONDS = 5.0
"""Promise P9: within this a deaf instance says so."""


async def readiness(instance: Instance, *, wanted: bool) -> dict[str, bool]:
    """Ask an instance until it is as wanted; return which of its parts are well."""
    async with instance.gateway.http() as http:
        while True:
            answer = await http.get("/health/ready")
            if answer.is_success == wanted:
                return {name: part["ok"] for name, part in answer.json()["parts"].items()}


async def all_are_well(site: Site) -> None:
    """Wait until every instance says that every part of it is well."""
    for instance in site.instances:
        await soon(readiness(instance, wanted=True))


async def answered(journal: Journal, key: str) -> None:
    """Wait until a command is acknowledged."""
    while key not in journal.acknowledged:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)


async def records_are_the_log(site: Site, journal: Journal, probes: Probes) -> None:
    """Compare what the probes have heard with the log."""
    logs = await read_logs(site.servers.database_url)
    rooms = {room for recorder in probes.recorders for room in recorder.records}
    records = {recorder.name: recorder.records.values() for recorder in probes.recorders}
    assert not [*prove({room: logs[room] for room in rooms}, journal, records)]


async def test_without_redis_messages_keep_arriving_and_nobody_reconnects(
    site: Site, probes: Probes, journal: Journal
):
    """Promise P9: the log is polled, the health says why, and afterwards all is as before."""
    await site.servers.stop_redis()
    until = time.monotonic() + AWAY_SECONDS
    try:
        for instance in site.instances:
            parts = await soon(readiness(instance, wanted=False))
            assert {name for name, ok in parts.items() if not ok} == {"backplane"}
        while time.monotonic() < until:
            assert await probes.recovery_seconds() is not None
    finally:
        await site.servers.start_redis()
    await all_are_well(site)
    assert await probes.recovery_seconds() is not None
    await records_are_the_log(site, journal, probes)
    assert journal.counts["connections"] == len(site.instances)


async def test_without_postgresql_no_reply_lies_and_each_message_comes_once(
    site: Site, probes: Probes, journal: Journal
):
    """Commands are refused for now, and the retries have their one effect when it is back."""
    await site.servers.stop_postgres()
    try:
        hearing = asyncio.gather(probes.recovery_seconds())
        await asyncio.sleep(AWAY_SECONDS)
        assert not journal.acknowledged
        assert journal.counts["refused for now: database_unavailable"] >= len(site.instances)
    finally:
        await site.servers.start_postgres()
    assert await soon(hearing) != [None]
    for key in journal.said_at:
        await soon(answered(journal, key))
    await all_are_well(site)
    await records_are_the_log(site, journal, probes)
    assert len(journal.acknowledged) == len(site.instances)
    assert journal.counts["connections"] == len(site.instances)


@pytest.mark.parametrize("to_server", [True, False])
async def test_a_half_open_link_to_redis_is_noticed(
    site: Site, probes: Probes, journal: Journal, *, to_server: bool
):
    """Within five seconds; the other instance is well, and messages reach both all the same."""
    deaf, other = site.instances
    deaf.redis.half_open(to_server=to_server)
    try:
        async with asyncio.timeout(NOTICED_SECONDS):
            parts = await readiness(deaf, wanted=False)
        assert {name for name, ok in parts.items() if not ok} == {"backplane"}
        assert await other.is_ready()
        assert await probes.recovery_seconds() is not None
    finally:
        deaf.redis.heal()
    await all_are_well(site)
    await records_are_the_log(site, journal, probes)
    assert journal.counts["connections"] == len(site.instances)


async def test_a_link_to_postgresql_that_is_cut_in_a_commit_frees_its_room(
    site: Site, probes: Probes, journal: Journal
):
    """The other instance goes on in the same room; what was cut off is committed when it heals."""
    cut, _ = site.instances
    cut.database.set_trap(Trap(b"COMMIT;", Then.HOLD))
    try:
        held = probes.say(0)
        async with asyncio.timeout(NOTICED_SECONDS):
            await readiness(cut, wanted=False)
        await soon(answered(journal, probes.say(1)))
        assert held not in journal.acknowledged
    finally:
        cut.database.heal()
    await all_are_well(site)
    await soon(answered(journal, held))
    await records_are_the_log(site, journal, probes)
    assert journal.counts["connections"] == len(site.instances)
