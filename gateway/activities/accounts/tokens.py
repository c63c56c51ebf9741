"""Bearer tokens, for sign-in sessions and for invitation links.

A token is shown to its owner once and stored nowhere. What the tables and
Redis hold is its SHA-256: whoever reads them cannot sign in. A slow hash is
not needed, because 32 random bytes cannot be guessed, unlike a password.
"""

import hashlib
from base64 import urlsafe_b64encode
from typing import Final

TOKEN_BYTES: Final = 32
"""Random bytes in a token: 256 bits, as many as the hash that stands for it."""


def encode_token(random_bytes: bytes) -> str:
    """Return a token in the URL-safe alphabet (RFC 4648, section 5), without padding."""
    return urlsafe_b64encode(random_bytes).rstrip(b"=").decode()


def hash_token(token: str) -> str:
    """Return what is stored in a token's place: its SHA-256 in hexadecimal.

    Any text has one, also text that no gateway has ever given out.
    """
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
