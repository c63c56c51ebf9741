"""People of another service, on PostgreSQL and Redis."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from gateway.activities.accounts.external import JwtSettings
from gateway.activities.accounts.external_tokens import ExternalTokens
from gateway.core.errors import InvalidToken
from tests.accounts.instances import NewPerson, StartInstance
from tests.support.jwt_issuer import AUDIENCE, SECRET, sign

CHECK = ExternalTokens(JwtSettings(secret=SECRET, audience=AUDIENCE)).check


def somebody() -> dict[str, str]:
    """Return the claims of somebody new."""
    name = uuid4().hex
    return {"sub": name, "name": name}


async def test_the_first_token_makes_the_person_and_later_ones_find_them(
    start_instance: StartInstance,
):
    """No guest; one person on every instance, audited once."""
    one = await start_instance(check_external=CHECK)
    other = await start_instance(check_external=CHECK)
    ada = somebody()
    first = await one.accounts.identify(sign(**ada, picture="https://example.com/ada.png"))
    later = await other.accounts.identify(sign(**ada, exp=2**40))
    assert later.user_id == first.user_id
    assert (first.name, first.avatar_url) == (ada["name"], "https://example.com/ada.png")
    assert not first.is_guest
    assert first.external_until is not None
    assert later.external_until == 2**40
    assert first.session_id != later.session_id
    async with one.database.connection() as conn:
        actions = await conn.fetch(
            "select action from audit_log where user_id = $1", str(first.user_id)
        )
    assert [row["action"] for row in actions] == ["register_external"]


async def test_of_many_first_tokens_at_once_one_makes_the_person(start_instance: StartInstance):
    """On two instances, each with several connections."""
    instances = [await start_instance(check_external=CHECK) for _ in range(2)]
    ada = somebody()
    tokens = [sign(**ada, exp=2**40 + number) for number in range(12)]
    found = await asyncio.gather(
        *(instances[n % 2].accounts.identify(token) for n, token in enumerate(tokens))
    )
    assert len({identity.user_id for identity in found}) == 1


async def test_a_taken_or_impossible_name_keeps_nobody_out(
    start_instance: StartInstance, ada: NewPerson
):
    """They get one close to it, the other one they have, or none in particular."""
    accounts = (await start_instance(check_external=CHECK)).accounts
    await ada.register(accounts)
    taken = await accounts.identify(sign(sub=uuid4().hex, name=ada.username))
    assert taken.name == f"{ada.username} 2"
    other = uuid4().hex
    odd = sign(sub=uuid4().hex, name="\u202e", preferred_username=other, picture="javascript:0")
    identity = await accounts.identify(odd)
    assert (identity.name, identity.avatar_url) == (other, None)
    nameless = await accounts.identify(sign(sub=uuid4().hex, name=None))
    assert nameless.name.startswith("Somebody")
    long = await accounts.identify(sign(sub=uuid4().hex, name=uuid4().hex * 3))
    assert len(long.name) == 50


async def test_both_kinds_of_tokens_are_told_apart_in_a_crowd(
    start_instance: StartInstance, ada: NewPerson
):
    """Each gets the own answer, whatever stands beside it."""
    accounts = (await start_instance(check_external=CHECK)).accounts
    own = await ada.register(accounts)
    people = [somebody() for _ in range(2)]
    vouched = [await accounts.check(sign(**one)) for one in people]
    answers = await accounts.identify_all([vouched[0], own.token, "made up", vouched[1], own.token])
    names = [getattr(answer, "name", None) for answer in answers]
    assert names == [people[0]["name"], ada.username, None, people[1]["name"], ada.username]
    assert isinstance(answers[2], InvalidToken)


async def test_nothing_of_an_external_token_is_cached(start_instance: StartInstance):
    """So nothing can be believed for longer than it says."""
    instance = await start_instance(check_external=CHECK)
    identity = await instance.accounts.identify(sign(**somebody()))
    assert not await instance.redis.exists(f"session:{identity.session_id}")


async def test_without_the_settings_no_such_token_is_accepted(start_instance: StartInstance):
    """It is unknown, like any other text."""
    accounts = (await start_instance()).accounts
    with pytest.raises(InvalidToken):
        await accounts.identify(sign(**somebody()))


async def test_who_changes_their_profile_still_comes_with_the_same_token(
    start_instance: StartInstance,
):
    """Which ends when it did before."""
    accounts = (await start_instance(check_external=CHECK)).accounts
    before = await accounts.identify(sign(**somebody()))
    name = uuid4().hex
    after = await accounts.change_profile(before, username=name)
    assert (after.name, after.person.name) == (name, name)
    assert after == replace(before, name=name)
    assert after.external_until is not None
