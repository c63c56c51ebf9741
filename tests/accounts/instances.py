"""What one gateway process has of accounts, and somebody new to use it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from redis.asyncio import Redis
from typing_extensions import override

from gateway.activities.accounts.limits import AccountSettings
from gateway.activities.accounts.passwords import Passwords
from gateway.activities.accounts.service import Accounts, Check
from gateway.activities.accounts.sessions import SignedIn
from gateway.backplane.client import open_client
from gateway.backplane.sessions import SessionCache
from gateway.backplane.settings import RedisSettings
from gateway.backplane.throttle import Throttle
from gateway.core.ids import SessionId
from gateway.storage.database import Database, DatabaseSettings
from tests.support.waiting import soon


@dataclass(frozen=True)
class Instance:
    """The service, and what lies below it."""

    accounts: Accounts
    database: Database
    redis: Redis
    cache: SessionCache
    ended: list[SessionId] = field(default_factory=list)
    """The sessions whose connections it has closed."""


class StartInstance(Protocol):
    """Starts an instance on the shared servers, or on others."""

    async def __call__(
        self,
        *,
        redis_url: str | None = None,
        settings: AccountSettings | None = None,
        check_external: Check | None = None,
        passwords: Passwords | None = None,
    ) -> Instance:
        """Return it, running until the test ends."""


class HeldPasswords(Passwords):
    """Takes as long to check a password as a test wants."""

    def __init__(self) -> None:
        super().__init__(rounds=4)
        self.checked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def meanwhile(self, work: Awaitable[object], other: Awaitable[object]) -> None:
        """Do the other thing once ``work`` has checked a password; raise what became of it."""

        async def let_go() -> None:
            await self.checked.wait()
            await other
            self.go_on.set()

        result, _ = await soon(asyncio.gather(work, let_go(), return_exceptions=True))
        if isinstance(result, BaseException):
            raise result

    @override
    async def verify(self, password: str, password_hash: str | None) -> bool:
        matches = await super().verify(password, password_hash)
        self.checked.set()
        await self.go_on.wait()
        return matches


@dataclass(frozen=True)
class NewPerson:
    """Somebody nobody knows yet, at an address nobody has used."""

    email: str
    username: str
    address: str
    password: str = "correct horse battery staple"

    async def register(self, accounts: Accounts) -> SignedIn:
        """Make an account."""
        return await accounts.register(
            self.email, self.username, self.password, address=self.address
        )

    async def sign_in(self, accounts: Accounts, password: str | None = None) -> SignedIn:
        """Sign in, with the right password or another."""
        return await accounts.sign_in(self.email, password or self.password, address=self.address)


@asynccontextmanager
async def running_instance(
    database_url: str,
    redis_url: str,
    settings: AccountSettings,
    check_external: Check | None = None,
    passwords: Passwords | None = None,
) -> AsyncIterator[Instance]:
    """Give an instance its pool, its Redis client and its threads, and take them away again."""
    redis_settings = RedisSettings(url=redis_url, command_seconds=0.5, command_retries=0)
    database = await Database.open(DatabaseSettings(database_url))
    redis = open_client(redis_settings)
    passwords = passwords or Passwords(rounds=4)
    cache = SessionCache(redis, redis_settings)
    throttle = Throttle(redis, redis_settings)
    ended: list[SessionId] = []
    accounts = Accounts(
        database, cache, throttle, passwords, settings, ended.extend, check_external
    )
    yield Instance(accounts, database, redis, cache, ended)
    passwords.close()
    await redis.aclose()
    await database.close()
