"""Opening a WebSocket: who may, and as whom."""

import pytest

from tests.support.gateway_process import GatewayProcess, Guest
from tests.support.socket_client import Rejected, SocketClient

Pair = tuple[GatewayProcess, GatewayProcess]


async def who_is_greeted(url: str, **how: object) -> str | None:
    """Connect, and return whose id the welcome names."""
    client = await SocketClient.open(url, **how)
    user = client.welcome["data"]["user"]
    await client.close()
    return user["id"] if user else None


async def test_the_welcome_tells_what_a_client_needs_to_know(pair: Pair, ada: Guest):
    """Before anything else."""
    client = await SocketClient.open(pair[0].socket_url, token=ada.token)
    data = client.welcome["data"]
    assert data["user"] == {"id": ada.id, "name": ada.name, "avatar_url": None}
    assert data["auth_within_seconds"] > 0
    assert data["heartbeat_seconds"] > 0
    assert set(data["limits"]) == {"max_message_bytes", "max_rooms", "commands_per_second"}
    assert client.subprotocol == "parley.v1"
    await client.close()


async def test_a_header_or_a_cookie_signs_in(pair: Pair, ada: Guest):
    """A browser sends the one, a program the other; other cookies do not matter."""
    url = pair[0].socket_url
    assert await who_is_greeted(url, token=ada.token) == ada.id
    cookies = f"theme=dark; parley_session={ada.token}; x=1"
    assert await who_is_greeted(url, headers={"Cookie": cookies}) == ada.id


async def test_a_cookie_of_the_http_api_signs_in(pair: Pair):
    """The one that it sets."""
    async with pair[0].http() as http:
        answer = await http.post("/v1/auth/guest", json={"name": "Ada"})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    greeted = await who_is_greeted(pair[1].socket_url, headers={"Cookie": cookie.partition(";")[0]})
    assert greeted == answer.json()["user"]["id"]


async def test_a_token_in_the_address_is_not_taken(pair: Pair, ada: Guest):
    """Addresses end up in logs."""
    for name in ("token", "access_token", "parley_session", "authorization"):
        assert await who_is_greeted(f"{pair[0].socket_url}?{name}={ada.token}") is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "parley_session=old"},
        {"Authorization": "Bearer old"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": 'parley_session="; x[=1'},
    ],
)
async def test_who_comes_with_an_old_token_may_still_sign_in(
    pair: Pair, ada: Guest, headers: dict[str, str]
):
    """A browser sends its old cookie without being asked."""
    client = await SocketClient.open(pair[0].socket_url, headers=headers)
    assert client.welcome["data"]["user"] is None
    assert (await client.ask("auth", token=ada.token))["user"]["id"] == ada.id
    await client.close()


async def test_who_has_signed_out_is_a_stranger_on_both_instances(pair: Pair):
    """With the token that worked a moment ago."""
    guest = await pair[0].new_guest("Ada")
    assert await who_is_greeted(pair[1].socket_url, token=guest.token) == guest.id
    async with pair[0].http(guest) as http:
        assert (await http.post("/v1/auth/sign-out")).status_code < 300
    for gateway in pair:
        assert await who_is_greeted(gateway.socket_url, token=guest.token) is None


async def test_a_page_of_another_site_is_refused(pair: Pair, ada: Guest):
    """It would come with its visitor's cookie; the same-origin policy does not stop it."""
    for origin in ("https://evil.example", "null"):
        headers = {"Origin": origin, "Cookie": f"parley_session={ada.token}"}
        with pytest.raises(Rejected) as caught:
            await SocketClient.open(pair[0].socket_url, headers=headers)
        assert caught.value.status == 403
    own = {"Origin": pair[0].url}
    assert await who_is_greeted(pair[0].socket_url, token=ada.token, headers=own) == ada.id


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws2", "/v1/ws", "/v1/rooms", "//ws"])
async def test_other_paths_speak_no_websocket(pair: Pair, path: str):
    """There is one."""
    url = pair[0].socket_url.removesuffix("/ws") + path
    with pytest.raises(Rejected) as caught:
        await SocketClient.open(url)
    assert caught.value.status == 404


async def test_a_client_that_wants_another_protocol_is_refused(pair: Pair, ada: Guest):
    """One that names none is taken, and so is one that names ours among others."""
    with pytest.raises(Rejected) as caught:
        await SocketClient.open(pair[0].socket_url, subprotocols=("chat.v9",))
    assert caught.value.status == 400
    for offered in ((), ("chat.v9", "parley.v1")):
        greeted = await who_is_greeted(pair[0].socket_url, token=ada.token, subprotocols=offered)
        assert greeted == ada.id


async def test_a_plain_request_to_the_socket_is_no_error_of_ours(pair: Pair):
    """Somebody opens the address in a browser."""
    async with pair[0].http() as http:
        assert (await http.get("/ws")).status_code in {404, 426}
