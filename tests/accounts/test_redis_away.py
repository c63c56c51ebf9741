"""What becomes of accounts when Redis is gone, or has forgotten everything."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest

from gateway.backplane import keys
from gateway.core.errors import InvalidCredentials, InvalidToken, RateLimited
from gateway.embedded import EmbeddedServers
from tests.accounts.instances import Instance, NewPerson, StartInstance

pytestmark = pytest.mark.slow


@pytest.fixture
async def lonely(private_servers: EmbeddedServers, start_instance: StartInstance) -> Instance:
    """An instance whose Redis may be stopped."""
    return await start_instance(redis_url=private_servers.redis_url)


async def test_sessions_survive_a_redis_that_forgets_everything(lonely: Instance, ada: NewPerson):
    """A flush costs a query, never a sign-in."""
    signed_in = await ada.register(lonely.accounts)
    await lonely.accounts.identify(signed_in.token)
    await lonely.redis.flushall()
    assert await lonely.accounts.identify(signed_in.token) == signed_in.identity


async def test_everything_about_accounts_works_without_redis(
    lonely: Instance, private_servers: EmbeddedServers, ada: NewPerson
):
    """Registering, signing in and out, and whose a token is."""
    accounts = lonely.accounts
    await private_servers.stop_redis()
    signed_in = await ada.register(accounts)
    assert await accounts.identify(signed_in.token) == signed_in.identity
    again = await ada.sign_in(accounts)
    await accounts.sign_out(again.identity)
    with pytest.raises(InvalidToken):
        await accounts.identify(again.token)
    third = await ada.sign_in(accounts)
    assert (await accounts.end_other_sessions(signed_in.identity)).ended == 1
    with pytest.raises(InvalidToken):
        await accounts.identify(third.token)
    assert lonely.ended == [again.identity.session_id, third.identity.session_id]


async def test_guessing_is_throttled_without_redis(
    lonely: Instance, private_servers: EmbeddedServers, ada: NewPerson
):
    """The instance counts on its own: five failures, not any number."""
    accounts = lonely.accounts
    await ada.register(accounts)
    await private_servers.stop_redis()
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await ada.sign_in(accounts, "not the password")
    with pytest.raises(RateLimited):
        await ada.sign_in(accounts)


async def test_redis_is_used_again_when_it_is_back(
    lonely: Instance, private_servers: EmbeddedServers, ada: NewPerson
):
    """After the pause it is asked again, and remembers."""
    accounts = lonely.accounts
    signed_in = await ada.register(accounts)
    await private_servers.stop_redis()
    await accounts.identify(signed_in.token)
    await private_servers.start_redis()
    key = keys.session(signed_in.identity.session_id)
    deadline = time.monotonic() + 10
    while not await lonely.redis.exists(key):
        assert time.monotonic() < deadline
        await accounts.identify(signed_in.token)


async def test_a_redis_that_hangs_holds_nobody_up(
    lonely: Instance, private_servers: EmbeddedServers, ada: NewPerson
):
    """One caller waits a quarter of a second; the others, for a second, not at all."""
    accounts = lonely.accounts
    signed_in = await ada.register(accounts)
    pid = private_servers.pids["redis"]
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.perf_counter()
        await accounts.identify(signed_in.token)
        first = time.perf_counter() - begin
        for _ in range(50):
            await accounts.identify(signed_in.token)
        rest = time.perf_counter() - begin - first
    finally:
        os.kill(pid, signal.SIGCONT)
    assert 0.2 < first < 1
    assert rest < 1


async def test_an_answer_that_nobody_waited_for_is_never_taken_for_another(
    lonely: Instance, private_servers: EmbeddedServers, people: Iterator[NewPerson]
):
    """After a pause of Redis everybody is still who they are."""
    accounts = lonely.accounts
    signed_in = [await next(people).register(accounts) for _ in range(20)]
    pid = private_servers.pids["redis"]
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.gather(*(accounts.identify(each.token) for each in signed_in))
    finally:
        os.kill(pid, signal.SIGCONT)
    key = keys.session(signed_in[0].identity.session_id)
    deadline = time.monotonic() + 10
    while not await lonely.redis.exists(key):
        assert time.monotonic() < deadline
        for each in signed_in:
            assert await accounts.identify(each.token) == each.identity
    for each in signed_in:
        assert await accounts.identify(each.token) == each.identity
