"""Another service: it signs tokens, and tells its keys at an address."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import jwt
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

SECRET: Final = "a secret of thirty-two bytes, at least"
ISSUER: Final = "https://login.example.com"
AUDIENCE: Final = "parley"


def claims(**changes: object) -> dict[str, Any]:
    """Return the claims of a good token for Ada; a change to ``None`` leaves one out."""
    good = {
        "iss": ISSUER,
        "sub": "ada",
        "aud": AUDIENCE,
        "exp": int(time.time()) + 300,
        "name": "Ada",
        **changes,
    }
    return {name: value for name, value in good.items() if value is not None}


class SigningKey:
    """An RSA key with its id."""

    def __init__(self, key_id: str, bits: int = 2048) -> None:
        self.key_id = key_id
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=bits)

    @property
    def pem(self) -> str:
        """The public half."""
        return (
            self.private.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half, as an entry of a set."""
        entry = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**entry, "kid": self.key_id, "use": "sig", "alg": "RS256"}

    def sign(self, **changes: object) -> str:
        """Return a token for Ada."""
        return jwt.encode(claims(**changes), self.private, "RS256", headers={"kid": self.key_id})


def sign(**changes: object) -> str:
    """Return a token for Ada, signed with the shared secret."""
    return jwt.encode(claims(**changes), SECRET, "HS256")


class KeyServer:
    """Tells keys over HTTP; ``entries``, ``status`` and ``may_answer`` may change at any time."""

    def __init__(self) -> None:
        self.url = ""
        self.entries: list[dict[str, Any]] = []
        self.status = "200 OK"
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await self.may_answer.wait()
        body = orjson.dumps({"keys": self.entries})
        writer.write(
            b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (self.status.encode(), len(body), body)
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def key_server(*keys: SigningKey) -> AsyncIterator[KeyServer]:
    """Tell these keys for the block."""
    told = KeyServer()
    told.entries = [key.jwk for key in keys]
    server = await asyncio.start_server(told.answer, "127.0.0.1", 0)
    told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
    async with server:
        yield told
