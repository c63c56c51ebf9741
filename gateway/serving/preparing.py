"""What is done once before anything serves: the schema, and a look at PostgreSQL's limit."""

from dataclasses import replace

import structlog

from gateway.core.errors import ConfigurationError
from gateway.storage.database import DatabaseSettings, connection_budget, direct_connection
from gateway.storage.migrations import migrate_up

log = structlog.get_logger()


async def prepare_database(settings: DatabaseSettings, *, workers: int = 1) -> DatabaseSettings:
    """Run the pending migrations, and return the settings of each worker.

    Its pool is lowered where those of all workers would be more than
    PostgreSQL takes; a pool of one's own that is too large is only warned of.
    Raises ``MigrationError`` or ``DatabaseUnavailable``, and
    ``ConfigurationError`` where there is not one connection for each worker.
    """
    async with direct_connection(settings) as conn:
        await migrate_up(conn, report=lambda name: log.info("migration.applied", name=name))
        most, reserved = await connection_budget(conn)
    if settings.pool_max * workers <= most - reserved:
        return settings
    log.warning(
        "database.pool_exceeds_server",
        pool_max=settings.pool_max,
        workers=workers,
        max_connections=most,
        advice="lower DATABASE_POOL_MAX: it counts for each instance",
    )
    if workers == 1:
        return settings
    share = (most - reserved) // workers
    if share < 1:
        raise ConfigurationError(
            f"WORKERS: {workers} workers do not fit the {most} connections that PostgreSQL takes "
            f"(max_connections), of which {reserved} are reserved; for example WORKERS=2"
        )
    return replace(settings, pool_min=min(settings.pool_min, share), pool_max=share)
