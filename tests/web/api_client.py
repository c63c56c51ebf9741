"""The HTTP API as its users have it: a client for each of them."""

from dataclasses import dataclass
from typing import Protocol

import httpx
from fastapi import FastAPI

BASE_URL = "http://localhost:8000"


@dataclass(frozen=True)
class Guest:
    """Somebody signed in by name, with a client that sends the bearer token."""

    id: str
    name: str
    token: str
    client: httpx.AsyncClient


class NewGuest(Protocol):
    """Lets a guest in."""

    async def __call__(self, name: str) -> Guest:
        """Return the guest, with a client open until the test ends."""


def connect(app: FastAPI, address: str, token: str | None = None) -> httpx.AsyncClient:
    """Return a client from an address of its own, which the throttle counts by."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, client=(address, 50_000)),
        base_url=BASE_URL,
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, having checked its shape."""
    body = answer.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) == {"code", "message", "retryable"}
    assert error["message"].endswith(".")
    return answer.status_code, error["code"]
