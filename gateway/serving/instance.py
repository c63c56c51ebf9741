"""One instance in this process, from its port to its end."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from typing import cast

import uvicorn
from typing_extensions import override

from gateway.app import Gateway
from gateway.config import Settings
from gateway.core.errors import ServiceDied
from gateway.runtime.drain import CLOSE_SECONDS
from gateway.servers import servers_of
from gateway.serving.accepting import Door
from gateway.serving.listening import BACKLOG, listen, url_of
from gateway.serving.preparing import prepare_database
from gateway.serving.signals import stop_on_signals


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
    stop = stop_on_signals()
    listener = listen(settings.host, settings.port)
    with contextlib.closing(listener):
        async with servers_of(settings) as servers:
            database = await prepare_database(servers.database)
            async with Gateway.open(settings, database, servers.redis) as gateway:
                if servers.embedded is not None:
                    keeping = servers.embedded.keep_running()
                    gateway.supervisor.service("embedded servers", keeping)
                address = listener.getsockname()[:2]
                await serve_until(stop, gateway, listener, lambda: announce(url_of(address)))


async def serve_until(
    stop: asyncio.Event,
    gateway: Gateway,
    listener: socket.socket,
    announce: Callable[[], None],
) -> None:
    """Take connections until ``stop``; on SIGUSR1 take no more, and keep those there are.

    Raises ``ServiceDied`` when a part of the gateway failed.
    """
    config = _uvicorn_config(gateway)
    config.load()
    server = _Server(config)

    def make_protocol() -> asyncio.Protocol:
        """Make the protocol of a new connection, as uvicorn would."""
        make = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)
        return make(config=config, server_state=server.server_state, app_state={})

    def is_crowded() -> bool:
        """Whether newcomers would burden those inside; to be turned away costs nothing."""
        return gateway.endpoint.admission.is_crowded and not gateway.endpoint.is_draining

    door = Door(make_protocol, is_crowded)
    acceptor = await asyncio.get_running_loop().create_server(
        door.newcomer, sock=listener, backlog=BACKLOG
    )

    def take_no_more() -> None:
        gateway.endpoint.drain()
        acceptor.close()

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, take_no_more)
    serving = gateway.supervisor.job("serve", server.serve(sockets=[]))
    serving.add_done_callback(lambda _: stop.set())
    announce()
    _calm_the_garbage_collector()
    gateway.supervisor.failure.add_done_callback(lambda _: stop.set())
    await stop.wait()
    take_no_more()
    server.should_exit = True  # finishes the HTTP requests under way
    await serving
    if gateway.supervisor.failure.done():
        raise ServiceDied(f"The part {gateway.supervisor.failure.result()!r} died; see the log.")


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
        forwarded_allow_ips=gateway.trusted_proxies,
        timeout_graceful_shutdown=int(CLOSE_SECONDS),
    )


def _calm_the_garbage_collector() -> None:
    """Keep its pauses out of the latencies.

    What was made at the start lives as long as the process, so it need not be
    looked at again; and thousands of connections are no garbage, so a full
    collection every 700 objects would walk them for nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
