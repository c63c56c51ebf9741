"""Links to a Redis that dies, hangs, or wants a password."""

import asyncio
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from gateway.backplane.client import open_client
from gateway.backplane.link import Link
from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable
from gateway.embedded import EmbeddedServers
from tests.support.backplane import Ear, Links, Relay, paused, redis_with_password, running_links
from tests.support.waiting import soon

CHANNEL = b"room:1"
OTHER = b"room:2"
GIVEN_UP_WITHIN_SECONDS = 5.0


async def hears(links: Links, ear: Ear, channel: bytes = CHANNEL) -> bool:
    """Publish something and wait until it is heard."""
    message = uuid4().bytes
    links.publisher.publish(channel, message)
    return await soon(ear.messages.get()) == message


async def test_after_redis_was_killed_every_subscription_is_back_and_told_of_the_gap(
    own_redis: EmbeddedServers, links: Links
):
    """Messages were missed meanwhile, and whoever listens must look them up."""
    ear, other = Ear(), Ear()
    await soon(links.ups.get())
    await soon(links.subscriber.subscribe(CHANNEL, ear))
    await soon(links.subscriber.subscribe(OTHER, other))
    os.kill(own_redis.pids["redis"], signal.SIGKILL)
    await own_redis.start_redis()
    await soon(ear.gaps.get())
    await soon(other.gaps.get())
    await soon(links.ups.get())
    assert await hears(links, ear)
    assert await hears(links, other, OTHER)


async def test_a_channel_asked_for_while_redis_is_away_is_confirmed_when_it_is_back(
    own_redis: EmbeddedServers, links: Links
):
    """And that is no gap: nothing was heard there before."""
    before, meanwhile = Ear(), Ear()
    await soon(links.subscriber.subscribe(CHANNEL, before))
    await own_redis.stop_redis()
    confirmed = links.subscriber.subscribe(OTHER, meanwhile)
    await own_redis.start_redis()
    await soon(confirmed)
    await soon(before.gaps.get())
    assert meanwhile.gaps.empty()


async def test_a_connection_cut_by_redis_is_made_anew(settings: RedisSettings, links: Links):
    """As a failover does to every client."""
    ear = Ear()
    await soon(links.ups.get())
    await soon(links.subscriber.subscribe(CHANNEL, ear))
    async with open_client(settings) as client:
        await client.client_kill_filter(_type="pubsub")
    await soon(ear.gaps.get())
    assert await hears(links, ear)


async def test_a_link_that_answers_nothing_is_given_up_and_comes_back_later(
    own_redis: EmbeddedServers, settings: RedisSettings, tmp_path_factory: pytest.TempPathFactory
):
    """TCP alone would not notice for hours; promise P9 gives it five seconds."""
    relay, ear = Relay(), Ear()
    place = tmp_path_factory.mktemp("r") / "s"
    redis_socket = urlsplit(own_redis.redis_url).path
    async with (
        relay.running(place, redis_socket) as url,
        running_links(RedisSettings(url=url, retry_cap_seconds=0.2)) as links,
    ):
        await soon(links.ups.get())
        await soon(links.subscriber.subscribe(CHANNEL, ear))
        with paused(own_redis.pids["redis"]):
            async with asyncio.timeout(GIVEN_UP_WITHIN_SECONDS):
                for _link in ("pub", "sub"):
                    await relay.hung_up.get()
        await soon(ear.gaps.get())
        await soon(links.ups.get())
        assert await hears(links, ear)


async def test_a_password_is_given_by_both_ways_to_redis(tmp_path: Path):
    """The links' own, and redis-py's."""
    async with redis_with_password(tmp_path, "secret") as port:
        settings = RedisSettings(url=f"redis://:secret@127.0.0.1:{port}/0")
        async with open_client(settings) as client:
            assert await client.ping()
        ear = Ear()
        async with running_links(settings) as links:
            await soon(links.ups.get())
            await soon(links.subscriber.subscribe(CHANNEL, ear))
            assert await hears(links, ear)


@pytest.mark.parametrize("login", ["", ":wrong-secret@", "nobody:secret@"])
async def test_a_wrong_password_is_told_and_not_repeated_in_the_error(tmp_path: Path, login: str):
    """Nor is the right one; the link goes on trying, for the password may be set right."""
    async with redis_with_password(tmp_path, "secret") as port:
        settings = RedisSettings(url=f"redis://{login}127.0.0.1:{port}/0")
        link = Link(settings, "test", on_reply=lambda _reply: None, on_up=lambda: None)
        with pytest.raises(BackplaneUnavailable, match="Redis refuses us") as caught:
            await link._connect()
        assert "secret" not in str(caught.value)
        assert not link.is_up


async def test_both_ways_to_redis_lead_to_the_same_database(
    own_redis: EmbeddedServers,
):
    """Presence is written by the one and read by the other."""
    url = urlsplit(own_redis.redis_url)._replace(query="db=3").geturl()
    settings = RedisSettings(url=url)
    ear = Ear()
    async with open_client(settings) as client, running_links(settings) as links:
        await soon(links.ups.get())
        await soon(links.subscriber.subscribe(CHANNEL, ear))
        links.publisher.send("SET", "who", "ada")
        assert await hears(links, ear)
        assert await client.get("who") == "ada"
