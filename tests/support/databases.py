"""Databases for tests, on a server that others use too and that goes when they all end."""

from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from gateway.storage.database import DatabaseSettings, direct_connection
from gateway.storage.migrations import migrate_up


async def new_database(server_url: str) -> str:
    """Create a database and return its URL. It goes with its server."""
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(server_url)
    try:
        await admin.execute(f"create database {name}")
    finally:
        await admin.close()
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


async def migrated_database(server_url: str) -> str:
    """Create a database with the whole schema and return its URL."""
    url = await new_database(server_url)
    async with direct_connection(DatabaseSettings(url)) as conn:
        await migrate_up(conn)
    return url
