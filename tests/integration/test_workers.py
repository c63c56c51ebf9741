"""Several workers on one port: one gateway to its users, also when parts of it die."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.core.close_codes import CloseCode
from gateway.core.errors import ConfigurationError
from gateway.embedded import EmbeddedServers
from gateway.serving.preparing import prepare_database
from gateway.storage.database import DatabaseSettings
from tests.support.gateway_process import GatewayProcess, Guest, running, running_gateway
from tests.support.socket_client import Closed, Rejected, SocketClient, open_socket
from tests.support.waiting import WAIT_SECONDS

TWO = ("--workers", "2")

Samples = dict[str, float]


@pytest.fixture(scope="module")
async def crew(
    servers: EmbeddedServers, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    """A gateway of two workers for all tests, which may kill workers but not the parent."""
    async with running_gateway(
        tmp_path_factory.mktemp("crew"),
        arguments=TWO,
        database_url=database_url,
        redis_url=servers.redis_url,
        arrivals_per_minute=10_000,
    ) as gateway:
        yield gateway


def workers(gateway: GatewayProcess) -> dict[str, int]:
    """Return the process of each worker that has ever been ready, by its instance."""
    log = gateway.log.read_text()
    instances = re.findall(r"backplane\.heard .*instance=(\w+) worker=(\d+)", log)
    pids = re.findall(r"worker\.ready .*pid=(\d+) worker=(\d+)", log)
    instances_of, pids_of = defaultdict[str, list[str]](list), defaultdict[str, list[int]](list)
    for instance, number in dict.fromkeys(instances):  # one that was deaf has heard twice
        instances_of[number].append(instance)
    for pid, number in pids:
        pids_of[number].append(int(pid))
    return {
        instance: pid
        for number, pids_in_turn in pids_of.items()
        for instance, pid in zip(instances_of[number], pids_in_turn, strict=False)
    }


async def living(gateway: GatewayProcess) -> dict[str, int]:
    """Wait until two workers serve; return their processes by instance."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = workers(gateway)
            alive = {instance: pid for instance, pid in found.items() if running({pid})}
            if len(alive) == 2:
                return alive
            await asyncio.sleep(0.05)


async def gone(pid: int) -> None:
    """Wait until a killed process has ended.

    Its socket may listen a moment longer than its connections live.
    """
    async with asyncio.timeout(WAIT_SECONDS):
        while running({pid}):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def one_on_each(
    gateway: GatewayProcess, guest: Guest
) -> AsyncIterator[dict[str, SocketClient]]:
    """Connect until there is a connection to each of the two workers; return them by instance."""
    clients: dict[str, SocketClient] = {}
    for _ in range(60):  # all to one: a chance of 2 ** -59
        client = await SocketClient.open(gateway.socket_url, token=guest.token)
        if clients.setdefault(client.welcome["data"]["instance"], client) is not client:
            await client.close()
        if len(clients) == 2:
            break
    try:
        assert len(clients) == 2, "all connections came to one worker"
        yield clients
    finally:
        for client in clients.values():
            await client.close()


