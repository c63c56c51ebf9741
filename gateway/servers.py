"""PostgreSQL and Redis for whatever needs them: those of the settings, or embedded ones."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.backplane.settings import RedisSettings
from gateway.config import Settings
from gateway.embedded import EmbeddedServers, embedded_servers
from gateway.storage.database import DatabaseSettings


@dataclass(frozen=True, slots=True)
class Servers:
    """Where PostgreSQL and Redis are; ``embedded`` when at least one of them is ours."""

    database: DatabaseSettings
    redis: RedisSettings
    embedded: EmbeddedServers | None = None


@contextlib.asynccontextmanager
async def servers_of(settings: Settings) -> AsyncIterator[Servers]:
    """Return where PostgreSQL and Redis are, starting the ones that no setting names."""
    database, redis = settings.database(), settings.redis()
    if database is not None and redis is not None:
        yield Servers(database, redis)
        return
    async with embedded_servers(
        settings.data_dir, postgres=database is None, redis=redis is None
    ) as servers:
        yield Servers(
            database or settings.database_at(servers.database_url),
            redis or settings.redis_at(servers.redis_url),
            servers,
        )
