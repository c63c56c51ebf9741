"""Password hashes: bcrypt, in threads, with a bound."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import bcrypt

from gateway.core.errors import Overloaded

MIN_ROUNDS: Final = 12
"""The least work factor a production gateway may use: 2^12 rounds, a quarter of a second."""

_NO_SALT_NO_HASH: Final = "." * 53
# Salt (22 characters) and hash (31) of nobody's password, in bcrypt's alphabet.

_T = TypeVar("_T")


class Passwords:
    """Hashes and checks passwords, ``threads`` at a time, never on the event loop.

    bcrypt lets go of the interpreter lock, so the loop goes on meanwhile; its
    threads take whole cores, so there are few of them. At most ``max_waiting``
    further callers wait, about 4 s at the default work factor; beyond that
    ``Overloaded`` is the honest answer.
    """

    def __init__(
        self, *, rounds: int = MIN_ROUNDS, threads: int = 2, max_waiting: int = 32
    ) -> None:
        self._rounds = rounds
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt")
        self._max_pending = threads + max_waiting
        self._pending = 0
        self._nobodys_hash = f"$2b${rounds:02d}${_NO_SALT_NO_HASH}"

    async def hash(self, password: str) -> str:
        """Return what is stored in the password's place."""
        return await self._in_thread(partial(_hash, password, self._rounds))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the one; ``None`` is nobody's hash, and takes as long to refuse.

        So the time of an answer does not tell whether an account exists.
        """
        matches = await self._in_thread(
            partial(_matches, password, password_hash or self._nobodys_hash)
        )
        return matches and password_hash is not None

    def close(self) -> None:
        """Start nothing more. What runs ends by itself within a second."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        if self._pending >= self._max_pending:
            raise Overloaded("Too many people are signing in at once; try again in a moment.")
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._pending -= 1


def _hash(password: str, rounds: int) -> str:
    return bcrypt.hashpw(_whole(password), bcrypt.gensalt(rounds)).decode()


def _matches(password: str, password_hash: str) -> bool:
    return bcrypt.checkpw(_whole(password), password_hash.encode())


def _whole(password: str) -> bytes:
    """Return 44 bytes that depend on every character of the password.

    bcrypt reads 72 bytes and no further (its library refuses more), and stops
    at a zero byte. SHA-256 takes the whole of a long passphrase, and base64
    has no zero byte.
    """
    return b64encode(hashlib.sha256(password.encode()).digest())
