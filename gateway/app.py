"""One gateway: every part made, joined to the others, started and stopped.

The only place where two parts meet. Read ``Gateway.open`` from top to bottom
to see what the gateway consists of.
"""

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import cast

import structlog
import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from gateway.activities import catalogue, protocol
from gateway.activities.accounts.limits import AccountSettings
from gateway.activities.accounts.passwords import Passwords
from gateway.activities.accounts.service import Accounts
from gateway.activities.rooms.service import Rooms
from gateway.backplane import keys
from gateway.backplane.client import open_client
from gateway.backplane.leases import Leases
from gateway.backplane.publisher import Publisher
from gateway.backplane.sessions import SessionCache
from gateway.backplane.settings import RedisSettings
from gateway.backplane.subscriber import Subscriber
from gateway.backplane.throttle import Throttle
from gateway.config import Settings
from gateway.core.errors import ConfigurationError
from gateway.core.ids import InstanceId, RoomId
from gateway.core.protocol.decode import CommandDecoder
from gateway.core.publication import Kind, Publication
from gateway.embedded import EmbeddedServers, embedded_servers
from gateway.runtime.batch import Rulebook
from gateway.runtime.canary import Canary
from gateway.runtime.catch_up import CatchUp
from gateway.runtime.dispatch import Dispatcher
from gateway.runtime.endpoint import Endpoint
from gateway.runtime.health import Health
from gateway.runtime.hub import Hub
from gateway.runtime.joining import Joining
from gateway.runtime.ledger import Ledger
from gateway.runtime.liveness import Liveness
from gateway.runtime.log_reader import LogReader
from gateway.runtime.presence import Presence
from gateway.runtime.reconciler import Reconciler
from gateway.runtime.room import Room
from gateway.runtime.supervision import Supervisor, every
from gateway.runtime.typing_notes import TypingNotes
from gateway.storage.database import (
    Database,
    DatabaseSettings,
    connection_budget,
    direct_connection,
)
from gateway.storage.migrations import migrate_up
from gateway.web.api import create_api
from gateway.web.origin import origin_allowed
from gateway.web.services import Services, WebSettings

log = structlog.get_logger()


TICK_SECONDS = 0.1
"""How long comings, goings and typing are collected before the members are told."""

SEND_BUFFER_BYTES = 64 * 1024
"""The kernel's send buffer of a connection; Linux doubles it for its own bookkeeping.

Left to itself it grows to megabytes, and a slow reader hides behind it: the
gateway would believe it sent what nobody reads.
"""


class ServiceDied(Exception):
    """A part of the gateway ended by itself; the process must be restarted."""


CLOSE_SECONDS = 5.0
"""How long clients have to agree to the end of their connections."""


class Gateway:
    """One instance, running between ``open`` and the end of its block."""

    def __init__(
        self, api: FastAPI, endpoint: Endpoint, health: Health, supervisor: Supervisor
    ) -> None:
        self.api = api
        self.endpoint = endpoint
        self.health = health
        self.supervisor = supervisor

    @classmethod
    @contextlib.asynccontextmanager
    async def open(  # noqa: PLR0915 - the whole gateway, to be read from top to bottom
        cls, settings: Settings, database_settings: DatabaseSettings, redis_settings: RedisSettings
    ) -> AsyncIterator["Gateway"]:
        """Start every part, and stop them in the opposite order."""
        instance_id = InstanceId(secrets.token_hex(6))
        structlog.contextvars.bind_contextvars(instance=instance_id)
        async with contextlib.AsyncExitStack() as stack:
            supervisor = Supervisor()
            database = await Database.open(database_settings)
            stack.push_async_callback(database.close)
            redis = open_client(redis_settings)
            stack.push_async_callback(redis.aclose)
            passwords = Passwords(rounds=settings.bcrypt_rounds)
            stack.callback(passwords.close)

            # The backplane, and what is shared through it
            rooms: dict[RoomId, Room] = {}

            def redis_is_back() -> None:
                presence.announce_all()
                canary.call_soon()

            def hearing_changed() -> None:
                reconciler.compare_soon()

            publisher = Publisher(redis_settings, on_up=redis_is_back)
            subscriber = Subscriber(redis_settings)
            canary = Canary(instance_id, publisher, subscriber, on_change=hearing_changed)
            presence = Presence(instance_id, redis, redis_settings, publisher, rooms)
            typing = TypingNotes(instance_id, redis, redis_settings, publisher)
            liveness = Liveness(Leases(redis, redis_settings, instance_id), presence)

            # Rooms, and the way of a durable command into them
            log_reader = LogReader(database)
            reconciler = Reconciler(
                database, log_reader, rooms, supervisor, hears=lambda: canary.hears
            )
            hub = Hub(
                database,
                subscriber,
                reconciler,
                supervisor,
                {Kind.PRESENCE: presence, Kind.TYPING: typing},
                rooms,
                on_missed=presence.missed,
            )

            def publish(room_id: RoomId, publication: Publication) -> None:
                """Tell the members here at once, and the other instances."""
                hub.receive(room_id, publication)
                publisher.publish(keys.room_channel(room_id), publication.encode())

            rulebook = Rulebook(catalogue.HANDLERS, catalogue.PLANNERS)
            ledger = Ledger(database, rulebook, publish)

            # People: accounts, connections, the HTTP API
            accounts = Accounts(
                database,
                SessionCache(redis, redis_settings),
                Throttle(redis, redis_settings),
                passwords,
                AccountSettings(arrivals_per_minute=settings.arrivals_per_minute),
            )
            web_settings = WebSettings(allowed_origins=frozenset(settings.allowed_origins))
            endpoint = Endpoint(
                instance_id,
                settings.connections(),
                CommandDecoder(protocol.COMMANDS),
                supervisor,
                lambda origin, host: origin_allowed(origin, host, web_settings.allowed_origins),
                accounts.identify,
            )
            catch_up = CatchUp(log_reader, supervisor)
            joining = Joining(
                database,
                hub,
                presence,
                typing,
                catch_up,
                ledger.submit,
                endpoint.settings.max_rooms,
            )
            endpoint.dispatcher = Dispatcher(endpoint, ledger, joining, typing, catch_up)
            health = Health(database, canary, endpoint)
            api = create_api(
                Services(accounts, Rooms(database, ledger.submit), health.report, web_settings)
            )

            stack.push_async_callback(supervisor.stop)
            supervisor.service("publisher", publisher.run())
            supervisor.service("subscriber", subscriber.run())
            supervisor.service("canary", canary.run())
            supervisor.service("reconciler", reconciler.run())
            supervisor.service("ledger", ledger.run())
            supervisor.service("ticks", every(TICK_SECONDS, presence.tick, typing.tick))
            supervisor.service("liveness", liveness.run())
            supervisor.service("endpoint", endpoint.run())
            stack.push_async_callback(liveness.stop)
            stack.callback(presence.leave_all)
            stack.push_async_callback(ledger.close)
            stack.push_async_callback(endpoint.close_all, CLOSE_SECONDS)
            yield cls(api, endpoint, health, supervisor)
            log.info("gateway.stopping", connections=len(endpoint.connections))


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
