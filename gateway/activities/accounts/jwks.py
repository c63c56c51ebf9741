"""The public keys that another service tells at an address (RFC 7517), kept up to date."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateway.core.errors import IdentityProviderUnavailable

log = structlog.get_logger()

REFRESH_SECONDS: Final = 600.0
"""How often the keys are fetched: a key that the service withdraws is believed no longer."""

REST_SECONDS: Final = 30.0
"""Least time between two fetches, whatever for: strangers who make up key ids cause no more."""

FETCH_SECONDS: Final = 5.0
"""How long a fetch may take."""

MAX_BYTES: Final = 256 * 1024
"""The largest answer that is read; a key is about half a kilobyte."""

MIN_RSA_BITS: Final = 2048
"""Smaller keys are not used (RFC 7518, section 3.3)."""


class Jwks:
    """The keys of one address, by their ids.

    A known key is answered at once, also while the service is away. An unknown
    one is worth a fetch, unless there was one in the last half minute.
    """

    def __init__(self, url: str, rest_seconds: float = REST_SECONDS) -> None:
        self._url = url
        self._public_url = _without_secrets(url)
        self._rest_seconds = rest_seconds
        self._client = httpx.AsyncClient(timeout=FETCH_SECONDS)
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._fetching = asyncio.Lock()
        self._fetched_at = -rest_seconds
        self._is_current = False
        self.fetches = 0
        """How often the address was asked."""

    async def run(self) -> None:
        """Fetch from time to time: until cancelled."""
        while True:
            await self._refresh()
            await asyncio.sleep(REFRESH_SECONDS if self._is_current else self._rest_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def find(self, key_id: str | None) -> RSAPublicKey | None:
        """Return a key; for a token that names none, the only one there is.

        ``None`` when the service has no such key, ``IdentityProviderUnavailable``
        when it does not say.
        """
        key = self._look_up(key_id)
        if key is None:
            await self._refresh()
            key = self._look_up(key_id)
        if key is None and not self._is_current:
            raise IdentityProviderUnavailable("The keys for this token cannot be fetched now.")
        return key

    def _look_up(self, key_id: str | None) -> RSAPublicKey | None:
        if key_id is not None:
            return self._keys.get(key_id)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    async def _refresh(self) -> None:
        """Fetch the keys, unless that was tried a moment ago; what fails keeps the old ones."""
        async with self._fetching:  # who waited here finds what was fetched meanwhile
            if time.monotonic() < self._fetched_at + self._rest_seconds:
                return
            self.fetches += 1
            fetched_at, self._fetched_at = self._fetched_at, time.monotonic()
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    self._keys = await self._fetch()
                self._is_current = True
            except asyncio.CancelledError:
                self._fetched_at = fetched_at  # nobody knows what it would have brought
                raise
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
                self._is_current = False
                log.warning("jwks.not_fetched", url=self._public_url, error=_reason(error))

    async def _fetch(self) -> Mapping[str, RSAPublicKey]:
        body = bytearray()
        async with self._client.stream("GET", self._url) as answer:
            answer.raise_for_status()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    raise ValueError(f"more than {MAX_BYTES} bytes")
        return _rsa_keys(orjson.loads(body))


def _without_secrets(url: str) -> str:
    """Return an address as a log may have it: without a password and without its query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):  # its text has the whole address
        return f"status {error.response.status_code}"
    return repr(error)


def _rsa_keys(document: Any) -> dict[str, RSAPublicKey]:  # noqa: ANN401 - as below
    """Return the keys of a JWK set by their ids, or raise ``ValueError``."""
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("no JWK set")  # noqa: TRY004 - like all else that is wrong with it
    found = ((entry, _rsa_key(entry)) for entry in document["keys"])
    keys = {str(entry.get("kid", "")): key for entry, key in found if key is not None}
    if not keys:
        raise ValueError("no RSA key for signatures in it")
    return keys


def _rsa_key(entry: Any) -> RSAPublicKey | None:  # noqa: ANN401 - whatever the service sends
    """Return a key that checks RS256; those of other kinds and uses stand in the same set."""
    if not isinstance(entry, dict) or entry.get("kty") != "RSA":
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return None
    try:
        key = jwt.PyJWK(entry, algorithm="RS256").key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    is_usable = isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS
    return key if is_usable else None
