"""A program that uses the servers of a folder until Ctrl-C: ``user_program.py FOLDER [UID]``.

It prints one line of JSON when they answer. With UID, which takes root, it
first becomes that user; what it needs is loaded by then, for the interpreter
may lie where that user cannot read.
"""

import asyncio
import concurrent.futures.thread  # noqa: F401  asyncio would load it too late
import json
import os
import sys
from pathlib import Path

import asyncpg
import structlog

from gateway.core.errors import ConfigurationError
from gateway.embedded import embedded_servers


async def use(folder: Path) -> None:
    """Enter, tell, and stay until cancelled."""
    async with embedded_servers(folder) as servers:
        connection = await asyncpg.connect(servers.database_url)
        await connection.close()
        print(json.dumps(servers.pids), flush=True)  # noqa: T201  what the test waits for
        await asyncio.Event().wait()


def become(uid: int) -> None:
    """Give up root for good."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if len(sys.argv) > 2:
        become(int(sys.argv[2]))
    try:
        asyncio.run(use(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(130)
    except ConfigurationError as error:
        sys.exit(f"refused: {error}")
