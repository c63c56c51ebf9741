"""Whether a web page may use the gateway with its visitor's cookie (pure).

A browser sends the cookie along whoever's page asks, but says whose page it
is, in ``Origin`` (RFC 6454, section 7). For a WebSocket this check is the only
one there is: the same-origin policy does not cover it (RFC 6455, section 10.2).
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def origin_allowed(origin: str | None, host: str | None, allowed_origins: Collection[str]) -> bool:
    """Whether a request with these headers ``Origin`` and ``Host`` may be trusted.

    Without an origin it does not come from another site's page: a program, or
    a plain link. The scheme is not compared, because behind a proxy that ends
    TLS the gateway does not know its own.
    """
    if origin is None:
        return True
    if origin in allowed_origins:
        return True
    return host is not None and _is_same_place(origin, host)


def _is_same_place(origin: str, host: str) -> bool:
    """Whether the page came from the very host and port that the request went to."""
    try:
        page, gateway = urlsplit(origin), urlsplit(f"//{host}")
        default = _DEFAULT_PORTS[page.scheme]
        page_port, gateway_port = page.port or default, gateway.port or default
    except (KeyError, ValueError):  # another scheme, "null", a port that is no number
        return False
    same_name = page.hostname is not None and page.hostname == gateway.hostname
    return same_name and page_port == gateway_port
