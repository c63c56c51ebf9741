import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.runtime.supervision import Supervisor


@pytest.fixture
async def supervisor() -> Supervisor:
    """A supervisor with nothing to do."""
    return Supervisor()


async def fail() -> None:
    """Be a service or a job that fails."""
    raise RuntimeError("for the test")


async def wait_for_ever() -> None:
    """Be a service."""
    await asyncio.Event().wait()


async def test_a_service_that_dies_is_named(supervisor: Supervisor):
    """The gateway is not whole without it, and stops."""
    supervisor.service("healthy", wait_for_ever())
    with capture_logs() as logs:
        supervisor.service("dying", fail())
        async with asyncio.timeout(5):
            assert await supervisor.failure == "dying"
    assert [(entry["event"], entry["service"]) for entry in logs] == [("service.died", "dying")]
    await supervisor.stop()


async def test_a_service_that_simply_ends_has_died_as_well(supervisor: Supervisor):
    """None is meant to."""
    supervisor.service("ending", asyncio.sleep(0))
    async with asyncio.timeout(5):
        assert await supervisor.failure == "ending"


async def test_stopping_is_no_failure(supervisor: Supervisor):
    """Services and jobs are cancelled, and have ended when it returns."""
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await wait_for_ever()
        finally:
            ended.set()

    supervisor.service("service", wait_for_ever())
    job = supervisor.job("job", work())
    await asyncio.sleep(0)
    await supervisor.stop()
    assert ended.is_set()
    assert job.cancelled()
    assert not supervisor.failure.done()


async def test_a_job_that_fails_is_logged_and_harms_nobody(supervisor: Supervisor):
    """Its failure is the concern of whoever asked for it."""
    with capture_logs() as logs:
        job = supervisor.job("failing", fail())
        await asyncio.wait([job])
        await asyncio.sleep(0)
    assert [(entry["event"], entry["job"]) for entry in logs] == [("job.failed", "failing")]
    assert not supervisor.failure.done()
