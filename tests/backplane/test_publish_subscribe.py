"""The contract of publisher and subscriber, on a real Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.backplane.settings import RedisSettings
from tests.support.backplane import Ear, Links, running_links
from tests.support.waiting import soon

CHANNEL = b"room:1"
OTHER = b"room:2"


@pytest.fixture
async def elsewhere(settings: RedisSettings) -> AsyncIterator[Links]:
    """Another instance, ready to publish."""
    async with running_links(settings) as links:
        await soon(links.ups.get())
        yield links


async def test_messages_arrive_in_order_and_on_their_own_channel(links: Links, elsewhere: Links):
    """Every one, once the subscription is confirmed, whatever bytes they are."""
    ear, other = Ear(), Ear()
    await soon(links.subscriber.subscribe(CHANNEL, ear))
    await soon(links.subscriber.subscribe(OTHER, other))
    messages = [b"%d\r\n\x00\xff" % number for number in range(500)]
    for message in messages:
        elsewhere.publisher.publish(CHANNEL, message)
    elsewhere.publisher.publish(OTHER, b"end")
    assert [await soon(ear.messages.get()) for _ in messages] == messages
    assert await soon(other.messages.get()) == b"end"
    assert ear.messages.empty()
    assert ear.gaps.empty()


async def test_an_instance_hears_itself(links: Links):
    """The canary rests on this."""
    ear = Ear()
    await soon(links.ups.get())
    await soon(links.subscriber.subscribe(CHANNEL, ear))
    links.publisher.publish(CHANNEL, b"hello")
    assert await soon(ear.messages.get()) == b"hello"


async def test_a_channel_asked_for_before_the_link_is_up_is_confirmed_when_it_is(
    settings: RedisSettings,
):
    """Nobody has to ask again."""
    ear = Ear()
    async with running_links(settings) as links:
        assert not links.subscriber.is_up
        await soon(links.subscriber.subscribe(CHANNEL, ear))
        assert links.subscriber.is_up
    assert ear.gaps.empty()


async def test_a_channel_asked_for_in_the_turn_in_which_the_link_comes_up_has_no_gap(
    links: Links,
):
    """It is asked for once; a second confirmation would mean that messages were missed."""
    ear, after = Ear(), Ear()
    await soon(links.subscriber.subscribe(OTHER, after))
    confirmed = links.subscriber.subscribe(CHANNEL, ear)
    links.subscriber._resubscribe()
    await soon(confirmed)
    await soon(links.subscriber.subscribe(b"room:3", after))
    assert ear.gaps.empty()


async def test_the_last_wish_of_a_turn_is_the_one_that_counts(links: Links, elsewhere: Links):
    """A room that is closed and opened again in one turn of the loop goes on being heard."""
    before, after = Ear(), Ear()
    await soon(links.subscriber.subscribe(CHANNEL, before))
    links.subscriber.unsubscribe(CHANNEL, before)
    await soon(links.subscriber.subscribe(CHANNEL, after))
    elsewhere.publisher.publish(CHANNEL, b"hello")
    assert await soon(after.messages.get()) == b"hello"
    assert before.messages.empty()


async def test_a_channel_that_is_given_up_is_not_heard(links: Links, elsewhere: Links):
    """Also one that nobody wants any more before Redis was told of it."""
    given_up, kept = Ear(), Ear()
    await soon(links.subscriber.subscribe(CHANNEL, given_up))
    links.subscriber.unsubscribe(CHANNEL, given_up)
    withdrawn = links.subscriber.subscribe(b"room:3", given_up)
    links.subscriber.unsubscribe(b"room:3", given_up)
    with pytest.raises(asyncio.CancelledError):
        await withdrawn
    await soon(links.subscriber.subscribe(OTHER, kept))
    for channel in (CHANNEL, b"room:3", OTHER):
        elsewhere.publisher.publish(channel, b"hello")
    assert await soon(kept.messages.get()) == b"hello"
    assert given_up.messages.empty()


async def test_several_hear_one_channel_each_until_it_has_enough(links: Links, elsewhere: Links):
    """Redis is asked once; who comes later waits for nothing, and one's end is not another's."""
    first, second, third = Ear(), Ear(), Ear()
    waiting = [links.subscriber.subscribe(CHANNEL, ear) for ear in (first, second)]
    for confirmed in waiting:
        await soon(confirmed)
    assert links.subscriber.subscribe(CHANNEL, third).done()
    elsewhere.publisher.publish(CHANNEL, b"to all")
    for ear in (first, second, third):
        assert await soon(ear.messages.get()) == b"to all"
    links.subscriber.unsubscribe(CHANNEL, first)
    links.subscriber.unsubscribe(CHANNEL, third)
    elsewhere.publisher.publish(CHANNEL, b"to one")
    assert await soon(second.messages.get()) == b"to one"
    assert first.messages.empty()
    assert third.messages.empty()
    assert [ear.gaps.empty() for ear in (first, second, third)] == [True] * 3


async def test_one_who_gives_up_before_the_confirmation_does_not_take_it_from_another(
    links: Links,
):
    """Each has a wait of its own."""
    patient, hasty = Ear(), Ear()
    kept, given_up = (links.subscriber.subscribe(CHANNEL, ear) for ear in (patient, hasty))
    links.subscriber.unsubscribe(CHANNEL, hasty)
    await soon(kept)
    assert given_up.cancelled()


async def test_what_cannot_be_published_is_dropped_and_counted():
    """Nothing is queued without a bound: the log has what is durable."""
    async with running_links(RedisSettings(url="unix:///nonexistent/redis.sock")) as links:
        links.publisher.publish(CHANNEL, b"hello")
        links.publisher.send("HSET", "presence", "ada", "here")
        flushed = asyncio.Event()
        asyncio.get_running_loop().call_soon(flushed.set)
        await flushed.wait()
        assert links.publisher.dropped == 2
        assert not links.publisher.is_up
