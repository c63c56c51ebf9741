"""The throttle on a real Redis, and without one."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from gateway.backplane import courtesy
from gateway.backplane.client import open_client
from gateway.backplane.settings import RedisSettings
from gateway.backplane.throttle import Throttle, counter_key
from gateway.core.errors import RateLimited
from gateway.core.windows import Counter
from gateway.embedded import EmbeddedServers


@pytest.fixture
async def redis(servers: EmbeddedServers) -> AsyncIterator[Redis]:
    """A client of the shared Redis."""
    client = open_client(RedisSettings(url=servers.redis_url))
    yield client
    await client.aclose()


@pytest.fixture
def throttle(redis: Redis, servers: EmbeddedServers, monkeypatch: pytest.MonkeyPatch) -> Throttle:
    """One instance's throttle; a busy machine is no failure of Redis."""
    monkeypatch.setattr(courtesy, "PATIENCE_SECONDS", 10.0)
    return Throttle(redis, RedisSettings(url=servers.redis_url))


@pytest.fixture
def away() -> Throttle:
    """A throttle whose Redis has never been there."""
    settings = RedisSettings(url="unix:///nonexistent/redis.sock", command_retries=0)
    return Throttle(open_client(settings), settings)


@pytest.fixture(params=["with Redis", "alone"])
def either(request: pytest.FixtureRequest, throttle: Throttle, away: Throttle) -> Throttle:
    """First the one, then the other."""
    return throttle if request.param == "with Redis" else away


def new_counter(max_count: int = 2, window_seconds: float = 60, shared: str = "") -> Counter:
    """Return a counter that nobody has used."""
    return Counter(counter_key(shared or uuid4().hex, uuid4().hex), max_count, window_seconds)


async def test_attempts_up_to_the_limit_pass_and_the_next_must_wait(
    either: Throttle,
):
    """With Redis or without, the limit is the same."""
    counter = new_counter()
    await either.take([counter])
    await either.take([counter])
    with pytest.raises(RateLimited) as caught:
        await either.take([counter])
    assert caught.value.retry_after_seconds is not None
    assert 55 < caught.value.retry_after_seconds <= 60


async def test_what_is_given_back_or_forgotten_can_be_tried_again(
    either: Throttle,
):
    """Giving back undoes one attempt, forgetting all of them."""
    counter = new_counter()
    await either.take([counter])
    await either.take([counter])
    await either.give_back([counter])
    await either.take([counter])
    await either.forget(counter)
    await either.take([counter])
    await either.take([counter])
    with pytest.raises(RateLimited):
        await either.take([counter])


async def test_of_many_attempts_at_once_exactly_as_many_pass_as_may(throttle: Throttle):
    """Looking and counting are one step."""
    counter = new_counter(max_count=7)
    answers = await asyncio.gather(
        *(throttle.take([counter]) for _ in range(50)), return_exceptions=True
    )
    assert answers.count(None) == 7


async def test_a_crowd_is_counted_in_redis_and_not_mistaken_for_its_failure(
    throttle: Throttle, redis: Redis
):
    """More callers at once than the client has connections wait for their turn."""
    counter = new_counter(max_count=1_000)
    await asyncio.gather(*(throttle.take([counter]) for _ in range(500)))
    assert await redis.get(counter.key) == "500"


async def test_an_attempt_that_one_counter_refuses_counts_against_none(throttle: Throttle):
    """Who is locked out of one account does not use up the attempts of the whole address."""
    shared = uuid4().hex
    person, address = new_counter(1, shared=shared), new_counter(2, shared=shared)
    await throttle.take([person, address])
    for _ in range(5):
        with pytest.raises(RateLimited):
            await throttle.take([person, address])
    await throttle.take([address])


async def test_a_window_ends_by_itself(throttle: Throttle, redis: Redis):
    """Every counter has an end from its first attempt on, which later ones do not move."""
    counter = new_counter(window_seconds=60)
    await throttle.take([counter])
    await redis.pexpire(counter.key, 30_000)
    await throttle.take([counter])
    assert 0 < await redis.pttl(counter.key) <= 30_000


async def test_giving_back_after_the_window_leaves_no_counter_without_an_end(
    throttle: Throttle, redis: Redis
):
    """Nothing is left behind that would count for ever."""
    counter = new_counter()
    await throttle.give_back([counter])
    assert not await redis.exists(counter.key)
