"""A site for the tests that break one thing, and clients in it."""

from collections.abc import AsyncIterator

import pytest

from tests.chaos.crowd import Probes, connected
from tests.chaos.options import Options
from tests.chaos.site import Site, running_site
from tests.support.journal import Journal


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
