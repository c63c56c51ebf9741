"""Databases that live as long as a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg


@asynccontextmanager
async def temporary_database(server_url: str, template: str = "template1") -> AsyncIterator[str]:
    """Create a database on the server, and drop it in the end."""
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(server_url)
    try:
        await admin.execute(f"create database {name} template {template}")
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
        await admin.execute(f"drop database {name} with (force)")
    finally:
        await admin.close()
