"""Whose address a connection has, where proxies stand in between.

uvicorn answers that for HTTP requests; this is the same answer, by its own
rules, for WebSockets, which pass its middleware by.
"""

from collections.abc import Sequence

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.runtime.handshake import ClientAddress


def client_address(trusted_proxies: str) -> ClientAddress:
    """Return what finds a client's address behind ``trusted_proxies``.

    These are comma-separated addresses or networks, or ``*`` for any.
    """
    trusted = ProxyHeadersMiddleware(_nothing, trusted_proxies).trusted_hosts

    def find(peer: str, forwarded_for: Sequence[str]) -> str:
        if not forwarded_for or peer not in trusted:
            return peer
        host, _ = trusted.get_trusted_client_address(", ".join(forwarded_for))
        return host or peer

    return find


async def _nothing(*_asgi: object) -> None:
    """Stand where uvicorn's middleware wants an application."""
