"""Running a gateway: its port, its signals, and the order of start and end."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import cast

import structlog
import uvicorn
from typing_extensions import override

from gateway.app import CLOSE_SECONDS, Gateway
from gateway.config import Settings
from gateway.core.errors import ConfigurationError, ServiceDied
from gateway.servers import servers_of
from gateway.storage.database import DatabaseSettings, connection_budget, direct_connection
from gateway.storage.migrations import migrate_up

log = structlog.get_logger()

SEND_BUFFER_BYTES = 64 * 1024
"""The kernel's send buffer of a connection; Linux doubles it for its own bookkeeping.

Left to itself it grows to megabytes, and a slow reader hides behind it: the
gateway would believe it sent what nobody reads.
"""


class _Server(uvicorn.Server):
    """uvicorn, without its signal handlers: ours end the parts in the right order."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run an instance until SIGINT, SIGTERM, or the failure of one of its parts.

    ``announce`` gets the address once it answers. Raises ``ConfigurationError``,
    ``MigrationError`` or ``DatabaseUnavailable`` when the gateway cannot start,
    ``ServiceDied`` when a part of it failed.
    """
    stop = _stop_on_signals()
    listener = _listen(settings.host, settings.port)
    with contextlib.closing(listener):
        async with servers_of(settings) as servers:
            await _migrate(servers.database)
            async with Gateway.open(settings, servers.database, servers.redis) as gateway:
                if servers.embedded is not None:
                    keeping = servers.embedded.keep_running()
                    gateway.supervisor.service("embedded servers", keeping)
                await _serve_until(stop, gateway, listener, announce)


async def _serve_until(
    stop: asyncio.Event,
    gateway: Gateway,
    listener: socket.socket,
    announce: Callable[[str], None],
) -> None:
    server = _Server(_uvicorn_config(gateway))
    serving = gateway.supervisor.job("serve", server.serve(sockets=[listener]))
    serving.add_done_callback(lambda _: stop.set())
    host, port = listener.getsockname()[:2]
    announce(f"http://{'[' + host + ']' if ':' in host else host}:{port}")
    _calm_the_garbage_collector()
    gateway.supervisor.failure.add_done_callback(lambda _: stop.set())
    await stop.wait()
    gateway.endpoint.is_draining = True
    server.should_exit = True  # finishes the HTTP requests under way
    await serving
    if gateway.supervisor.failure.done():
        raise ServiceDied(f"The part {gateway.supervisor.failure.result()!r} died; see the log.")


async def _migrate(settings: DatabaseSettings) -> None:
    async with direct_connection(settings) as conn:
        await migrate_up(conn, report=lambda name: log.info("migration.applied", name=name))
        most, reserved = await connection_budget(conn)
    if settings.pool_max > most - reserved:
        log.warning(
            "database.pool_exceeds_server",
            pool_max=settings.pool_max,
            max_connections=most,
            advice="lower DATABASE_POOL_MAX: it counts for each instance",
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=4096)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigurationError(
            f"Cannot listen on {host}:{port}: {reason}. Choose another port with --port."
        ) from error
    # Every accepted socket inherits it.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return listener


def _uvicorn_config(gateway: Gateway) -> uvicorn.Config:
    return uvicorn.Config(
        gateway.api,
        loop="none",
        http="httptools",
        # uvicorn wants a class and only calls it; our endpoint makes the connection.
        ws=cast("type[asyncio.Protocol]", gateway.endpoint.connect),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(CLOSE_SECONDS),
    )


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _calm_the_garbage_collector() -> None:
    """Keep its pauses out of the latencies.

    What was made at the start lives as long as the process, so it need not be
    looked at again; and thousands of connections are no garbage, so a full
    collection every 700 objects would walk them for nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
