"""Sessions that end on one instance while their connections are on the other."""

from uuid import uuid4

import httpx
import pytest

from tests.integration.conftest import Connect, Pair, StartGateway
from tests.support.gateway_process import GatewayProcess, Guest
from tests.support.jwt_issuer import AUDIENCE, ISSUER, SECRET, SigningKey, key_server, sign
from tests.support.socket_client import Refused

PASSWORD = "correct horse battery staple"


async def account(gateway: GatewayProcess) -> dict[str, str]:
    """Register somebody, and return how they sign in."""
    name = uuid4().hex
    login = {"email": f"{name}@example.com", "password": PASSWORD}
    async with gateway.http() as http:
        answer = await http.post("/v1/auth/register", json={**login, "username": name})
    assert answer.status_code == 201
    return login


async def sign_in(gateway: GatewayProcess, login: dict[str, str], program: str = "test") -> Guest:
    """Open a session."""
    async with gateway.http() as http:
        answer = await http.post("/v1/auth/sign-in", json=login, headers={"User-Agent": program})
    body = answer.json()
    return Guest(body["user"]["id"], body["user"]["name"], body["token"])


async def test_a_revoked_session_is_closed_on_the_other_instance(pair: Pair, connect: Connect):
    """Over HTTP and over the WebSocket; the session that revokes stays."""
    login = await account(pair.first)
    here = await sign_in(pair.first, login)
    phone, tablet = [await sign_in(pair.second, login, name) for name in ("phone", "tablet")]
    own = await connect(pair.first, here)
    tabs = [await connect(pair.second, phone) for _ in range(2)]
    other = await connect(pair.second, tablet)
    by_program = {one["user_agent"]: one for one in (await own.ask("session.list"))["sessions"]}
    assert by_program["test"]["current"]
    async with pair.first.http(here) as http:
        listed = (await http.get("/v1/auth/sessions")).json()["sessions"]
        assert {one["id"] for one in listed} == {one["id"] for one in by_program.values()}
        answer = await http.delete(f"/v1/auth/sessions/{by_program['phone']['id']}")
        assert answer.status_code == 204
    for tab in tabs:
        assert await tab.closed() == 4201
    assert await own.ask("session.end", id=by_program["tablet"]["id"]) == {"ended": 1}
    assert await other.closed() == 4201
    with pytest.raises(Refused) as caught:
        await own.ask("session.end", id=by_program["tablet"]["id"])
    assert caught.value.code == "unknown_session"
    for gone in (phone, tablet):
        async with pair.second.http(gone) as http:
            assert (await http.get("/v1/me")).status_code == 401


async def test_somebody_elses_session_cannot_be_ended(
    pair: Pair, ada: Guest, grace: Guest, connect: Connect
):
    """The answer does not tell whether there is one."""
    hers, his = await connect(pair.first, ada), await connect(pair.second, grace)
    (session,) = (await his.ask("session.list"))["sessions"]
    for public_id in (session["id"], "0" * 16):
        with pytest.raises(Refused) as caught:
            await hers.ask("session.end", id=public_id)
        assert caught.value.code == "unknown_session"
    await his.ask("ping")


async def test_a_changed_password_closes_the_other_devices_and_not_the_own(
    pair: Pair, connect: Connect
):
    """At once, on either instance."""
    login = await account(pair.first)
    here, there = [await sign_in(pair.first, login) for _ in range(2)]
    own = [await connect(gateway, here) for gateway in pair]
    others = [await connect(gateway, there) for gateway in pair]
    async with pair.first.http(here) as http:
        body = {"old_password": PASSWORD, "new_password": "another one altogether"}
        assert (await http.post("/v1/auth/password", json=body)).status_code == 204
    for client in others:
        assert await client.closed() == 4201
    for client in own:
        await client.ask("ping")


