"""What an instance takes, and what becomes of those it turns away."""

import asyncio
import contextlib

import pytest

from gateway.client import Client
from tests.integration.conftest import Connect, StartGateway
from tests.support.gateway_process import GatewayProcess
from tests.support.socket_client import Rejected, SocketClient, open_socket
from tests.support.waiting import WAIT_SECONDS


async def refusals(gateway: GatewayProcess, reason: str) -> float:
    """Return how many an instance says that it has turned away."""
    async with gateway.http() as http:
        page = (await http.get("/metrics")).text
    name = f'parley_connections_refused_total{{reason="{reason}"}}'
    (line,) = [line for line in page.splitlines() if line.startswith(name)]
    return float(line.split()[-1])


@pytest.mark.parametrize(
    ("trusted", "statuses"), [("127.0.0.1", [101, 101, 429]), ("192.0.2.9", [101, 429, 429])]
)
async def test_an_address_is_the_clients_where_the_proxy_is_trusted(
    start_gateway: StartGateway, trusted: str, statuses: list[int]
):
    """And the proxy's own where it is not: anybody could write the header."""
    gateway = await start_gateway(max_connections_per_address=1, forwarded_allow_ips=trusted)
    got: list[int] = []
    async with contextlib.AsyncExitStack() as stack:
        for address in ("198.51.100.1", "198.51.100.2", "198.51.100.2"):
            try:
                client = await SocketClient.open(
                    gateway.socket_url, headers={"X-Forwarded-For": address}
                )
            except Rejected as refusal:
                got.append(refusal.status)
            else:
                got.append(101)
                stack.push_async_callback(client.close)
    assert got == statuses
    assert await refusals(gateway, "address") == statuses.count(429)


async def test_the_client_comes_back_when_it_was_told_to(
    start_gateway: StartGateway, connect: Connect
):
    """A full instance is no failure that a program sees, only a wait."""
    gateway = await start_gateway(max_connections=1, retry_seconds=1)
    occupant = await connect(gateway)
    async with Client(gateway.url) as client, asyncio.timeout(WAIT_SECONDS):
        await client.sign_in_as_guest("Patient")
        async with asyncio.TaskGroup() as tasks:
            room = client.room("A full house")
            coming_in = tasks.create_task(room.__aenter__())
            while not await refusals(gateway, "full"):
                pass
            await occupant.close()
            await coming_in
        await room.say("Here at last")
        await room.leave()


async def test_a_storm_comes_in_through_a_narrow_door_and_nobody_is_refused(
    start_gateway: StartGateway, connect: Connect
):
    """Those who are in are served meanwhile."""
    gateway = await start_gateway(
        max_entering=1, max_connections_per_user=1_000, commands_per_second=1_000_000
    )
    guest = await gateway.new_guest("Many")
    insider = await connect(gateway, guest)
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:

        async def come() -> None:
            await stack.enter_async_context(open_socket(gateway.socket_url, guest.token))

        storm = [tasks.create_task(come()) for _ in range(300)]
        pings = 0
        while not all(task.done() for task in storm):
            await insider.ask("ping")
            pings += 1
        assert pings > 1
    for reason in ("full", "address", "user"):
        assert await refusals(gateway, reason) == 0
