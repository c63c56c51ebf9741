"""A site for the tests that break one thing, and clients in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos.crowd import Probes, settle
from tests.chaos.options import Options
from tests.chaos.site import Site, running_site
from tests.support.journal import Journal
from tests.support.recorder import Recorder
from tests.support.waiting import WAIT_SECONDS


@pytest.fixture(scope="session")
async def site() -> AsyncIterator[Site]:
    """Two instances and their servers, for all tests, each of which leaves them well."""
    async with running_site(Options()) as running:
        yield running


@pytest.fixture
def journal() -> Journal:
    """What the clients of one test write into."""
    return Journal()


@pytest.fixture
async def probes(site: Site, journal: Journal) -> AsyncIterator[Probes]:
    """One client at each instance, in a room of their own."""
    probes = await Probes.sign_in(site, Options(), journal)
    async with connected(site, *probes.recorders):
        yield probes
    assert not journal.findings


@asynccontextmanager
async def connected(site: Site, *recorders: Recorder) -> AsyncIterator[None]:
    """Keep clients connected for the block, from the moment when all are in their rooms."""
    async with asyncio.TaskGroup() as group:
        for recorder in recorders:
            group.create_task(recorder.run())
        assert not await settle(recorders, site.servers.database_url, WAIT_SECONDS)
        yield
        for recorder in recorders:
            recorder.stop()
