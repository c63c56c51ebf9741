"""What is noticed while a server is away: ``python -m tests.chaos.outages``.

One client at each of two instances speaks and listens all the time. Printed is
how late they hear each other while Redis is away, and what became of what they
said while PostgreSQL was away. It ends with an error when a promise was broken.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from typing import Final

import uvloop

from tests.chaos.crowd import MAX_WISHES, Probes, connected
from tests.chaos.options import Options
from tests.chaos.proof import prove, read_logs
from tests.chaos.site import Instance, Site, running_site
from tests.support.journal import Journal
from tests.support.waiting import soon

MESSAGES_PER_SECOND: Final = 10
"""Of each client."""


class Broken(Exception):
    """A client noticed what it should not have."""


@dataclass(frozen=True, slots=True)
class Outage:
    """What was said while a server was away, and how late it was heard."""

    server: str
    seconds: float
    said: int
    refusals: int
    latencies: list[float]

    def __str__(self) -> str:
        text = f"{self.server} away for {self.seconds:g} s: {self.said} messages"
        if self.refusals:
            text += f", refused for now {self.refusals} times"
        p50, p99, worst = [self.latency_seconds(share) * 1000 for share in (0.5, 0.99, 1.0)]
        return f"{text}; heard within {p50:.0f} ms (p50), {p99:.0f} ms (p99), {worst:.0f} ms (all)"

    def latency_seconds(self, share: float) -> float:
        """Return within what time this share of the deliveries came."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def without_redis(site: Site, probes: Probes, journal: Journal, seconds: float) -> Outage:
    """Have the clients talk while Redis is away, and until all is as before."""
    begun = _Beginning(journal)
    await site.servers.stop_redis()
    try:
        talking = asyncio.gather(_talk(probes, seconds))
        for instance in site.instances:
            _expect({"backplane"}, await soon(unwell(instance)))
        await talking
    finally:
        await site.servers.start_redis()
    outage = await begun.end(site, probes, "Redis", seconds)
    _demand(not outage.refusals, "a command was refused")
    return outage


async def without_postgres(site: Site, probes: Probes, journal: Journal, seconds: float) -> Outage:
    """Have the clients talk while PostgreSQL is away, and until all is as before."""
    begun = _Beginning(journal)
    await site.servers.stop_postgres()
    try:
        talking = asyncio.gather(_talk(probes, seconds))
        for instance in site.instances:
            _expect({"database", "migrations"}, await soon(unwell(instance)))
        await talking
        _demand(len(journal.acknowledged) == begun.acknowledged, "a reply has lied")
    finally:
        await site.servers.start_postgres()
    return await begun.end(site, probes, "PostgreSQL", seconds)


async def unwell(instance: Instance) -> set[str]:
    """Ask an instance until it is not ready; return which of its parts are not."""
    return {name for name, ok in (await readiness(instance, wanted=False)).items() if not ok}


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


async def check_records(site: Site, journal: Journal, probes: Probes) -> None:
    """Compare what the probes have heard with the log. Raises ``Broken``."""
    logs = await read_logs(site.servers.database_url)
    rooms = {room for recorder in probes.recorders for room in recorder.records}
    records = {recorder.name: recorder.records.values() for recorder in probes.recorders}
    findings = [*journal.findings, *prove({room: logs[room] for room in rooms}, journal, records)]
    _demand(not findings, "; ".join(findings))
    _demand(journal.counts["connections"] == len(site.instances), "a client had to reconnect")


class _Beginning:
    """How far everything was when the server went away."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.acknowledged = len(journal.acknowledged)
        self._said = len(journal.said_at)
        self._refusals = self._count_refusals()
        journal.latencies.clear()

    async def end(self, site: Site, probes: Probes, server: str, seconds: float) -> Outage:
        """Wait until all that was said has been heard and acknowledged, and compare."""
        await all_are_well(site)
        _demand(await probes.recovery_seconds() is not None, "something was never heard")
        for key in [*self._journal.said_at]:
            await soon(answered(self._journal, key))
        await check_records(site, self._journal, probes)
        said = len(self._journal.said_at) - self._said
        refusals = self._count_refusals() - self._refusals
        return Outage(server, seconds, said, refusals, [*self._journal.latencies])

    def _count_refusals(self) -> int:
        counts = self._journal.counts
        return sum(number for what, number in counts.items() if what.startswith("refused"))


async def _talk(probes: Probes, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for number, recorder in enumerate(probes.recorders):
            if len(recorder.wishes) < MAX_WISHES:  # as a client would, or be told to slow down
                probes.say(number)
        await asyncio.sleep(1 / MESSAGES_PER_SECOND)


def _expect(parts: set[str], unwell: set[str]) -> None:
    _demand(unwell == parts, f"not well should be {parts}, and are {unwell}")


def _demand(fact: object, otherwise: str) -> None:
    if not fact:
        raise Broken(otherwise)


async def _main(redis_seconds: float, postgres_seconds: float) -> None:
    journal = Journal()
    async with running_site(Options()) as site:
        probes = await Probes.sign_in(site, Options(), journal)
        async with connected(site, *probes.recorders):
            for outage in (
                await without_redis(site, probes, journal, redis_seconds),
                await without_postgres(site, probes, journal, postgres_seconds),
            ):
                sys.stdout.write(f"{outage}\n")


if __name__ == "__main__":
    _parser = argparse.ArgumentParser("python -m tests.chaos.outages")
    _parser.add_argument("--redis-seconds", type=float, default=30)
    _parser.add_argument("--postgres-seconds", type=float, default=10)
    uvloop.run(_main(**vars(_parser.parse_args())))
