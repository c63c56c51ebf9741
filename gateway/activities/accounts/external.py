"""Tokens of another service: the settings, and what is known from one that has been checked.

Apart from what checks them, which is heavy to import.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

_JWT_DOTS: Final = 2
# header.payload.signature (RFC 7515, section 3.1); a token of ours has none.

MIN_SECRET_BYTES: Final = 32
"""A key for HS256 has at least as many bytes as its hash (RFC 7518, section 3.2)."""


@dataclass(frozen=True, slots=True)
class JwtSettings:
    """Where the keys are from: exactly one of the first three.

    ``secret`` is shared with the service (HS256), ``public_key`` is its RSA key
    in PEM (RS256), at ``jwks_url`` it tells its keys of the day (RFC 7517;
    RS256). Tokens must be for ``audience`` and of ``issuer``, where given.
    """

    secret: str | None = field(default=None, repr=False)
    public_key: str | None = None
    jwks_url: str | None = field(default=None, repr=False)
    audience: str | None = None
    issuer: str | None = None


class Vouched(NamedTuple):
    """Somebody for whom a token of another service speaks that has been checked."""

    external_id: str
    """Who they are there (``users.external_id``)."""
    names: tuple[str, ...]
    """What they may be called here, the best first; as the token has it, not cleaned."""
    picture: str | None
    expires_at: float
    """When the token ends (Unix time)."""
    token_hash: str


def is_external(token: str) -> bool:
    """Whether a token has the shape of another service's; one of the gateway's never has."""
    return token.count(".") == _JWT_DOTS
