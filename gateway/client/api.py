"""The HTTP API, as far as the client needs it: signing in, and finding rooms."""

from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from gateway.client.errors import ClientError, GatewayUnreachable
from gateway.client.wire import command_error
from gateway.core.ids import RoomId
from gateway.core.protocol.base import Person
from gateway.core.protocol.connection import ErrorBody

TIMEOUT_SECONDS: Final = 10.0
"""How long connecting, sending and each part of an answer may take."""


class SignedIn(BaseModel):
    """Who you are now, and the token that proves it."""

    user: Person
    token: str


class _Room(BaseModel):
    id: UUID


class _Failure(BaseModel):
    error: ErrorBody


_Answer = TypeVar("_Answer", bound=BaseModel)


class Api:
    """Requests to one gateway. Any may raise ``GatewayUnreachable`` or ``CommandError``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def sign_in(self, how: str, body: Mapping[str, str | None]) -> SignedIn:
        """Sign in by one of the routes below ``/v1/auth``: ``guest``, ``sign-in``, ``register``."""
        answer = await self._send("POST", f"/v1/auth/{how}", body=body)
        return self._read(SignedIn, answer)

    async def sign_out(self, token: str) -> None:
        """End the session of a token."""
        await self._send("POST", "/v1/auth/sign-out", token=token)

    async def public_room(self, name: str, token: str) -> RoomId:
        """Return the public room of this name, which is made if there is none."""
        path = f"/v1/rooms/by-name/{quote(name, safe='')}"
        answer = await self._send("PUT", path, token=token)
        return RoomId(self._read(_Room, answer).id)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, str | None] | None = None,
        token: str | None = None,
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = await self._http.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            raise GatewayUnreachable(f"No gateway answers at {self._url}.") from error
        if not answer.is_success:
            raise command_error(self._read(_Failure, answer).error)
        return answer

    def _read(self, answer_type: type[_Answer], answer: httpx.Response) -> _Answer:
        try:
            return answer_type.model_validate_json(answer.content)
        except ValidationError:
            raise self._stranger() from None

    def _stranger(self) -> ClientError:
        return ClientError(f"What answers at {self._url} is not a Parley gateway.")
