"""The opening handshake of a WebSocket: who may try, and with which token (RFC 6455, section 4)."""

import http
import logging
from collections.abc import Callable, Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Final

from typing_extensions import override
from websockets.exceptions import NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import ExtensionParameter, Subprotocol

from gateway.core.frames import DEFLATE_WINDOW_BITS
from gateway.core.protocol.connection import SUBPROTOCOL
from gateway.runtime.admission import Refusal

PATH: Final = "/ws"
"""The only path that speaks WebSocket."""

COOKIE: Final = "parley_session"
"""The cookie that a browser signs in with."""

ClientAddress = Callable[[str, Sequence[str]], str]
"""Gives the address of the client, from the peer's and the values of ``X-Forwarded-For``."""

OriginCheck = Callable[[str | None, str | None], bool]
"""Whether a page of this ``Origin`` may use a gateway reached under this ``Host``."""

_REFUSALS: Final[Mapping[Refusal, tuple[http.HTTPStatus, str]]] = {
    Refusal.DRAINING: (http.HTTPStatus.SERVICE_UNAVAILABLE, "This instance is shutting down.\n"),
    Refusal.FULL: (
        http.HTTPStatus.SERVICE_UNAVAILABLE,
        "This instance takes no more connections.\n",
    ),
    Refusal.ADDRESS: (
        http.HTTPStatus.TOO_MANY_REQUESTS,
        "Too many connections from your address are open.\n",
    ),
}

# One logger for all connections; websockets logs each connection's open and
# close at INFO, which at ten thousand of them is noise.
_logger = logging.getLogger("gateway.websocket")
_logger.setLevel(logging.WARNING)


class _SharedDeflate(ServerPerMessageDeflateFactory):
    """Agrees on ``permessage-deflate`` such that one compressed frame is right for everybody.

    No context is kept from one message to the next, on either side, which also
    saves tens of kilobytes a connection, or hundreds.
    """

    def __init__(self) -> None:
        super().__init__(
            server_no_context_takeover=True,
            client_no_context_takeover=True,
            server_max_window_bits=DEFLATE_WINDOW_BITS,
        )

    @override
    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        answer, extension = super().process_request_params(params, accepted_extensions)
        if extension.local_max_window_bits < DEFLATE_WINDOW_BITS:
            raise NegotiationError("the client's window is too small")
        return answer, extension


_DEFLATE: Final = _SharedDeflate()

_ONCE: Final = ("Host", "Origin", "Authorization")
# Headers that are looked at here and have one value.


class RoomProtocol(ServerProtocol):
    """The protocol of one connection. A client that offers no subprotocol is taken as well."""

    def __init__(self, max_frame_bytes: int, *, compression: bool) -> None:
        extensions = [_DEFLATE] if compression else None
        super().__init__(extensions=extensions, max_size=max_frame_bytes, logger=_logger)

    def forget_handshake(self) -> None:
        """Let go of the request, which the parser would keep as long as the connection lives.

        It is a third of an idle connection's memory. To be called when the
        handshake has just been accepted: the new parser begins with what
        follows the request, as the old one would have.
        """
        self.parser = self.parse()
        next(self.parser)

    @override
    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        if not subprotocols:
            return None
        if SUBPROTOCOL in subprotocols:
            return Subprotocol(SUBPROTOCOL)
        raise NegotiationError(f"this gateway speaks {SUBPROTOCOL}")


def answer(protocol: ServerProtocol, request: Request, origin_allowed: OriginCheck) -> Response:
    """Return the response to a handshake: 101, or why not."""
    if request.path.partition("?")[0] != PATH:
        return protocol.reject(http.HTTPStatus.NOT_FOUND, f"The WebSocket is at {PATH}.\n")
    for name in _ONCE:
        if len(request.headers.get_all(name)) > 1:
            text = f"The header {name} may come once.\n"
            return protocol.reject(http.HTTPStatus.BAD_REQUEST, text)
    origin, host = request.headers.get("Origin"), request.headers.get("Host")
    if not origin_allowed(origin, host):
        return protocol.reject(
            http.HTTPStatus.FORBIDDEN, f"Pages of {origin} may not use this gateway.\n"
        )
    return protocol.accept(request)


def turn_away(protocol: ServerProtocol, refusal: Refusal, retry_after_seconds: int) -> Response:
    """Return the response to a handshake for which there is no room now."""
    status, text = _REFUSALS[refusal]
    response = protocol.reject(status, text)
    response.headers["Retry-After"] = str(retry_after_seconds)
    return response


def token_of(request: Request) -> str | None:
    """Return the token of a handshake: its bearer header or its cookie, never its query."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    try:
        cookies: SimpleCookie = SimpleCookie("; ".join(request.headers.get_all("Cookie")))
    except CookieError:
        return None
    return cookies[COOKIE].value if COOKIE in cookies else None


def user_agent_of(request: Request) -> str | None:
    """Return what the client calls itself."""
    return next(iter(request.headers.get_all("User-Agent")), None)
