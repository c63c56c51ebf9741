"""Connections whose session is over, on a real PostgreSQL; Redis is away unless a test needs it."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from gateway.backplane import keys
from gateway.backplane.sessions import decode_ended, encode_ended
from gateway.backplane.settings import RedisSettings
from gateway.backplane.subscriber import Subscriber
from gateway.core.errors import InvalidToken
from gateway.core.identity import Identity
from gateway.core.ids import SessionId, UserId
from gateway.embedded import EmbeddedServers
from gateway.runtime.endpoint import ConnectionSettings
from gateway.runtime.session_index import ENDED_SECONDS, SessionIndex
from gateway.runtime.session_watch import SessionWatch
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from gateway.storage.generated import sessions as session_queries
from gateway.storage.users import register_guest
from tests.runtime.test_endpoint import Place, listening
from tests.support.backplane import running_links
from tests.support.ledgers import new_person, new_room
from tests.support.socket_client import Closed, SocketClient

NOBODY_THERE = RedisSettings(url="redis://127.0.0.1:1/0", retry_cap_seconds=0.1)


class Watched:
    """An endpoint whose sessions are watched, and the sessions that were called in."""

    def __init__(self, place: Place, database: Database) -> None:
        self.place = place
        self.called_in: list[SessionId] = []
        self._database = database

    async def call_in(self, session_ids: Sequence[SessionId]) -> None:
        """Close connections, as the accounts do."""
        self.called_in += session_ids
        self.place.endpoint.end_sessions(session_ids)

    async def sign_in(
        self, *, lifetime: timedelta = timedelta(hours=1), external_until: float | None = None
    ) -> Identity:
        """Open a session for somebody new; none of ours with another service's token."""
        session_id = SessionId(secrets.token_hex(32))
        async with self._database.connection() as conn:
            user = await register_guest(conn, username=session_id[:40], avatar_url=None)
            if external_until is None:
                await session_queries.create_session(
                    conn,
                    sid=session_id,
                    user_id=user.id,
                    address=None,
                    user_agent=None,
                    expires_at=datetime.now(UTC) + lifetime,
                )
        return Identity(
            UserId(user.id),
            user.username,
            None,
            is_guest=True,
            session_id=session_id,
            external_until=external_until,
        )

    async def connect(self, identity: Identity) -> SocketClient:
        """Connect somebody."""
        before = set(self.place.endpoint.connections)
        client = await self.place.connect()
        (connection,) = self.place.endpoint.connections - before
        self.place.endpoint.signed_in(connection, identity)
        return client

    async def delete(self, identity: Identity) -> None:
        """Delete a session, and tell nobody."""
        async with self._database.connection() as conn:
            assert await session_queries.delete_session(conn, sid=identity.session_id)


@asynccontextmanager
async def watching(
    database: Database, subscriber: Subscriber | None = None, *, sweep_seconds: float = 0.05
) -> AsyncIterator[Watched]:
    """Watch the sessions of an endpoint for the block."""
    async with listening(ConnectionSettings()) as place:
        watched = Watched(place, database)
        supervisor = Supervisor()
        watch = SessionWatch(
            database,
            subscriber or Subscriber(NOBODY_THERE),
            place.endpoint,
            watched.call_in,
            sweep_seconds,
        )
        supervisor.service("session watch", watch.run())
        supervisor.service("expired sessions", watch.delete_expired())
        yield watched
        assert not supervisor.failure.done()
        await supervisor.stop()


async def test_without_redis_the_sweep_closes_what_has_ended_and_nothing_else(database: Database):
    """Deleted, expired, and another service's token whose time is over."""
    async with watching(database) as watched:
        staying = await watched.connect(await watched.sign_in())
        external = await watched.connect(await watched.sign_in(external_until=time.time() + 60))
        deleted = await watched.sign_in()
        expiring = await watched.sign_in(lifetime=timedelta(seconds=0.3))
        ending = await watched.sign_in(external_until=time.time() + 0.3)
        gone = [await watched.connect(identity) for identity in (deleted, expiring, ending)]
        second_tab = await watched.connect(deleted)
        await watched.delete(deleted)
        for client in (*gone, second_tab):
            assert await client.closed() == 4201
            await client.close()
        # Copies of ours may be left in Redis; of the other service's there are none.
        assert set(watched.called_in) == {deleted.session_id, expiring.session_id}
        for client in (staying, external):
            await client.ask("ping")
            await client.close()


async def test_what_was_missed_is_looked_for_as_soon_as_the_channel_is_heard(
    database: Database, servers: EmbeddedServers
):
    """Not only when the next sweep would be."""
    async with (
        running_links(RedisSettings(url=servers.redis_url)) as links,
        watching(database, links.subscriber, sweep_seconds=3600) as watched,
    ):
        identity = await watched.sign_in()
        client = await watched.connect(identity)
        await watched.delete(identity)
        [(watch, confirmed)] = links.subscriber._subscriptions[keys.CONTROL].listeners.items()
        await confirmed
        watch.on_gap()
        assert await client.closed() == 4201
        await client.close()


