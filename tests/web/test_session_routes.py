"""Sessions over HTTP."""

import httpx
import pytest

from tests.web.api_client import Guest, error_of


async def test_the_list_tells_the_session_that_asks(ada: Guest):
    """With where and when it was opened."""
    answer = await ada.client.get("/v1/auth/sessions")
    (session,) = answer.json()["sessions"]
    assert set(session) == {
        *("id", "created_at", "expires_at"),
        *("address", "user_agent", "current"),
    }
    assert session["current"]
    assert session["user_agent"].startswith("python-httpx")
    assert session["id"] not in ada.token


async def test_ending_ones_own_session_signs_out(ada: Guest):
    """The token is worth nothing from then on."""
    (session,) = (await ada.client.get("/v1/auth/sessions")).json()["sessions"]
    answer = await ada.client.delete(f"/v1/auth/sessions/{session['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert error_of(await ada.client.get("/v1/me")) == (401, "invalid_token")


async def test_somebody_elses_session_is_unknown(ada: Guest, grace: Guest):
    """And goes on."""
    (session,) = (await grace.client.get("/v1/auth/sessions")).json()["sessions"]
    answer = await ada.client.delete(f"/v1/auth/sessions/{session['id']}")
    assert error_of(answer) == (404, "unknown_session")
    assert (await grace.client.get("/v1/me")).status_code == 200


@pytest.mark.parametrize("public_id", ["x", "0" * 15, "0" * 64, "%00", "A" * 16, "%25" * 16])
async def test_what_names_no_session_is_refused(ada: Guest, public_id: str):
    """Before anything is looked up."""
    answer = await ada.client.delete(f"/v1/auth/sessions/{public_id}")
    assert error_of(answer) == (400, "invalid_field")


async def test_ending_all_others_tells_how_many(ada: Guest):
    """None, here."""
    answer = await ada.client.delete("/v1/auth/sessions")
    assert (answer.status_code, answer.json()) == (200, {"ended": 0})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/auth/sessions"),
        ("DELETE", "/v1/auth/sessions"),
        ("DELETE", f"/v1/auth/sessions/{'0' * 16}"),
    ],
)
async def test_strangers_have_no_sessions(stranger: httpx.AsyncClient, method: str, path: str):
    """They have to sign in first."""
    assert error_of(await stranger.request(method, path)) == (401, "unauthenticated")
