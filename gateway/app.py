"""One gateway: every part made, joined to the others, started and stopped.

The only place where two parts meet. Read ``Gateway.open`` from top to bottom
to see what the gateway consists of.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable

import structlog
from fastapi import FastAPI

from gateway.activities import catalogue, protocol
from gateway.activities.accounts.limits import AccountSettings
from gateway.activities.accounts.passwords import Passwords
from gateway.activities.accounts.service import Accounts
from gateway.activities.activity import Request
from gateway.activities.reading import requests as reading_requests
from gateway.activities.reading.service import Reading
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
from gateway.core.ids import InstanceId, RoomId
from gateway.core.protocol.base import Command
from gateway.core.protocol.decode import CommandDecoder
from gateway.core.publication import Kind, Publication
from gateway.runtime.batch import Rulebook
from gateway.runtime.canary import Canary
from gateway.runtime.catch_up import CatchUp
from gateway.runtime.dispatch import Dispatcher
from gateway.runtime.end_of_turn import EndOfTurn
from gateway.runtime.endpoint import Endpoint
from gateway.runtime.gathering import Gathering
from gateway.runtime.health import Health
from gateway.runtime.hub import Hub
from gateway.runtime.joining import Joining
from gateway.runtime.ledger import Ledger
from gateway.runtime.liveness import Liveness
from gateway.runtime.log_reader import LogReader
from gateway.runtime.loop_lag import LoopLag
from gateway.runtime.metric_kinds import Parts
from gateway.runtime.metrics import Told, read
from gateway.runtime.presence import Presence
from gateway.runtime.reconciler import Reconciler
from gateway.runtime.room import Room
from gateway.runtime.room_reader import RoomReader
from gateway.runtime.siblings import ALONE, Readings, Siblings
from gateway.runtime.supervision import Supervisor, every
from gateway.runtime.typing_notes import TypingNotes
from gateway.storage.database import Database, DatabaseSettings
from gateway.web.api import create_api
from gateway.web.origin import origin_allowed
from gateway.web.proxies import client_address
from gateway.web.services import Services, WebSettings

log = structlog.get_logger()

TICK_SECONDS = 0.1
"""How long comings, goings and typing are collected in a room that has just been told of some."""

MAX_SIGN_INS = 100
"""Tokens that are looked up at once when a crowd connects."""

HEAR_SECONDS = 2.0
"""How long a start waits for the backplane; without it the log is polled."""

CLOSE_SECONDS = 5.0
"""How long clients have to agree to the end of their connections."""


class Gateway:
    """One instance, running between ``open`` and the end of its block."""

    def __init__(
        self,
        api: FastAPI,
        endpoint: Endpoint,
        health: Health,
        supervisor: Supervisor,
        read_metrics: Callable[[], Readings],
        trusted_proxies: str,
    ) -> None:
        self.api = api
        self.endpoint = endpoint
        self.health = health
        self.supervisor = supervisor
        self.read_metrics = read_metrics
        self.trusted_proxies = trusted_proxies

    @classmethod
    @contextlib.asynccontextmanager
    async def open(  # noqa: PLR0915 - the whole gateway, to be read from top to bottom
        cls,
        settings: Settings,
        database_settings: DatabaseSettings,
        redis_settings: RedisSettings,
        siblings: Siblings = ALONE,
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
            end_of_turn = EndOfTurn()
            presence = Presence(instance_id, redis, redis_settings, publisher, rooms, end_of_turn)
            typing = TypingNotes(instance_id, redis, redis_settings, publisher, end_of_turn)
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
                end_of_turn,
            )

            def publish(room_id: RoomId, publication: Publication) -> None:
                """Tell the members here at once, and the other instances."""
                hub.receive(room_id, publication)
                publisher.publish(keys.room_channel(room_id), publication.encode())

            rulebook = Rulebook(catalogue.HANDLERS, catalogue.PLANS, catalogue.IN_ARCHIVE)
            ledger = Ledger(database, rulebook, publish)

            # People: accounts, connections, the HTTP API
            accounts = Accounts(
                database,
                SessionCache(redis, redis_settings),
                Throttle(redis, redis_settings),
                passwords,
                AccountSettings(arrivals_per_minute=settings.arrivals_per_minute),
            )
            sign_ins = Gathering("identify", accounts.identify_all, supervisor, MAX_SIGN_INS)
            web_settings = WebSettings(allowed_origins=frozenset(settings.allowed_origins))
            endpoint = Endpoint(
                instance_id,
                settings.connections(),
                CommandDecoder(protocol.COMMANDS),
                supervisor,
                lambda origin, host: origin_allowed(origin, host, web_settings.allowed_origins),
                client_address(settings.forwarded_allow_ips),
                sign_ins.ask,
            )
            catch_up = CatchUp(log_reader, supervisor)
            joining = Joining(
                RoomReader(database, supervisor),
                hub,
                presence,
                typing,
                catch_up,
                ledger.submit,
                endpoint.settings.max_rooms,
            )
            reading = Reading(database)
            requests: dict[type[Command], Request] = {**reading_requests.requests(reading)}
            endpoint.dispatcher = Dispatcher(endpoint, ledger, joining, typing, catch_up, requests)
            health = Health(database, canary, endpoint, siblings)
            loop_lag = LoopLag()
            parts = Parts(
                endpoint,
                rooms,
                hub,
                ledger,
                database,
                canary,
                publisher,
                liveness,
                reconciler,
                catch_up,
                loop_lag,
                supervisor,
                siblings,
            )

            async def tell_metrics() -> Told:
                return Told(await siblings.read_all() if siblings.read_all else read(parts))

            api = create_api(
                Services(
                    accounts,
                    Rooms(database, ledger.submit),
                    reading,
                    health.report,
                    web_settings,
                    tell_metrics,
                )
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
            supervisor.service("loop lag", loop_lag.run())
            stack.push_async_callback(liveness.stop)
            stack.callback(presence.leave_all)
            stack.push_async_callback(ledger.close)
            stack.push_async_callback(endpoint.close_all, CLOSE_SECONDS)
            await canary.first_echo(within_seconds=HEAR_SECONDS)
            proxies = settings.forwarded_allow_ips
            yield cls(api, endpoint, health, supervisor, lambda: read(parts), proxies)
            log.info("gateway.stopping", connections=len(endpoint.connections))
