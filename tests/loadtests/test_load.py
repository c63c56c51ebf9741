import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.embedded import EmbeddedServers
from tests.support.databases import migrated_database
from tests.support.gateway_process import GatewayProcess, running_gateway

pytest.importorskip("gevent", reason="`make load` installs Locust")

pytestmark = [pytest.mark.slow, pytest.mark.server]

ROOT = Path(__file__).parents[2]

SLOW = "--p99-ms=30000"
# A machine that runs other tests as well may be slow, and must not be wrong.

TALK = ("--hold-seconds=3", "--message-seconds=1")


async def run(report: Path, scenario: str, *options: str) -> tuple[int | None, str]:
    """Run a scenario with forty people; return the exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtests", scenario, f"--report={report}"),
        *("--users=40", "--spawn-rate=100", *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


@pytest.fixture(scope="module")
async def instances(
    servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[GatewayProcess, GatewayProcess]]:
    """Two instances that run anyway; the last test kills the second one."""
    settings = {
        "database_url": await migrated_database(servers.database_url),
        "redis_url": servers.redis_url,
        "arrivals_per_minute": 1000,
    }
    folder = tmp_path_factory.mktemp("instances")
    async with (
        running_gateway(folder, **settings) as first,
        running_gateway(folder, **settings) as second,
    ):
        yield first, second


async def test_the_office_starts_its_gateway_passes_and_reports(tmp_path: Path):
    """As `make load` runs it: people from a seed, nothing lost, and both reports are there."""
    code, said = await run(
        tmp_path, "office", SLOW, "--hold-seconds=4", "--round-seconds=4", "--deliveries=300"
    )
    assert code == 0, said
    folder = tmp_path / "office"
    assert "# office, 40 people: passed" in (folder / "summary.md").read_text()
    assert "chat.message" in (folder / "report.html").read_text()
    assert "p99" in (folder / "latency.svg").read_text()


@pytest.mark.parametrize(
    ("scenario", "options"),
    [
        ("storm", ("--insiders=10", "--calm-seconds=1", "--message-seconds=1")),
        ("churn", (*TALK, "--stay-seconds=3", "--away-seconds=0.5")),
    ],
)
async def test_a_scenario_passes_on_a_running_gateway(
    instances: tuple[GatewayProcess, GatewayProcess],
    tmp_path: Path,
    scenario: str,
    options: tuple[str, ...],
):
    """People sign in over HTTP, and nothing is lost."""
    code, said = await run(tmp_path, scenario, SLOW, f"--host={instances[0].url}", *options)
    assert code == 0, said


async def test_a_run_that_is_too_slow_fails(
    instances: tuple[GatewayProcess, GatewayProcess], tmp_path: Path
):
    """The exit code says so, and one line of what had to hold says why."""
    options = ("--hold-seconds=1", "--messages-per-second=5", "--p99-ms=0.001")
    code, said = await run(tmp_path, "stadium", f"--host={instances[0].url}", *options)
    assert code == 1
    assert [line for line in said.splitlines() if line.startswith("FAILED: p99 of deliveries")]
    assert "passed: nothing lost, doubled, refused or cut off" in said


async def test_people_of_a_killed_instance_come_to_the_other(
    instances: tuple[GatewayProcess, GatewayProcess], tmp_path: Path
):
    """They resume, and nothing is lost."""
    other, killed = instances
    hosts = (f"--host={killed.url}", f"--second-host={other.url}", f"--gateway-pid={killed.pid}")
    code, said = await run(tmp_path, "resume", SLOW, *hosts, *TALK, "--jitter-seconds=0.5")
    assert code == 0, said
