"""Pages of other sites, and what they may not do with their visitor's cookie."""

import httpx
import pytest

from tests.web.api_client import BASE_URL, Guest, error_of

ALLOWED_ORIGIN = "https://app.example.org"
FOREIGN = "https://evil.example"


@pytest.fixture
async def browser(stranger: httpx.AsyncClient) -> httpx.AsyncClient:
    """Somebody signed in by cookie."""
    await stranger.post("/v1/auth/guest", json={"name": "Ada"})
    return stranger


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://localhost:3000"])
async def test_a_foreign_page_changes_nothing_with_the_cookie(
    browser: httpx.AsyncClient, origin: str
):
    """Every kind of change is refused, and the session is still there."""
    for method, path, body in (
        ("POST", "/v1/rooms", {"name": "x"}),
        ("PUT", "/v1/rooms/by-name/x", None),
        ("POST", "/v1/auth/sign-out", None),
    ):
        answer = await browser.request(method, path, json=body, headers={"Origin": origin})
        assert error_of(answer) == (403, "origin_not_allowed")
    assert (await browser.get("/v1/me")).status_code == 200


@pytest.mark.parametrize("path", ["guest", "register", "sign-in"])
async def test_a_foreign_page_signs_nobody_in(stranger: httpx.AsyncClient, path: str):
    """Or its visitor would act as somebody else without knowing."""
    answer = await stranger.post(f"/v1/auth/{path}", json={}, headers={"Origin": FOREIGN})
    assert error_of(answer) == (403, "origin_not_allowed")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("origin", [BASE_URL, ALLOWED_ORIGIN])
async def test_own_and_listed_pages_may(browser: httpx.AsyncClient, origin: str):
    """The gateway's own page, and the sites in its settings."""
    answer = await browser.post("/v1/rooms", json={"name": "x"}, headers={"Origin": origin})
    assert answer.status_code == 201


async def test_a_bearer_token_is_enough_from_anywhere(ada: Guest):
    """No browser adds one by itself."""
    answer = await ada.client.post("/v1/rooms", json={"name": "x"}, headers={"Origin": FOREIGN})
    assert answer.status_code == 201


async def test_listed_pages_may_read_the_answers_and_foreign_ones_may_not(ada: Guest):
    """CORS says so to the browser."""
    listed = await ada.client.get("/v1/me", headers={"Origin": ALLOWED_ORIGIN})
    foreign = await ada.client.get("/v1/me", headers={"Origin": FOREIGN})
    assert listed.headers["access-control-allow-origin"] == ALLOWED_ORIGIN
    assert "access-control-allow-origin" not in foreign.headers


async def test_a_listed_page_is_told_beforehand_that_it_may_send_a_token(
    stranger: httpx.AsyncClient,
):
    """The preflight of the Fetch standard."""
    answer = await stranger.options(
        "/v1/rooms",
        headers={
            "Origin": ALLOWED_ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )
    assert answer.status_code == 200
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
