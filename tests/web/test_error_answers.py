"""Whatever goes wrong, the answer has one shape, and nothing of the inside is in it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from structlog.testing import capture_logs

from gateway.core.errors import DatabaseUnavailable
from gateway.core.health import HealthReport
from gateway.web.api import create_api
from gateway.web.services import MAX_BODY_BYTES, Services
from tests.web.api_client import Guest, connect, error_of

GUEST = "/v1/auth/guest"


async def test_no_such_address(stranger: httpx.AsyncClient):
    """404 in our shape, also with a slash too many."""
    for path in ("/v1/nothing", "/nothing", "/v1/rooms/", "/docs/assets/nothing.js"):
        assert error_of(await stranger.get(path)) == (404, "not_found")


async def test_not_with_this_method(stranger: httpx.AsyncClient):
    """405, and the header says with which."""
    answer = await stranger.delete(GUEST)
    assert error_of(answer) == (405, "bad_request")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("content", "content_type", "code"),
    [
        (b"{", "application/json", "bad_json"),
        (b"", "application/json", "bad_json"),
        (b"[]", "application/json", "bad_json"),
        (b'"Ada"', "application/json", "bad_json"),
        (b"null", "application/json", "bad_json"),
        (b'{"name": "Ada"}', "text/plain", "bad_json"),
        (b"name=Ada", "application/x-www-form-urlencoded", "bad_json"),
        (b'{"name": 7}', "application/json", "invalid_field"),
        (b'{"name": "\\ud800"}', "application/json", "invalid_field"),
        (b'{"name": "a\\u0000b"}', "application/json", "invalid_field"),
        (b'{"name": "Ada", "admin": true}', "application/json", "invalid_field"),
        (b'\xff\xfe{"name"', "application/json", "bad_json"),
    ],
)
async def test_a_wrong_body(
    stranger: httpx.AsyncClient, content: bytes, content_type: str, code: str
):
    """400, and the code says whether the JSON or a field of it is wrong."""
    answer = await stranger.post(GUEST, content=content, headers={"Content-Type": content_type})
    assert error_of(answer) == (400, code)


async def test_a_wrong_password_is_never_quoted(stranger: httpx.AsyncClient):
    """Neither by our checks nor by the framework's."""
    for password in ("sEcret1", "sEcret\0sEcret", ["sEcret-sEcret"], {"sEcret": 1}):
        body = {"email": "ada@example.com", "username": "Ada", "password": password}
        answer = await stranger.post("/v1/auth/register", json=body)
        assert error_of(answer) == (400, "invalid_field")
        assert '"password"' in answer.json()["error"]["message"]
        assert "sEcret" not in answer.text


async def test_an_id_that_is_none(ada: Guest):
    """The address itself has the wrong field."""
    assert error_of(await ada.client.get("/v1/rooms/7")) == (400, "invalid_field")


async def pieces(size: int) -> AsyncIterator[bytes]:
    """Yield a body whose size nobody has declared."""
    for _ in range(0, size, 1024):
        yield b" " * 1024


async def test_a_body_beyond_the_limit(stranger: httpx.AsyncClient):
    """413, whether its size was declared or turns out on the way."""
    declared = await stranger.post(GUEST, content=b" " * (MAX_BODY_BYTES + 1))
    surprising = await stranger.post(GUEST, content=pieces(MAX_BODY_BYTES + 1024))
    assert error_of(declared) == error_of(surprising) == (413, "too_large")
    assert str(MAX_BODY_BYTES) in declared.json()["error"]["message"]


async def test_a_body_of_just_the_limit_is_read(stranger: httpx.AsyncClient):
    """The limit itself is allowed; arriving in pieces is too."""
    body = b'{"name": "Ada"}'.ljust(MAX_BODY_BYTES)
    headers = {"Content-Type": "application/json"}
    assert (await stranger.post(GUEST, content=body, headers=headers)).status_code == 201

    async def in_two() -> AsyncIterator[bytes]:
        yield body[:5]
        yield body[5:]

    assert (await stranger.post(GUEST, content=in_two(), headers=headers)).status_code == 201


async def test_what_nobody_expected_is_logged_with_its_trace_and_told_without(services: Services):
    """500 internal_error; the secret in the exception stays in the log."""

    async def broken() -> HealthReport:
        raise RuntimeError("the password is swordfish")

    api = create_api(replace(services, health=broken))
    async with connect(api, "10.3.0.1") as client:
        with capture_logs() as logs:
            answer = await client.get("/health/ready")
    assert error_of(answer) == (500, "internal_error")
    assert "swordfish" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [(entry["event"], entry["path"]) for entry in logs] == [("http.failed", "/health/ready")]
    assert logs[0]["exc_info"]


async def test_a_part_that_is_away_is_told_as_worth_trying_again(services: Services):
    """503 and retryable."""

    async def away() -> HealthReport:
        raise DatabaseUnavailable("The database does not answer.")

    async with connect(create_api(replace(services, health=away)), "10.3.0.2") as client:
        answer = await client.get("/health/ready")
    assert error_of(answer) == (503, "database_unavailable")
    assert answer.json()["error"]["retryable"] is True
