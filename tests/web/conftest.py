"""The HTTP API on real servers and a real ledger, called without a socket."""

import itertools
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI

from gateway.activities.accounts.limits import AccountSettings
from gateway.activities.accounts.passwords import Passwords
from gateway.activities.accounts.service import Accounts
from gateway.activities.catalogue import HANDLERS, IN_ARCHIVE, PLANS
from gateway.activities.people.service import People
from gateway.activities.reading.service import Reading
from gateway.activities.rooms.inviting import Invitations
from gateway.activities.rooms.service import Rooms
from gateway.backplane.client import open_client
from gateway.backplane.sessions import SessionCache
from gateway.backplane.settings import RedisSettings
from gateway.backplane.throttle import Throttle
from gateway.core.health import HealthReport, PartHealth
from gateway.core.ids import RoomId, UserId
from gateway.embedded import EmbeddedServers
from gateway.runtime.batch import Rulebook
from gateway.runtime.ledger import Ledger
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database, DatabaseSettings
from gateway.web.api import create_api
from gateway.web.services import Services, WebSettings
from tests.support.databases import migrated_database
from tests.web.api_client import Guest, NewGuest, connect

ALLOWED_ORIGIN = "https://app.example.org"


@pytest.fixture(scope="session")
async def database(servers: EmbeddedServers) -> AsyncIterator[Database]:
    """One migrated database for all tests of the API."""
    url = await migrated_database(servers.database_url)
    database = await Database.open(DatabaseSettings(url))
    yield database
    await database.close()


def look_again(_room_id: RoomId | None, _user_ids: Iterable[UserId]) -> None:
    """Nobody has an inbox open."""


@pytest.fixture(scope="session")
async def ledger(database: Database) -> AsyncIterator[Ledger]:
    """The ledger, publishing to nobody."""
    rulebook = Rulebook(HANDLERS, PLANS, IN_ARCHIVE)
    ledger = Ledger(database, rulebook, lambda _room_id, _publication: None, look_again)
    supervisor = Supervisor()
    supervisor.service("ledger", ledger.run())
    yield ledger
    await supervisor.stop()


@pytest.fixture(scope="session")
def parts() -> dict[str, PartHealth]:
    """What the health check finds; tests may change it."""
    return {"database": PartHealth(ok=True, detail="answers", milliseconds=0.4)}


@pytest.fixture(scope="session")
async def services(
    database: Database, ledger: Ledger, servers: EmbeddedServers, parts: dict[str, PartHealth]
) -> AsyncIterator[Services]:
    """The real parts behind the routes."""
    redis_settings = RedisSettings(url=servers.redis_url)
    redis = open_client(redis_settings)
    throttle = Throttle(redis, redis_settings)
    passwords = Passwords(rounds=4)

    async def health() -> HealthReport:
        return HealthReport(parts)

    yield Services(
        accounts=Accounts(
            database,
            SessionCache(redis, redis_settings),
            throttle,
            passwords,
            AccountSettings(),
        ),
        rooms=Rooms(database, ledger.submit, look_again),
        invitations=Invitations(database, ledger.submit, look_again, throttle),
        submit=ledger.submit,
        people=People(database),
        reading=Reading(database),
        health=health,
        settings=WebSettings(allowed_origins=frozenset({ALLOWED_ORIGIN})),
    )
    passwords.close()
    await redis.aclose()


@pytest.fixture(scope="session")
def app(services: Services) -> FastAPI:
    """The application."""
    return create_api(services)


@pytest.fixture(scope="session")
def addresses() -> Iterator[str]:
    """Addresses that nobody has used."""
    return (f"10.2.{number // 250}.{number % 250 + 1}" for number in itertools.count())


@pytest.fixture
async def stranger(app: FastAPI, addresses: Iterator[str]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has not signed in."""
    async with connect(app, next(addresses)) as client:
        yield client


@pytest.fixture
async def new_guest(app: FastAPI, addresses: Iterator[str]) -> AsyncIterator[NewGuest]:
    """Lets guests in, each at an address of its own."""
    async with AsyncExitStack() as stack:

        async def let_in(name: str) -> Guest:
            address = next(addresses)
            async with connect(app, address) as client:
                answer = await client.post("/v1/auth/guest", json={"name": name})
            body = answer.json()
            client = await stack.enter_async_context(connect(app, address, body["token"]))
            return Guest(body["user"]["id"], body["user"]["name"], body["token"], client)

        yield let_in


@pytest.fixture
async def ada(new_guest: NewGuest) -> Guest:
    """A guest."""
    return await new_guest("Ada")


@pytest.fixture
async def grace(new_guest: NewGuest) -> Guest:
    """Another guest."""
    return await new_guest("Grace")
