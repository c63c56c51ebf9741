"""What one gateway process has of accounts, and somebody new to use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from redis.asyncio import Redis

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
    ) -> Instance:
        """Return it, running until the test ends."""


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
) -> AsyncIterator[Instance]:
    """Give an instance its pool, its Redis client and its threads, and take them away again."""
    redis_settings = RedisSettings(url=redis_url, command_seconds=0.5, command_retries=0)
    database = await Database.open(DatabaseSettings(database_url))
    redis = open_client(redis_settings)
    passwords = Passwords(rounds=4)
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