async def scrape(gateway: GatewayProcess) -> Samples:
    """Read every sample, by ``name`` or ``name:label``, whichever worker answers."""
    async with gateway.http() as http:
        answer = await http.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        ":".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def scrape_until(gateway: GatewayProcess, wanted: Callable[[Samples], bool]) -> Samples:
    """Read until what is wanted is so."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not wanted(samples := await scrape(gateway)):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    return samples


def counters(samples: Mapping[str, float]) -> Samples:
    """Return those that never fall."""
    return {
        name: value
        for name, value in samples.items()
        if re.search(r"_(total|bucket|count|sum)(:|$)", name)
    }


async def test_the_workers_are_one_gateway(crew: GatewayProcess):
    """Connections come to both, and who is on one hears who is on the other."""
    ada, grace = await crew.new_guest("Ada"), await crew.new_guest("Grace")
    room = await crew.new_room(ada, "Room")
    async with one_on_each(crew, ada) as of_ada, one_on_each(crew, grace) as of_grace:
        assert of_ada.keys() == of_grace.keys() == (await living(crew)).keys()
        here, there = sorted(of_ada)
        await of_ada[here].ask("room.join", room=room)
        await of_grace[there].ask("room.join", room=room)
        await of_ada[here].event("presence.changed", room, count=2)
        await of_ada[here].ask("chat.send", room=room, content="Hello")
        await of_grace[there].event("chat.message", room, content="Hello")


async def test_any_worker_tells_the_figures_of_all(crew: GatewayProcess):
    """Added up, with what is of each beside it; and readiness shows the others."""
    ada, grace = await crew.new_guest("Ada"), await crew.new_guest("Grace")
    room = await crew.new_room(ada, "Room")
    before = await scrape_until(crew, lambda samples: samples["parley_connections"] == 0)
    async with one_on_each(crew, ada) as of_ada, one_on_each(crew, grace) as of_grace:
        here, there = of_ada
        members = (of_ada[here], of_grace[there])
        for member in members:
            await member.ask("room.join", room=room)
        for member in members:
            await member.event("presence.changed", room, count=2)
        settled = await scrape(crew)
        await of_ada[here].ask("chat.send", room=room, content="Hello")
        for member in members:
            await member.event("chat.message", room, content="Hello")
        now = await scrape(crew)
        async with crew.http() as http:
            ready = await http.get("/health/ready")
    of_each = [now[f"parley_worker_connections:{number}"] for number in (1, 2)]
    assert now["parley_connections"] == sum(of_each) > min(of_each) > 0
    opened = "parley_connections_opened_total"
    assert now[opened] - before[opened] >= sum(of_each)
    assert (now["parley_workers"], now["parley_workers_expected"]) == (2, 2)
    assert now["parley_rooms"] == 2  # a subscription of each
    assert now["parley_deliveries_total"] - settled["parley_deliveries_total"] == 2
    assert now["parley_commands_total:committed"] - settled["parley_commands_total:committed"] == 1
    assert now["parley_backplane_hears"] == 1
    assert now["process_cpu_seconds_total"] == pytest.approx(
        sum(now[f"parley_worker_cpu_seconds_total:{number}"] for number in (1, 2)), abs=0.1
    )
    assert ready.status_code == 200
    assert (
        "of 2; connections of those that answer: 1: " in ready.json()["parts"]["workers"]["detail"]
    )


async def test_a_worker_that_hangs_is_missed_and_takes_nothing_from_the_sums(crew: GatewayProcess):
    """The gauges are those of the rest; what it had counted stays."""
    pids = await living(crew)
    before = await scrape_until(crew, lambda samples: samples["parley_workers"] == 2)
    stopped = next(iter(pids.values()))
    os.kill(stopped, signal.SIGSTOP)
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                with contextlib.suppress(TimeoutError):  # it is the one that was asked
                    async with asyncio.timeout(3):
                        during = await scrape(crew)
                        break
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert (during["parley_workers"], during["parley_workers_expected"]) == (1, 2)
    fallen = {name for name, value in counters(before).items() if during[name] < value}
    assert not fallen
    await scrape_until(crew, lambda samples: samples["parley_workers"] == 2)


@pytest.mark.slow
async def test_a_killed_worker_is_replaced_while_the_other_one_serves(crew: GatewayProcess):
    """Its people come back through the same port and have missed nothing; nobody sees a ghost."""
    ada, grace = await crew.new_guest("Ada"), await crew.new_guest("Grace")
    room = await crew.new_room(ada, "Room")
    pids = await living(crew)
    async with one_on_each(crew, ada) as of_ada, one_on_each(crew, grace) as of_grace:
        here, there = sorted(pids)
        state = await of_ada[here].ask("room.join", room=room)
        await of_grace[there].ask("room.join", room=room)
        before = await scrape(crew)
        os.kill(pids[here], signal.SIGKILL)
        assert await of_ada[here].closed() == 1006
        await gone(pids[here])
        await of_grace[there].ask("chat.send", room=room, content="Meanwhile")
        async with open_socket(crew.socket_url, ada.token) as back:
            reply = await back.ask("room.join", room=room, since=state["position"])
            assert reply["resume"] == "replay"
            await back.event("chat.message", room, content="Meanwhile")
        # The killed one had not said that she left it; its lease ends.
        await of_grace[there].event("presence.changed", room, count=1)
        after = await living(crew)
        assert there in after
        assert here not in after
        async with one_on_each(crew, ada) as anew:
            assert anew.keys() == after.keys()
        now = await scrape_until(crew, lambda samples: samples["parley_workers"] == 2)
    assert not {name for name, value in counters(before).items() if now[name] < value}
    assert re.search(r"worker\.died .*exit=SIGKILL", crew.log.read_text())


@pytest.mark.slow
async def test_a_hang_up_restarts_the_workers_one_after_another(crew: GatewayProcess):
    """There is always one that takes connections, and people are told to come back."""
    before = await living(crew)
    ada = await crew.new_guest("Ada")

    async def keep_coming() -> None:
        while before.keys() & (await living(crew)).keys():
            # Never a refusal; but a worker that goes may turn away who has just come.
            with contextlib.suppress(Rejected, Closed, ConnectionResetError):
                await (await SocketClient.open(crew.socket_url)).abort()

    async with one_on_each(crew, ada) as clients:
        os.kill(crew.pid, signal.SIGHUP)
        _, *codes = await asyncio.gather(
            keep_coming(), *(client.closed() for client in clients.values())
        )
    assert set(codes) == {CloseCode.DRAINING}


@pytest.mark.slow
async def test_ctrl_c_ends_everything_in_turn_and_the_servers_were_started_once(data_dir: Path):
    """Who is on any worker is told to come back; the port is free."""
    arguments = (*TWO, "--data-dir", data_dir)
    async with running_gateway(data_dir, arguments=arguments) as gateway:
        ada = await gateway.new_guest("Ada")
        log = gateway.log.read_text()
        assert log.count("embedded.server_started") == 2
        assert "embedded.server_joined" not in log
        started = gateway.descendants()
        clients = [await SocketClient.open(gateway.socket_url, token=ada.token) for _ in range(4)]
        exit_code, *close_codes = await asyncio.gather(
            gateway.press_ctrl_c(), *(client.closed() for client in clients)
        )
        assert (exit_code, set(close_codes)) == (0, {CloseCode.DRAINING})
        assert not running(started)
        for client in clients:
            await client.abort()


@pytest.mark.slow
async def test_a_killed_parent_leaves_no_worker_and_the_next_start_goes_on(used_data_dir: Path):
    """On the same port, over the same servers."""
    arguments = (*TWO, "--data-dir", used_data_dir)
    async with running_gateway(used_data_dir, arguments=arguments) as gateway:
        pids = set((await living(gateway)).values())
        ada = await gateway.new_guest("Ada")
        await gateway.kill()
        async with asyncio.timeout(WAIT_SECONDS):
            while running(pids):  # noqa: ASYNC110 - they are nobody's children any more
                await asyncio.sleep(0.01)
    port = gateway.url.rpartition(":")[2]
    async with running_gateway(used_data_dir, arguments=(*arguments, "--port", port)) as gateway:
        assert gateway.log.read_text().count("embedded.server_joined") == 2
        async with open_socket(gateway.socket_url, ada.token) as of_ada:
            assert of_ada.welcome["data"]["user"]["id"] == ada.id
        servers = gateway.descendants()
        assert await gateway.press_ctrl_c() == 0
        assert not running(servers)


@pytest.mark.slow
async def test_the_parent_ends_with_the_reason_when_no_worker_can_start(
    servers: EmbeddedServers, database_url: str, tmp_path: Path
):
    """Here because of a setting that was changed meanwhile, which new workers read."""
    async with running_gateway(
        tmp_path, arguments=TWO, database_url=database_url, redis_url=servers.redis_url
    ) as gateway:
        pids = await living(gateway)
        (tmp_path / ".env").write_text("HEARTBEAT_SECONDS=soon")
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
        assert await gateway.exit_code() == 1
        assert "gateway: No worker can start: HEARTBEAT_SECONDS: " in gateway.log.read_text()
        assert not running(gateway.descendants())


@pytest.mark.parametrize(
    ("number", "complaint"),
    [
        ("0", "WORKERS: Input should be greater than or equal to 1"),
        ("many", "Invalid value for '--workers'"),
    ],
)
def test_a_wrong_number_of_workers_is_a_clear_error(number: str, complaint: str, tmp_path: Path):
    """It names what is wrong, and nothing is started."""
    command = (sys.executable, "-m", "gateway", "serve", "--workers", number)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert complaint in done.stderr


async def test_the_pools_of_all_workers_fit_postgresql(database_url: str):
    """The embedded one takes 200 connections, 3 of them for its superuser."""
    settings = DatabaseSettings(database_url, pool_min=2, pool_max=20)
    assert await prepare_database(settings, workers=9) == settings
    fewer = await prepare_database(settings, workers=150)
    assert (fewer.pool_min, fewer.pool_max) == (1, 1)
    some = await prepare_database(settings, workers=20)
    assert (some.pool_min, some.pool_max) == (2, 9)
    with pytest.raises(ConfigurationError, match="max_connections"):
        await prepare_database(settings, workers=198)
