"""Stopping and starting again, with the embedded servers: nothing is lost and nothing is left."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gateway_process import GatewayProcess, Guest, running, running_gateway
from tests.support.socket_client import Rejected, SocketClient, open_socket

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for processes and data, with a path short enough for sockets."""
    made = Path(tempfile.mkdtemp(prefix="parley-"))
    yield made
    shutil.rmtree(made)


async def register(gateway: GatewayProcess) -> Guest:
    """Make an account."""
    account = {"email": "ada@example.com", "username": "Ada L", "password": "correct horse"}
    async with gateway.http() as http:
        answer = await http.post("/v1/auth/register", json=account)
    assert answer.status_code == 201
    return Guest(answer.json()["user"]["id"], "Ada L", answer.json()["token"])


async def sign_in(gateway: GatewayProcess) -> str:
    """Sign in to it with the password; return the id."""
    account = {"email": "ada@example.com", "password": "correct horse"}
    async with gateway.http() as http:
        answer = await http.post("/v1/auth/sign-in", json=account)
    assert answer.status_code == 200
    user_id: str = answer.json()["user"]["id"]
    return user_id


async def test_everything_survives_ctrl_c_and_no_process_is_left(folder: Path):
    """Accounts, sessions, rooms, messages; clients are told to come back."""
    arguments = ("--data-dir", folder / "data")
    async with running_gateway(folder, arguments=arguments) as gateway:
        ada = await register(gateway)
        room = await gateway.new_room(ada, "Room")
        of_ada = await SocketClient.open(gateway.socket_url, token=ada.token)
        state = await of_ada.ask("room.join", room=room)
        said = await of_ada.ask("chat.send", room=room, key="k", content="Hello")
        started = gateway.descendants()
        assert len(started) >= 2
        exit_code, close_code = await asyncio.gather(gateway.press_ctrl_c(), of_ada.closed())
        assert (exit_code, close_code) == (0, 4020)
        await of_ada.abort()
        assert not running(started)
    async with running_gateway(folder, arguments=arguments) as gateway:
        assert await sign_in(gateway) == ada.id
        async with open_socket(gateway.socket_url, ada.token) as of_ada:
            reply = await of_ada.ask("room.join", room=room, since=state["position"])
            assert reply["resume"] == "replay"
            event = await of_ada.event("chat.message", room)
            assert (event["data"]["content"], event["seq"]) == ("Hello", said["seq"])
            assert await of_ada.ask("chat.send", room=room, key="k", content="Hello") == said


async def test_a_second_instance_joins_the_servers_and_keeps_them_when_the_first_ends(folder: Path):
    """The last one to leave stops them; a killed one leaves nothing in the way."""
    arguments = ("--data-dir", folder / "data")
    async with (
        running_gateway(folder, arguments=arguments) as first,
        running_gateway(folder, arguments=arguments) as second,
    ):
        servers = first.descendants()
        ada = await first.new_guest("Ada")
        room = await second.new_room(ada, "Room")
        async with open_socket(second.socket_url, ada.token) as of_ada:
            await of_ada.ask("room.join", room=room)
            assert await first.press_ctrl_c() == 0
            await of_ada.ask("chat.send", room=room, content="Still here")
        await second.kill()
        async with running_gateway(folder, arguments=arguments) as third:
            async with open_socket(third.socket_url, ada.token) as of_ada:
                state = await of_ada.ask("room.join", room=room)
                assert state["chat"]["messages"][-1]["content"] == "Still here"
            servers |= third.descendants()
            assert await third.press_ctrl_c() == 0
        assert not running(servers)


async def test_a_stopped_instance_takes_nobody(folder: Path):
    """Its port is free again at once."""
    arguments = ("--data-dir", folder / "data")
    async with running_gateway(folder, arguments=arguments) as gateway:
        await gateway.press_ctrl_c()
        with pytest.raises((OSError, Rejected)):
            await SocketClient.open(gateway.socket_url)
