"""Health, time, the pages for people and the API's docs."""

import re
import time

import httpx
import pytest
from fastapi import FastAPI

from gateway.core.health import PartHealth


async def test_a_live_process_says_so(stranger: httpx.AsyncClient):
    """Without looking at any other part."""
    answer = await stranger.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


async def test_readiness_tells_about_every_part(
    stranger: httpx.AsyncClient, parts: dict[str, PartHealth]
):
    """200 when all are well, 503 when one is not, with what is wrong and how long it took."""
    well = await stranger.get("/health/ready")
    database = {"ok": True, "detail": "answers", "ms": 0.4}
    assert (well.status_code, well.json()) == (200, {"ok": True, "parts": {"database": database}})
    parts["backplane"] = PartHealth(ok=False, detail="deaf for 7 s", milliseconds=5000.0)
    try:
        ill = await stranger.get("/health/ready")
    finally:
        del parts["backplane"]
    assert ill.status_code == 503
    assert ill.json() == {
        "ok": False,
        "parts": {
            "database": database,
            "backplane": {"ok": False, "detail": "deaf for 7 s", "ms": 5000.0},
        },
    }
    assert ill.headers["cache-control"] == "no-store"


async def test_the_time_is_in_milliseconds_since_1970(stranger: httpx.AsyncClient):
    """For estimating the offset of the client's clock."""
    before = time.time() * 1000
    server_time_ms = (await stranger.get("/v1/time")).json()["server_time_ms"]
    assert before <= server_time_ms <= time.time() * 1000


@pytest.mark.parametrize("path", ["/", "/docs", "/v1/me", "/health/live", "/nothing"])
async def test_every_answer_has_the_security_headers(stranger: httpx.AsyncClient, path: str):
    """Nothing is sniffed, framed, or told to other sites."""
    headers = (await stranger.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_what_is_about_a_person_is_kept_by_no_cache(stranger: httpx.AsyncClient):
    """Also errors."""
    guest = await stranger.post("/v1/auth/guest", json={"name": "Ada"})
    wrong = await stranger.post("/v1/auth/guest", json={})
    assert guest.headers["cache-control"] == wrong.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_the_pages_lead_nowhere_else_and_every_link_works(
    stranger: httpx.AsyncClient, path: str
):
    """All they load and link to is served here, and no script stands inside them."""
    page = await stranger.get(path)
    assert page.headers["content-type"].startswith("text/html")
    links = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert links
    for link in links:
        assert link.startswith("/")
        assert (await stranger.get(link)).status_code == 200
    assert "<script>" not in page.text


async def test_swagger_ui_gets_a_document_it_accepts(app: FastAPI, stranger: httpx.AsyncClient):
    """The same description, labelled 3.0."""
    true = (await stranger.get("/openapi.json")).json()
    relabelled = (await stranger.get("/docs/openapi.json")).json()
    assert true["openapi"].startswith("3.1")
    assert relabelled == {**true, "openapi": "3.0.3"}


async def test_every_operation_is_documented(app: FastAPI):
    """A tag, a summary, a description, and errors in the shape that they really have."""
    document = app.openapi()
    operations = [
        (path, operation)
        for path, methods in document["paths"].items()
        for operation in methods.values()
    ]
    assert len(operations) == 51
    for path, operation in operations:
        assert operation["tags"], path
        assert operation["summary"], path
        assert operation["description"], path
        assert "422" not in operation["responses"], path
        for status, response in operation["responses"].items():
            if status.startswith("4"):
                assert response["content"]["application/json"]["schema"] == {
                    "$ref": "#/components/schemas/ErrorAnswer"
                }
    names = [operation["operationId"] for _, operation in operations]
    assert len(set(names)) == len(names)
