"""A run: clients talk, things break, and in the end everything is compared."""

import asyncio
import time
from collections.abc import Iterator
from typing import Final

from tests.chaos.crowd import RECOVERY_SECONDS, SETTLE_SECONDS, Crowd, Probes, settle
from tests.chaos.faults import Fault, strikes, weather
from tests.chaos.options import Options
from tests.chaos.proof import prove, read_logs
from tests.chaos.report import Report
from tests.chaos.site import Site, running_site
from tests.support.journal import Journal

OPENING_SECONDS: Final = 30.0


async def run_chaos(options: Options) -> Report:
    """Start everything, break it for a while, and return what was found."""
    journal = Journal()
    report = Report(
        options, counts=journal.counts, latencies=journal.latencies, findings=journal.findings
    )
    async with running_site(options) as site:
        probes = await Probes.sign_in(site, options, journal)
        crowd = await Crowd.sign_in(site, options, journal)
        await _Run(options, site, crowd, probes, journal, report).run()
        report.logged_errors = await asyncio.to_thread(site.logged_errors)
    return report


class _Run:
    """One run over a site that stands."""

    def __init__(
        self,
        options: Options,
        site: Site,
        crowd: Crowd,
        probes: Probes,
        journal: Journal,
        report: Report,
    ) -> None:
        self._options = options
        self._site = site
        self._crowd = crowd
        self._probes = probes
        self._journal = journal
        self._report = report
        self._recorders = [*crowd.recorders, *probes.recorders]

    async def run(self) -> None:
        """Let everybody in, break things, let everybody catch up, and compare."""
        async with asyncio.TaskGroup() as group:
            for recorder in self._recorders:
                group.create_task(recorder.run(), name=recorder.name)
            await self._settle(OPENING_SECONDS)
            talkers = [
                group.create_task(talk) for talk in (self._crowd.talk(), self._crowd.dawdle())
            ]
            await self._break_things()
            for talker in talkers:
                talker.cancel()
            if not self._journal.found.is_set():
                self._report.settle_seconds = await self._settle(SETTLE_SECONDS)
                await self._check_readiness()
            for recorder in self._recorders:
                recorder.stop()
        await self._prove()

    async def _settle(self, within_seconds: float) -> float:
        started = time.monotonic()
        behind = await settle(self._recorders, self._site.servers.database_url, within_seconds)
        for finding in behind[:5]:
            self._journal.find(f"not complete after {within_seconds:g} s: {finding}")
        return time.monotonic() - started

    async def _break_things(self) -> None:
        until = time.monotonic() + self._options.seconds
        seed, instances = self._options.seed, self._options.instances
        async with asyncio.TaskGroup() as group:
            group.create_task(self._go_through(strikes(seed, instances), until, probe=True))
            group.create_task(self._go_through(weather(seed, instances), until, probe=False))

    async def _go_through(self, faults: Iterator[Fault], until: float, *, probe: bool) -> None:
        """Let the faults happen one after the other until the time is up."""
        for fault in faults:
            if time.monotonic() > until or self._journal.found.is_set():
                return
            self._tell(f"{fault}")
            await fault.happen(self._site)
            self._report.faults[fault.kind] += 1
            if probe:
                await self._await_recovery(fault)
            await asyncio.sleep(fault.pause_seconds)

    async def _await_recovery(self, fault: Fault) -> None:
        if deaths := self._site.deaths:
            self._journal.find(f"{deaths} after: {fault}")
            return
        seconds = await self._probes.recovery_seconds()
        if seconds is None:
            self._journal.find(f"no recovery within {RECOVERY_SECONDS:g} s from: {fault}")
        else:
            self._report.recoveries[fault.kind].append(seconds)
            self._tell(f"  recovered from {fault.kind} in {seconds:.2f} s")

    async def _check_readiness(self) -> None:
        for number, instance in enumerate(self._site.instances):
            if not await instance.is_ready():
                self._journal.find(f"instance {number} is not ready although all is well again")

    async def _prove(self) -> None:
        logs = await read_logs(self._site.servers.database_url)
        records = {recorder.name: recorder.records.values() for recorder in self._recorders}
        self._report.log_events = sum(len(log.events) for log in logs.values())
        # A finding ends the run at once, and then nobody is complete.
        if not self._journal.found.is_set():
            for finding in prove(logs, self._journal, records):
                self._journal.find(finding)

    def _tell(self, what: str) -> None:
        self._report.story.append(f"  {time.monotonic() - self._journal.started:6.1f} s {what}")
