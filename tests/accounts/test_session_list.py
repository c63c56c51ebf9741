"""Sessions as their owner sees and ends them."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway.activities.accounts.service import Accounts
from gateway.backplane import keys
from gateway.backplane.sessions import decode_ended
from gateway.core.errors import Forbidden, InvalidToken, UnknownSession
from tests.accounts.instances import Instance, NewPerson, StartInstance
from tests.support.waiting import soon


async def test_the_list_tells_where_one_is_signed_in_and_which_session_asks(
    accounts: Accounts, ada: NewPerson
):
    """This session first, then the newest; with address and program of the sign-in."""
    await ada.register(accounts)
    phone = await accounts.sign_in(
        ada.email, ada.password, address="192.0.2.7", user_agent="Phone/1.0\x07" + "x" * 300
    )
    here = await ada.sign_in(accounts)
    listed = (await accounts.list_sessions(here.identity)).sessions
    assert [session.current for session in listed] == [True, False, False]
    assert listed[0].expires_at == here.expires_at
    assert listed[1].address == "192.0.2.7"
    assert listed[1].user_agent == ("Phone/1.0" + "x" * 300)[:255]
    assert (listed[2].address, listed[2].user_agent) == (ada.address, None)
    assert all(session.created_at is not None for session in listed)
    assert (await accounts.list_sessions(phone.identity)).sessions[0].id == listed[1].id


async def test_what_names_a_session_signs_nobody_in(accounts: Accounts, ada: NewPerson):
    """Neither the id of the list nor the whole hash that it is the beginning of."""
    signed_in = await ada.register(accounts)
    (listed,) = (await accounts.list_sessions(signed_in.identity)).sessions
    for guess in (listed.id, signed_in.identity.session_id):
        with pytest.raises(InvalidToken):
            await accounts.identify(guess)


async def test_an_ended_session_is_over_at_once_on_every_instance(
    start_instance: StartInstance, ada: NewPerson
):
    """Where it was cached as well; all others go on, and all instances are told."""
    one, other = await start_instance(), await start_instance()
    here = await ada.register(one.accounts)
    there = await ada.sign_in(other.accounts)
    await other.accounts.identify(there.token)
    async with other.redis.pubsub() as ear:
        await ear.subscribe(keys.CONTROL)
        await soon(ear.get_message(timeout=5))  # that it is subscribed
        listed = (await one.accounts.list_sessions(here.identity)).sessions
        assert (await one.accounts.end_session(here.identity, listed[1].id)).ended == 1
        heard = await soon(ear.get_message(ignore_subscribe_messages=True, timeout=5))
    assert heard is not None
    assert decode_ended(heard["data"].encode()) == [there.identity.session_id]
    assert one.ended == [there.identity.session_id]
    for accounts in (one.accounts, other.accounts):
        with pytest.raises(InvalidToken):
            await accounts.identify(there.token)
        assert await accounts.identify(here.token) == here.identity


async def test_nobody_ends_somebody_elses_session(instance: Instance, people: Iterator[NewPerson]):
    """Known or made up, the answer is the same, and nothing has ended."""
    accounts = instance.accounts
    ada = await next(people).register(accounts)
    grace = await next(people).register(accounts)
    (hers,) = (await accounts.list_sessions(grace.identity)).sessions
    for public_id in (hers.id, "0" * 16):
        with pytest.raises(UnknownSession):
            await accounts.end_session(ada.identity, public_id)
    assert await accounts.identify(grace.token) == grace.identity
    assert instance.ended == []


async def test_of_two_who_end_one_session_at_once_one_does(accounts: Accounts, ada: NewPerson):
    """The other hears that it has ended."""
    here = await ada.register(accounts)
    await ada.sign_in(accounts)
    public_id = (await accounts.list_sessions(here.identity)).sessions[1].id
    ending = [accounts.end_session(here.identity, public_id) for _ in range(2)]
    results = await asyncio.gather(*ending, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == [
        "SessionsEnded",
        "UnknownSession",
    ]


async def test_all_others_are_ended_together_and_this_one_stays(instance: Instance, ada: NewPerson):
    """And it says how many they were."""
    accounts = instance.accounts
    here = await ada.register(accounts)
    others = [await ada.sign_in(accounts) for _ in range(3)]
    assert (await accounts.end_other_sessions(here.identity)).ended == 3
    assert (await accounts.end_other_sessions(here.identity)).ended == 0
    assert len((await accounts.list_sessions(here.identity)).sessions) == 1
    assert sorted(instance.ended) == sorted(other.identity.session_id for other in others)


async def test_the_trail_tells_which_sessions_were_ended(instance: Instance, ada: NewPerson):
    """By the ids of the list; attempts that ended none are not in it."""
    accounts = instance.accounts
    here = await ada.register(accounts)
    await ada.sign_in(accounts)
    public_id = (await accounts.list_sessions(here.identity)).sessions[1].id
    await accounts.end_session(here.identity, public_id)
    with pytest.raises(UnknownSession):
        await accounts.end_session(here.identity, public_id)
    await accounts.end_other_sessions(here.identity)
    async with instance.database.connection() as conn:
        rows = await conn.fetch(
            "select action, details from audit_log where user_id = $1 and action like 'end%' "
            "order by id",
            str(here.identity.user_id),
        )
    assert [(row["action"], row["details"]) for row in rows] == [
        ("end_session", {"session": public_id}),
        ("end_other_sessions", {"sessions_ended": 0}),
    ]


async def test_who_comes_with_another_services_token_has_no_sessions_here(
    accounts: Accounts, ada: NewPerson
):
    """No list, nothing to end, and no password to change."""
    signed_in = await ada.register(accounts)
    external = replace(signed_in.identity, external_until=time.time() + 60)
    for attempt in (
        accounts.list_sessions(external),
        accounts.end_session(external, "0" * 16),
        accounts.end_other_sessions(external),
        accounts.sign_out(external),
        accounts.change_password(external, ada.password, "a better one"),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert await accounts.identify(signed_in.token) == signed_in.identity
