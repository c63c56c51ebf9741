"""Signing in and out over HTTP."""

from http.cookies import SimpleCookie
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.web.api_client import Guest, connect, error_of


def new_account() -> dict[str, str]:
    """Return a registration of somebody new."""
    name = uuid4().hex
    return {"email": f"{name}@example.com", "username": name, "password": "correct horse"}


def session_cookie(answer: httpx.Response) -> dict[str, str]:
    """Return the attributes of the cookie that the answer sets, with its value."""
    cookie: SimpleCookie = SimpleCookie(answer.headers["set-cookie"])
    morsel = cookie["parley_session"]
    return {"value": morsel.value, **{key: value for key, value in morsel.items() if value}}


async def test_registering_answers_with_a_token_that_works(stranger: httpx.AsyncClient):
    """201, who you are, and a token for the Authorization header."""
    account = new_account()
    answer = await stranger.post("/v1/auth/register", json=account)
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"user", "is_guest", "token", "expires_at"}
    assert body["user"]["name"] == account["username"]
    stranger.cookies.clear()
    me = await stranger.get("/v1/me", headers={"Authorization": f"Bearer {body['token']}"})
    assert me.json() == {"user": body["user"], "is_guest": False}


async def test_signing_in_again_gives_another_token(stranger: httpx.AsyncClient):
    """E-mail and password are enough."""
    account = new_account()
    first = await stranger.post("/v1/auth/register", json=account)
    del account["username"]
    second = await stranger.post("/v1/auth/sign-in", json=account)
    assert second.status_code == 200
    assert second.json()["token"] != first.json()["token"]


@pytest.mark.parametrize(
    ("base_url", "is_secure"),
    [
        ("http://localhost:8000", False),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
        ("https://localhost:8000", True),
        ("http://parley.example.com", True),
        ("https://parley.example.com", True),
    ],
)
async def test_the_cookie_is_out_of_reach_of_scripts_and_of_plain_http(
    stranger: httpx.AsyncClient, base_url: str, is_secure: bool
):
    """HttpOnly and SameSite=Lax always; Secure but for plain HTTP on this machine."""
    stranger.base_url = httpx.URL(base_url)
    answer = await stranger.post("/v1/auth/guest", json={"name": "Ada"})
    cookie = session_cookie(answer)
    assert cookie.pop("expires")
    assert cookie == {
        "value": answer.json()["token"],
        "path": "/",
        "httponly": True,
        "samesite": "lax",
        **({"secure": True} if is_secure else {}),
    }


async def test_a_browser_stays_signed_in_by_its_cookie_until_it_signs_out(
    stranger: httpx.AsyncClient,
):
    """Signing out ends the session and removes the cookie."""
    await stranger.post("/v1/auth/guest", json={"name": "Ada"})
    token = stranger.cookies["parley_session"]
    assert (await stranger.get("/v1/me")).json()["is_guest"] is True
    assert (await stranger.post("/v1/auth/sign-out")).status_code == 204
    assert "parley_session" not in stranger.cookies
    again = await stranger.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert error_of(again) == (401, "invalid_token")


async def test_a_guest_whose_name_is_taken_is_told_the_name_that_it_got(
    stranger: httpx.AsyncClient,
):
    """The answer says who you are, not who you wanted to be."""
    name = uuid4().hex
    names = [
        (await stranger.post("/v1/auth/guest", json={"name": name})).json()["user"]["name"]
        for _ in range(2)
    ]
    assert names == [name, f"{name} 2"]


async def test_changing_the_password_keeps_this_session_and_ends_the_others(
    app: FastAPI, stranger: httpx.AsyncClient
):
    """204, and the other token is worth nothing."""
    account = new_account()
    other = (await stranger.post("/v1/auth/register", json=account)).json()["token"]
    here = await stranger.post(
        "/v1/auth/sign-in", json={key: account[key] for key in ("email", "password")}
    )
    changed = await stranger.post(
        "/v1/auth/password",
        json={"old_password": account["password"], "new_password": "a better one"},
    )
    assert changed.status_code == 204
    assert (await stranger.get("/v1/me")).json()["user"] == here.json()["user"]
    async with connect(app, "10.9.9.9", other) as client:
        assert error_of(await client.get("/v1/me")) == (401, "invalid_token")


async def test_wrong_credentials_and_taken_names_have_their_codes(stranger: httpx.AsyncClient):
    """Each failure says which it is, but for the one that must not."""
    account = new_account()
    await stranger.post("/v1/auth/register", json=account)
    same_email = {**new_account(), "email": account["email"]}
    same_name = {**new_account(), "username": account["username"]}
    wrong = {"email": account["email"], "password": "not the password"}
    register, sign_in = "/v1/auth/register", "/v1/auth/sign-in"
    assert error_of(await stranger.post(register, json=same_email)) == (409, "email_taken")
    assert error_of(await stranger.post(register, json=same_name)) == (409, "username_taken")
    assert error_of(await stranger.post(sign_in, json=wrong)) == (401, "invalid_credentials")


async def test_a_guest_may_not_change_a_password(ada: Guest):
    """There is none."""
    answer = await ada.client.post(
        "/v1/auth/password", json={"old_password": "", "new_password": "a better one"}
    )
    assert error_of(answer) == (403, "forbidden")


async def test_too_many_attempts_are_told_when_to_come_back(stranger: httpx.AsyncClient):
    """429 with Retry-After in whole seconds."""
    wrong = {"email": f"{uuid4().hex}@example.com", "password": "not the password"}
    for _ in range(5):
        await stranger.post("/v1/auth/sign-in", json=wrong)
    answer = await stranger.post("/v1/auth/sign-in", json=wrong)
    assert error_of(answer) == (429, "rate_limited")
    assert answer.json()["error"]["retryable"] is True
    assert 890 <= int(answer.headers["retry-after"]) <= 900


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
        {"Cookie": "other=1"},
        {"Cookie": "parley_session="},
    ],
)
async def test_without_credentials_the_answer_is_unauthenticated(
    stranger: httpx.AsyncClient, headers: dict[str, str]
):
    """Nothing, or nothing of ours."""
    answer = await stranger.get("/v1/me", headers=headers)
    assert error_of(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer nonsense"}, {"Cookie": "parley_session=nonsense"}]
)
async def test_with_wrong_credentials_the_answer_is_invalid_token(
    stranger: httpx.AsyncClient, headers: dict[str, str]
):
    """Something, and it is nobody's."""
    assert error_of(await stranger.get("/v1/me", headers=headers)) == (401, "invalid_token")
