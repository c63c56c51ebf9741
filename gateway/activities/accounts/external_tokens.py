"""Tokens of another service (JWT, RFC 7519): whether one is good, and for whom it speaks.

How a token is signed is settled by which key the settings name, never by the
token (RFC 8725, section 3.1): one that says ``none``, or that uses a public
key as the secret of HS256, is refused whatever else it holds.
"""

import math
from collections.abc import Awaitable, Callable
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateway.activities.accounts.external import JwtSettings, Vouched
from gateway.activities.accounts.jwks import MIN_RSA_BITS, Jwks
from gateway.activities.accounts.tokens import hash_token
from gateway.core.errors import ConfigurationError, InvalidToken
from gateway.core.text import is_plain

CLOCK_SKEW_SECONDS: Final = 5
"""How far the clocks of the service and of this machine may be apart."""

MAX_EXTERNAL_ID: Final = 255
"""Characters of ``users.external_id``."""

_NAME_CLAIMS: Final = ("name", "preferred_username")
# OpenID Connect Core 1.0, section 5.1.

Key = bytes | RSAPublicKey
FindKey = Callable[[str | None], Awaitable[Key | None]]


class ExternalTokens:
    """Checks tokens; each time, and remembers none."""

    def __init__(self, settings: JwtSettings, jwks: Jwks | None = None) -> None:
        """Raise ``ConfigurationError`` for a key that checks nothing.

        ``jwks``, or one made for the settings' address, is the caller's to run and close.
        """
        if jwks is None and settings.jwks_url is not None:
            jwks = Jwks(settings.jwks_url)
        self.jwks = jwks
        self._settings = settings
        self._algorithm = "HS256" if settings.secret is not None else "RS256"
        self._find_key = jwks.find if jwks is not None else _always(_key_of(settings))

    async def check(self, token: str) -> Vouched:
        """Return whom the token speaks for, or raise ``InvalidToken``.

        ``IdentityProviderUnavailable`` when its key cannot be looked up.
        """
        header = _decoded(lambda: jwt.get_unverified_header(token))
        key = await self._find_key(header.get("kid"))
        if key is None:
            raise _refused("the service has no such key")
        claims = _decoded(lambda: self._verify(token, key))
        return Vouched(
            external_id=_external_id(claims),
            names=tuple(n for n in map(claims.get, _NAME_CLAIMS) if isinstance(n, str)),
            picture=picture if isinstance(picture := claims.get("picture"), str) else None,
            expires_at=_expires_at(claims),
            token_hash=hash_token(token),
        )

    def _verify(self, token: str, key: Key) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[self._algorithm],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["exp", "sub"]},
        )


def _decoded(decode: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what is decoded; strangers may send anything, and some of it trips the decoder."""
    try:
        return decode()
    except jwt.ExpiredSignatureError:
        raise InvalidToken("This token has expired; get a new one.") from None
    except jwt.InvalidTokenError as error:
        raise _refused(str(error)) from None
    except (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError):
        raise _refused("it cannot be read") from None


def _expires_at(claims: dict[str, Any]) -> float:
    """Return when the token ends; whole numbers and text may say what no clock ever shows."""
    try:
        expires_at = float(claims["exp"])
    except OverflowError:
        expires_at = math.inf
    if not math.isfinite(expires_at):
        raise _refused("its end cannot be used")
    return expires_at


def _external_id(claims: dict[str, Any]) -> str:
    """Return ``issuer|subject``; the bar cannot be part of the issuer, so it is unambiguous."""
    issuer, subject = claims.get("iss", ""), claims["sub"]
    if not isinstance(issuer, str) or "|" in issuer or not subject:
        raise _refused("its issuer or its subject cannot be used")
    external_id = f"{issuer}|{subject}"
    if len(external_id) > MAX_EXTERNAL_ID or not is_plain(external_id):
        raise _refused("its issuer or its subject cannot be used")
    return external_id


def _key_of(settings: JwtSettings) -> Key:
    if settings.secret is not None:
        return _shared_secret(settings.secret)
    try:
        key = jwt.get_algorithm_by_name("RS256").prepare_key(settings.public_key)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        reason = str(error).rstrip(".")
        raise ConfigurationError(f"JWT_PUBLIC_KEY: {reason}; {_EXAMPLE}") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise ConfigurationError(
            f"JWT_PUBLIC_KEY: not a public RSA key of {MIN_RSA_BITS} bits or more; {_EXAMPLE}"
        )
    return key


def _shared_secret(secret: str) -> bytes:
    try:
        key: bytes = jwt.get_algorithm_by_name("HS256").prepare_key(secret)
    except (jwt.PyJWTError, ValueError, TypeError):
        # Everybody may know a public key; the library uses none as a secret.
        raise ConfigurationError(
            "JWT_SECRET: this is a key in PEM or of SSH, not a secret; a public RSA key "
            "belongs into JWT_PUBLIC_KEY"
        ) from None
    return key


_EXAMPLE: Final = "for example what `openssl rsa -in key.pem -pubout` writes"


def _always(key: Key) -> FindKey:
    async def find(_key_id: str | None) -> Key:
        return key

    return find


def _refused(reason: str) -> InvalidToken:
    return InvalidToken(f"This token is not accepted: {reason.rstrip('.')}.")
