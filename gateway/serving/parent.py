"""A parent and its workers: the servers started once, one port, each worker an instance.

A worker that dies is replaced. On SIGTERM and SIGINT they end one after
another; on SIGHUP they are restarted one after another.
"""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Callable

from gateway.config import Settings
from gateway.core.errors import ServiceDied
from gateway.runtime.supervision import Supervisor
from gateway.servers import Servers, servers_of
from gateway.serving.asking import answering
from gateway.serving.crew import Crew
from gateway.serving.figures import Figures
from gateway.serving.listening import hold_port, url_of
from gateway.serving.preparing import prepare_database
from gateway.serving.signals import stop_on_signals
from gateway.storage.database import DatabaseSettings


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run ``settings.workers`` workers until SIGINT, SIGTERM, or until none can start.

    ``announce`` gets the address once they answer. Raises
    ``ConfigurationError``, ``MigrationError`` or ``DatabaseUnavailable`` when
    the gateway cannot start, ``ServiceDied`` with the reason when no worker can.
    """
    stop = stop_on_signals()
    with hold_port(settings.host, settings.port) as address:
        async with servers_of(settings) as servers:
            database = await prepare_database(servers.database, workers=settings.workers)
            environment = _environment(settings, servers, database, address)
            family = f"parley-{secrets.token_hex(8)}"
            crew = Crew(family, settings.workers, environment)
            supervisor = Supervisor()
            if servers.embedded is not None:
                supervisor.service("embedded servers", servers.embedded.keep_running())
            for end in (supervisor.failure, crew.failure, crew.refusal):
                end.add_done_callback(lambda _: stop.set())
            _restart_on_hang_up(crew, supervisor, stop)
            try:
                async with answering(family, Figures(crew.names).answer, supervisor):
                    crew.start()
                    announcing = supervisor.job("announce", _announce(crew, address, announce))
                    await stop.wait()
                    announcing.cancel()
                    await crew.stop()
            finally:
                await supervisor.stop()
    if crew.refusal.done():
        raise ServiceDied(f"No worker can start: {crew.refusal.result()}")
    for end in (supervisor.failure, crew.failure):
        if end.done():
            raise ServiceDied(f"The part {end.result()!r} died; see the log.")


async def _announce(crew: Crew, address: tuple[str, int], announce: Callable[[str], None]) -> None:
    await crew.settled()
    if crew.names():
        announce(url_of(address))


def _restart_on_hang_up(crew: Crew, supervisor: Supervisor, stop: asyncio.Event) -> None:
    """Have SIGHUP restart the workers; where there is a terminal, it means that this has gone."""

    def restart() -> None:
        supervisor.job("restart workers", crew.restart())

    has_terminal = sys.stdin is not None and sys.stdin.isatty()
    handler = stop.set if has_terminal else restart
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, handler)


def _environment(
    settings: Settings, servers: Servers, database: DatabaseSettings, address: tuple[str, int]
) -> dict[str, str]:
    """Return the variables of a worker: ours, and what was decided for all of them."""
    host, port = address
    decided = {
        "HOST": host,
        "PORT": str(port),
        "WORKERS": str(settings.workers),
        "DATABASE_POOL_MIN": str(database.pool_min),
        "DATABASE_POOL_MAX": str(database.pool_max),
    }
    # Those of embedded servers hold no secret.
    if settings.database() is None:
        decided["DATABASE_URL"] = servers.database.url
    if settings.redis() is None:
        decided["REDIS_URL"] = servers.redis.url
    return os.environ | decided
