"""``gateway types``."""

import asyncio
from pathlib import Path

from gateway.cli.options import DataDir


def types(data_dir: DataDir = None) -> None:
    """Generate the typed queries from the live schema, and what the models say, for people.

    For those who work on the gateway itself: it writes into the checkout.
    """
    from gateway import docs_generator
    from gateway.telemetry import configure_logging

    configure_logging("warning", as_json=False)
    changed = asyncio.run(_queries(data_dir)) + docs_generator.write(Path.cwd())
    print("\n".join(f"wrote {name}" for name in changed) or "everything is current")


async def _queries(data_dir: Path | None) -> list[str]:
    from gateway.config import load_settings
    from gateway.servers import servers_of
    from gateway.storage.codegen import generate
    from gateway.storage.database import direct_connection
    from gateway.storage.migrations import migrate_up

    settings = load_settings(data_dir=data_dir)
    async with servers_of(settings) as servers, direct_connection(servers.database) as conn:
        await migrate_up(conn)
        return await generate(conn, write=True)
