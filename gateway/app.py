"""One gateway: every part made, joined to the others, started and stopped.

The only place where two parts meet. Read ``Gateway.open`` from top to bottom
to see what the gateway consists of.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI

from gateway.activities import catalogue, protocol
from gateway.activities.accounts import requests as account_requests
from gateway.activities.accounts.external import JwtSettings
from gateway.activities.accounts.limits import AccountSettings
from gateway.activities.accounts.passwords import Passwords
from gateway.activities.accounts.service import Accounts
from gateway.activities.people.requests import requests as people_requests
from gateway.activities.people.service import People
from gateway.activities.reading.requests import requests as reading_requests
from gateway.activities.reading.service import Reading
from gateway.activities.rooms.inviting import Invitations
from gateway.activities.rooms.requests import requests as room_requests
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
from gateway.core.identity import Identity
from gateway.core.ids import InstanceId, RoomId, SessionId
from gateway.core.protocol.decode import CommandDecoder
from gateway.core.publication import Kind, Publication
from gateway.runtime.batch import Rulebook
from gateway.runtime.canary import Canary
from gateway.runtime.catch_up import CatchUp
from gateway.runtime.dispatch import Dispatcher, Requests
from gateway.runtime.drain import Drain
from gateway.runtime.end_of_turn import EndOfTurn
from gateway.runtime.endpoint import Endpoint
from gateway.runtime.gathering import Gathering
from gateway.runtime.health import Health
from gateway.runtime.hub import Hub
from gateway.runtime.inboxes import Inboxes
from gateway.runtime.joining import Joining
from gateway.runtime.ledger import Ledger
from gateway.runtime.liveness import Liveness
from gateway.runtime.log_reader import LogReader
from gateway.runtime.loop_lag import LoopLag
from gateway.runtime.metric_kinds import Parts
from gateway.runtime.metrics import Told, read
from gateway.runtime.presence import Presence
from gateway.runtime.reconciler import Reconciler
from gateway.runtime.retention import Retention
from gateway.runtime.room import Room
from gateway.runtime.room_reader import RoomReader
from gateway.runtime.session_watch import SessionWatch
from gateway.runtime.siblings import ALONE, Readings, Siblings
from gateway.runtime.supervision import Supervisor, every
from gateway.runtime.typing_notes import TypingNotes
from gateway.runtime.whereabouts import Whereabouts
from gateway.storage.database import Database, DatabaseSettings
from gateway.web.api import create_api
from gateway.web.origin import origin_allowed
from gateway.web.proxies import client_address
from gateway.web.services import Services, WebSettings

if TYPE_CHECKING:
    from gateway.activities.accounts.external_tokens import ExternalTokens

log = structlog.get_logger()

TICK_SECONDS = 0.1
"""How long comings, goings and typing are collected in a room that has just been told of some."""

MAX_SIGN_INS = 100
"""Tokens that are looked up at once when a crowd connects."""

HEAR_SECONDS = 2.0
"""How long a start waits for the backplane; without it the log is polled."""


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
                inboxes.look_at_all()

            publisher = Publisher(redis_settings, on_up=redis_is_back)
            subscriber = Subscriber(redis_settings)
            canary = Canary(instance_id, publisher, subscriber, on_change=hearing_changed)
            end_of_turn = EndOfTurn()
            presence = Presence(instance_id, redis, redis_settings, publisher, rooms, end_of_turn)
            typing = TypingNotes(instance_id, redis, redis_settings, publisher, end_of_turn)
            leases = Leases(redis, redis_settings, instance_id)
            liveness = Liveness(leases, presence)

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

            inboxes = Inboxes(
                database, publisher, subscriber, supervisor, hears=lambda: canary.hears
            )

            def publish(room_id: RoomId, publication: Publication) -> None:
                """Tell the members here at once, and the other instances."""
                hub.receive(room_id, publication)
                inboxes.room_changed(room_id)
                publisher.publish(keys.room_channel(room_id), publication.encode())

            rulebook = Rulebook(catalogue.HANDLERS, catalogue.PLANS, catalogue.IN_ARCHIVE)
            ledger = Ledger(database, rulebook, publish, inboxes.look_again)

            # People: accounts, connections, the HTTP API
            def sessions_ended(session_ids: Sequence[SessionId]) -> None:
                endpoint.end_sessions(session_ids)

            async def identify(token: str) -> Identity:
                return await sign_ins.ask(await accounts.check(token))

            external = _external_tokens(settings.jwt())
            throttle = Throttle(redis, redis_settings)
            accounts = Accounts(
                database,
                SessionCache(redis, redis_settings),
                throttle,
                passwords,
                AccountSettings(arrivals_per_minute=settings.arrivals_per_minute),
                sessions_ended,
                external.check if external is not None else None,
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
                identify,
            )
            session_watch = SessionWatch(database, subscriber, endpoint, accounts.call_in)
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
            whereabouts = Whereabouts(instance_id, database, leases, endpoint.admission.people)
            people = People(database)
            reading = Reading(database)
            room_service = Rooms(database, ledger.submit, inboxes.look_again)
            invitations = Invitations(database, ledger.submit, inboxes.look_again, throttle)
            requests = Requests(
                account_requests.sign_ins(accounts),
                {
                    **account_requests.requests(accounts),
                    **people_requests(people),
                    **reading_requests(reading),
                    **room_requests(room_service, invitations),
                },
                accounts.sign_out,
            )
            endpoint.dispatcher = Dispatcher(
                endpoint, ledger, joining, typing, catch_up, whereabouts, inboxes, requests
            )
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
                inboxes,
                supervisor,
                siblings,
            )

            async def tell_metrics() -> Told:
                return Told(await siblings.read_all() if siblings.read_all else read(parts))

            api = create_api(
                Services(
                    accounts,
                    room_service,
                    invitations,
                    ledger.submit,
                    people,
                    reading,
                    health.report,
                    web_settings,
                    tell_metrics,
                )
            )

            drain = Drain(endpoint, presence, whereabouts, liveness)
            if external is not None and external.jwks is not None:
                stack.push_async_callback(external.jwks.close)
                supervisor.service("external keys", external.jwks.run())
            stack.push_async_callback(supervisor.stop)
            supervisor.service("publisher", publisher.run())
            supervisor.service("subscriber", subscriber.run())
            supervisor.service("canary", canary.run())
            supervisor.service("reconciler", reconciler.run())
            supervisor.service("ledger", ledger.run())
            supervisor.service("inboxes", inboxes.run())
            supervisor.service("ticks", every(TICK_SECONDS, presence.tick, typing.tick))
            supervisor.service("liveness", liveness.run())
            supervisor.service("missed presence", presence.run())
            supervisor.service("whereabouts", whereabouts.run())
            supervisor.service("endpoint", endpoint.run())
            supervisor.service("session watch", session_watch.run())
            supervisor.service("expired sessions", session_watch.delete_expired())
            supervisor.service("retention", Retention(database).run())
            supervisor.service("loop lag", loop_lag.run())
            stack.push_async_callback(liveness.stop)
            stack.push_async_callback(whereabouts.close)
            stack.callback(presence.leave_all)
            stack.push_async_callback(drain.wait_for_returns)
            stack.push_async_callback(ledger.close)
            stack.push_async_callback(drain.send_all_away)
            await canary.first_echo(within_seconds=HEAR_SECONDS)
            proxies = settings.forwarded_allow_ips
            yield cls(api, endpoint, health, supervisor, lambda: read(parts), proxies)
            log.info("gateway.stopping", connections=len(endpoint.connections))


def _external_tokens(settings: JwtSettings | None) -> "ExternalTokens | None":
    """Return what checks tokens of another service, if there is one; ``ConfigurationError``."""
    if settings is None:
        return None
    # Cryptography takes a fifth of a second to import: only those wait who use it.
    from gateway.activities.accounts.external_tokens import ExternalTokens  # noqa: PLC0415

    return ExternalTokens(settings)
