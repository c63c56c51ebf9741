"""Databases that live as long as a test, or as many tests, on a server that others use too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from gateway.storage.database import DatabaseSettings, direct_connection
from gateway.storage.migrations import migrate_up


@asynccontextmanager
async def temporary_database(server_url: str, template: str = "template1") -> AsyncIterator[str]:
    """Create a database and return its URL; it is dropped in the end."""
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(server_url)
    try:
        await admin.execute(f"create database {name} template {template}")
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
        await admin.execute(f"drop database {name} with (force)")
    finally:
        await admin.close()


@asynccontextmanager
async def migrated_database(server_url: str) -> AsyncIterator[str]:
    """Create a database with the whole schema and return its URL."""
    async with temporary_database(server_url) as url:
        async with direct_connection(DatabaseSettings(url)) as conn:
            await migrate_up(conn)
        yield url
