"""Accounts over the WebSocket alone: everything that the HTTP API can do."""

import asyncio
from uuid import uuid4

import pytest

from tests.integration.conftest import Connect, Pair, StartGateway
from tests.support.gateway_process import Guest
from tests.support.socket_client import Refused, SocketClient
from tests.support.waiting import WAIT_SECONDS

PASSWORD = "correct horse battery staple"


async def test_a_guest_comes_in_over_the_socket_and_goes_on_elsewhere(pair: Pair, connect: Connect):
    """The token is good for the other instance and for HTTP."""
    client = await connect(pair.first)
    signed_in = await client.ask("auth.guest", name="Ada")
    assert (signed_in["user"]["name"][:3], signed_in["is_guest"]) == ("Ada", True)
    assert len((await client.ask("session.list"))["sessions"]) == 1
    guest = Guest(signed_in["user"]["id"], signed_in["user"]["name"], signed_in["token"])
    other = await connect(pair.second, guest)
    assert other.welcome["data"]["user"] == signed_in["user"]
    async with pair.second.http(guest) as http:
        assert (await http.get("/v1/me")).json()["user"]["id"] == guest.id
    with pytest.raises(Refused, match="already_authenticated"):
        await client.ask("auth.guest", name="Grace")


async def test_an_account_from_its_beginning_to_a_new_password(pair: Pair, connect: Connect):
    """Whose change ends the other sessions and their connections."""
    name = uuid4().hex
    email = f"{name}@example.com"
    first, second = await connect(pair.first), await connect(pair.second)
    made = await first.ask("auth.register", email=email, username=name, password=PASSWORD)
    assert made["is_guest"] is False
    with pytest.raises(Refused, match="invalid_credentials"):
        await second.ask("auth.sign_in", email=email, password="wrong horse")
    await second.ask("auth.sign_in", email=email.upper(), password=PASSWORD)
    changed = await second.ask(
        "auth.change_password", old_password=PASSWORD, new_password=PASSWORD[::-1]
    )
    assert changed == {}
    assert await first.closed() == 4201
    await second.say("auth.sign_out")
    assert await second.closed() == 4201


async def test_wrong_input_is_told_and_signs_nobody_in(pair: Pair, connect: Connect):
    """And the password is not repeated."""
    client = await connect(pair.first)
    for command, data, code in (
        ("auth.guest", {"name": ""}, "invalid_field"),
        ("auth.guest", {"name": "\u202eadA"}, "invalid_field"),
        ("auth.register", {"email": "x", "username": "Ada", "password": "short"}, "invalid_field"),
        ("auth.register", {"email": "x", "username": "Ada", "password": PASSWORD}, "invalid_field"),
        ("auth.sign_out", {}, "unauthenticated"),
        ("session.list", {}, "unauthenticated"),
    ):
        with pytest.raises(Refused) as caught:
            await client.ask(command, **data)
        assert caught.value.code == code
        assert "short" not in caught.value.message


async def test_a_session_opened_over_the_socket_is_known_by_its_program(pair: Pair):
    """As one opened over HTTP is."""
    client = await SocketClient.open(pair.first.socket_url, headers={"User-Agent": "Phone/1.0"})
    await client.ask("auth.guest", name="Ada")
    (session,) = (await client.ask("session.list"))["sessions"]
    assert session["user_agent"] == "Phone/1.0"
    await client.abort()


async def test_who_is_turned_away_at_the_sign_in_leaves_no_session_behind(
    pair: Pair, start_gateway: StartGateway, connect: Connect
):
    """Its token is told to nobody; so nobody could end it, either."""
    full = await start_gateway(max_connections_per_user=1)
    name = uuid4().hex
    email = f"{name}@example.com"
    first, second = await connect(full), await connect(full)
    await first.ask("auth.register", email=email, username=name, password=PASSWORD)
    await second.say("auth.sign_in", email=email, password=PASSWORD)
    assert await second.closed() == 4100
    elsewhere = await connect(pair.first)
    await elsewhere.ask("auth.sign_in", email=email, password=PASSWORD)
    async with asyncio.timeout(WAIT_SECONDS):
        while len((await elsewhere.ask("session.list"))["sessions"]) != 2:
            pass