async def test_signing_out_closes_the_sessions_connections_everywhere(pair: Pair, connect: Connect):
    """And who was in a room with them sees them go at once, as after a goodbye."""
    guest, friend = await pair.first.new_guest("Ada"), await pair.first.new_guest("Grace")
    room = await pair.first.new_room(friend, f"Room {uuid4().hex}")
    clients = [await connect(gateway, guest) for gateway in pair]
    watching = await connect(pair.first, friend)
    await watching.ask("room.join", room=room)
    await clients[1].ask("room.join", room=room)
    await watching.take(
        lambda m: (
            m.get("type") == "presence.changed"
            and guest.id in [person["id"] for person in m["data"]["joined"]]
        )
    )
    async with pair.first.http(guest) as http:
        assert (await http.post("/v1/auth/sign-out")).status_code == 204
    for client in clients:
        assert await client.closed() == 4201
    await watching.take(
        lambda m: m.get("type") == "presence.changed" and guest.id in m["data"]["left"]
    )


async def test_all_others_are_ended_over_the_websocket(pair: Pair, connect: Connect):
    """The reply comes on a connection that stays."""
    login = await account(pair.first)
    here, there = [await sign_in(pair.first, login) for _ in range(2)]
    own, other = await connect(pair.first, here), await connect(pair.second, there)
    assert await own.ask("session.end_others") == {"ended": 2}
    assert await other.closed() == 4201
    (left,) = (await own.ask("session.list"))["sessions"]
    await own.say("session.end", id=left["id"])
    assert await own.closed() == 4201


async def test_a_token_of_another_service_is_good_beside_our_own(
    start_gateway: StartGateway, connect: Connect, ada: Guest
):
    """At HTTP, in the handshake and in ``auth``; what is kept there cannot be done here."""
    gateway = await start_gateway(jwt_secret=SECRET, jwt_audience=AUDIENCE, jwt_issuer=ISSUER)
    name = uuid4().hex
    token = sign(sub=name, name=name)
    async with gateway.http() as http:
        http.headers["Authorization"] = f"Bearer {token}"
        me = (await http.get("/v1/me")).json()
        assert (me["user"]["name"], me["is_guest"]) == (name, False)
        assert (await http.get("/v1/auth/sessions")).status_code == 403
        assert (await http.post("/v1/auth/sign-out")).status_code == 403
        body = {"old_password": PASSWORD, "new_password": PASSWORD}
        assert (await http.post("/v1/auth/password", json=body)).json()["error"]["code"] == (
            "forbidden"
        )
    client = await connect(gateway, Guest(me["user"]["id"], name, token))
    assert client.welcome["data"]["user"]["id"] == me["user"]["id"]
    with pytest.raises(Refused) as caught:
        await client.ask("session.list")
    assert caught.value.code == "forbidden"
    stranger = await connect(gateway)
    for bad in (sign(exp=1), sign(aud="another"), sign(iss=None), "a.b.c"):
        with pytest.raises(Refused) as caught:
            await stranger.ask("auth", token=bad)
        assert caught.value.code == "invalid_token"
    assert (await stranger.ask("auth", token=token))["user"]["id"] == me["user"]["id"]
    assert (await connect(gateway, ada)).welcome["data"]["user"]["id"] == ada.id


async def test_the_keys_of_another_service_are_fetched_from_its_address(
    start_gateway: StartGateway, connect: Connect
):
    """At the start, so that the first token waits for nothing; and one key is no other's."""
    key = SigningKey("one")
    async with key_server(key) as server:
        gateway = await start_gateway(jwt_jwks_url=server.url, jwt_audience=AUDIENCE)
        assert server.asked == 1
        name = uuid4().hex
        client = await connect(gateway, Guest("", name, key.sign(sub=name, name=name)))
        assert client.welcome["data"]["user"]["name"] == name
        stranger = await connect(gateway)
        for _ in range(3):
            with pytest.raises(Refused) as caught:
                await stranger.ask("auth", token=SigningKey("two").sign())
            assert caught.value.code == "invalid_token"
        assert server.asked == 1  # there was a fetch a moment ago


async def test_without_a_setting_no_such_token_is_good(pair: Pair):
    """It is an unknown token."""
    async with httpx.AsyncClient(base_url=pair.first.url) as http:
        answer = await http.get("/v1/me", headers={"Authorization": f"Bearer {sign()}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_token")
