"""What every request passes through, before and after its route."""

from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.core.errors import InternalError, TooLarge
from gateway.web.errors import error_response

log = structlog.get_logger()

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' https: data:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""The pages run their own scripts only, are framed by nobody, and tell no other site of a room."""


class HeaderGuard:
    """Adds the security headers; answers of the API itself are kept by no cache."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and complete the headers on the way back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                if scope["path"].startswith("/v1/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_guarded)


class ErrorBoundary:
    """Answers what nobody expected with ``internal_error``; the trace goes to the log alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; an answer that has begun can only be broken off."""
        started = False

        async def send_watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            log.exception("http.failed", method=scope["method"], path=scope["path"])
            answer = error_response(InternalError("The gateway failed; its log says why."))
            await answer(scope, receive, send)


class BodyLimit:
    """Refuses a body beyond ``max_bytes`` before any of it is parsed.

    The whole body is held until its size is known; that is what the limit is
    for. Starlette's own limit answers in another shape than all other errors.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        messages = await self._read(scope, receive)
        if messages is None:
            answer = error_response(
                TooLarge(f"The body is larger than {self._max_bytes} bytes."),
                headers={"Connection": "close"},
            )
            await answer(scope, receive, send)
            return

        async def receive_again() -> Message:
            return messages.pop(0) if messages else await receive()

        await self._app(scope, receive_again, send)

    async def _read(self, scope: Scope, receive: Receive) -> list[Message] | None:
        """Return the body's messages, or ``None`` when they are too much."""
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            return None
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self._max_bytes:
                return None
            if not message.get("more_body", False):
                return messages