async def test_what_ended_before_redis_was_there_is_looked_for_when_it_comes(
    database: Database, servers: EmbeddedServers
):
    """A first confirmation is no gap, and yet there were ends before it."""
    subscriber = Subscriber(RedisSettings(url=servers.redis_url))
    async with watching(database, subscriber, sweep_seconds=3600) as watched:
        identity = await watched.sign_in()
        client = await watched.connect(identity)
        await watched.delete(identity)
        supervisor = Supervisor()
        supervisor.service("subscriber", subscriber.run())
        assert await client.closed() == 4201
        await client.close()
        await supervisor.stop()


async def test_an_end_that_is_heard_closes_at_once(database: Database, servers: EmbeddedServers):
    """Only the session's own connections, and a message of another release does no harm."""
    async with (
        running_links(RedisSettings(url=servers.redis_url)) as links,
        watching(database, links.subscriber, sweep_seconds=3600) as watched,
    ):
        ending, other = await watched.sign_in(), await watched.sign_in()
        clients = [await watched.connect(ending) for _ in range(3)]
        staying = await watched.connect(other)
        [confirmed] = links.subscriber._subscriptions[keys.CONTROL].listeners.values()
        await confirmed
        for message in (b"", b"\xff", b"something.else x", encode_ended([ending.session_id])):
            links.publisher.publish(keys.CONTROL, message)
        for client in clients:
            assert await client.closed() == 4201
            await client.close()
        await staying.ask("ping")
        await staying.close()


async def test_a_session_that_ends_while_it_is_looked_up_signs_nobody_in(database: Database):
    """The race: read as valid, ended everywhere, and only then put on the connection."""
    async with watching(database) as watched:
        identity = await watched.sign_in()
        watched.place.endpoint.end_sessions([identity.session_id])
        client = await watched.place.connect()
        with pytest.raises(InvalidToken):
            watched.place.endpoint.signed_in(watched.place.connection, identity)
        assert watched.place.connection.identity is None
        await client.close()


async def test_a_peer_that_does_not_agree_to_the_close_hears_no_more(database: Database):
    """Its rooms are left when the session ends, not when the connection does."""
    async with watching(database, sweep_seconds=3600) as watched:
        identity = await watched.sign_in()
        client = await watched.connect(identity)
        watched.place.endpoint.end_sessions([identity.session_id])
        assert await watched.place.desk.goodbyes.get()
        assert watched.place.endpoint.connections
        with pytest.raises(Closed):
            await client.ask("ping")
        await client.close()


async def test_expired_sessions_are_deleted(database: Database):
    """Those that nobody is connected with, too."""
    async with watching(database) as first:
        past = await first.sign_in(lifetime=timedelta(seconds=-1))
        current = await first.sign_in()
    async with watching(database), asyncio.timeout(15), database.connection() as conn:
        both = [past.session_id, current.session_id]
        left = "select array_agg(sid) from sessions where sid = any($1)"
        while await conn.fetchval(left, both) != [current.session_id]:
            pass  # the answer takes its time


async def test_invitations_are_deleted_a_day_after_their_end(database: Database):
    """Until then, who repeats what let them in is told that they are in."""
    person = await new_person(database)
    room_id = await new_room(database)
    async with database.connection() as conn:
        for hours in (1, -23, -25):
            await conn.execute(
                "insert into room_invitations (token_hash, room_id, created_by, expires_at) "
                "values ($1, $2, $3, now() + make_interval(hours => $4))",
                f"{room_id.hex} {hours}",
                room_id,
                person.user_id,
                hours,
            )
            await conn.execute(
                "insert into personal_invitations (room_id, user_id, expires_at) "
                "values ($1, $2, now() + make_interval(hours => $3))",
                room_id,
                (await new_person(database)).user_id,
                hours,
            )
    left = (
        "select (select count(*) from room_invitations where room_id = $1), "
        "(select count(*) from personal_invitations where room_id = $1)"
    )
    async with watching(database), asyncio.timeout(15), database.connection() as conn:
        while tuple(await conn.fetchrow(left, room_id)) != (2, 2):
            pass  # the answer takes its time


def test_the_message_on_the_channel_is_read_as_it_was_written():
    """Any number of sessions; another message names none."""
    session_ids = [SessionId(secrets.token_hex(32)) for _ in range(3)]
    assert decode_ended(encode_ended(session_ids)) == session_ids
    assert decode_ended(b"rooms.ended a b") == []


def test_an_end_is_remembered_for_a_while_and_not_for_ever():
    """Longer than a sign-in takes; then its place is free again."""
    index = SessionIndex()
    index.end([SessionId("a")], now=0.0)
    index.end([SessionId("b")], now=ENDED_SECONDS)
    assert index.has_ended(SessionId("a"))
    index.end([SessionId("b")], now=ENDED_SECONDS + 1)
    assert not index.has_ended(SessionId("a"))
    assert index.has_ended(SessionId("b"))
