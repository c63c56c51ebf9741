"""Every failure leaves in one shape: ``{"error": {"code", "message", "retryable"}}``."""

import math
from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gateway.core.errors import (
    BadJson,
    BadRequest,
    GatewayError,
    InvalidField,
    NotFound,
    RateLimited,
    Unauthenticated,
)
from gateway.core.protocol.connection import ErrorBody
from gateway.core.protocol.encode import error_body

_NO_OBJECT: Final = frozenset({"missing", "model_attributes_type", "model_type", "dict_type"})
# pydantic's names for a body that is absent or something else.


class ErrorAnswer(BaseModel):
    """What went wrong. Every code is explained in `docs/errors.md`."""

    error: ErrorBody


def error_response(
    error: GatewayError, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer to a request that failed; ``status`` where HTTP knows it better."""
    headers = dict(headers or {})
    if isinstance(error, RateLimited) and error.retry_after_seconds is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"  # a 401 must say how (RFC 9110, section 15.5.2)
    return Response(
        orjson.dumps({"error": error_body(error)}),
        status_code=status or error.http_status,
        headers=headers,
        media_type="application/json",
    )


def documented(*errors: type[GatewayError]) -> dict[int | str, dict[str, Any]]:
    """Return what the API's docs say about the errors that a route may answer with."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        text = f"`{error.code}`: {(error.__doc__ or '').splitlines()[0]}"
        entry = by_status.setdefault(error.http_status, {"model": ErrorAnswer})
        entry["description"] = "\n\n".join(filter(None, [entry.get("description"), text]))
    return by_status


def install_error_handlers(app: FastAPI) -> None:
    """Answer every known kind of failure; the unexpected is ``middleware.ErrorBoundary``'s."""
    app.add_exception_handler(GatewayError, _answer_gateway_error)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)


async def _answer_gateway_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)  # noqa: S101 - registered for this class
    return error_response(error)


async def _answer_validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    return error_response(_explain(error))


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """The framework's own: no such path, not with this method, a body that is no text."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    known: GatewayError
    match error.status_code:
        case 404:
            known = NotFound("There is nothing at this address.")
        case 400:
            known = BadJson("The body cannot be read as JSON.")
        case _:
            known = BadRequest(f"{request.method} is not possible: {error.detail}.")
    return error_response(known, status=error.status_code, headers=error.headers)


def _explain(error: RequestValidationError) -> BadRequest:
    """Turn FastAPI's account of the first mistake into one sentence that names the field."""
    first = error.errors()[0]
    source, *path = first["loc"]
    if first["type"] == "json_invalid":
        return BadJson(f"The body is not JSON: {first['ctx']['error']}.")
    if source == "body" and not path and first["type"] in _NO_OBJECT:
        return BadJson("The body is a JSON object, sent with Content-Type: application/json.")
    field = ".".join(map(str, path)) or str(source)
    return InvalidField(f'The field "{field}" is wrong: {first["msg"]}.')
