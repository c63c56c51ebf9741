"""Accounts as one instance and several have them, on PostgreSQL and Redis."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.activities.accounts.limits import AccountSettings
from gateway.activities.accounts.service import Accounts
from gateway.backplane import courtesy, keys
from gateway.backplane.sessions import CACHE_SECONDS
from gateway.core.errors import (
    DatabaseUnavailable,
    EmailTaken,
    Forbidden,
    InvalidCredentials,
    InvalidField,
    InvalidToken,
    RateLimited,
    UsernameTaken,
)
from gateway.core.ids import UserId
from tests.accounts.instances import Instance, NewPerson, StartInstance


async def fail_to_sign_in(
    accounts: Accounts, person: NewPerson, guess: str = "not the password"
) -> None:
    """Sign in with a wrong password."""
    with pytest.raises(InvalidCredentials):
        await person.sign_in(accounts, guess)


async def audit_trail(instance: Instance, user_id: UserId) -> list[tuple[str, object]]:
    """Return what somebody did."""
    async with instance.database.connection() as conn:
        rows = await conn.fetch(
            "select action, details from audit_log where user_id = $1 order by id", str(user_id)
        )
    return [(row["action"], row["details"]) for row in rows]


async def audited_failures(instance: Instance, email: str) -> list[object]:
    """Return the failures to sign in to an account."""
    async with instance.database.connection() as conn:
        rows = await conn.fetch(
            "select details from audit_log "
            "where action = 'sign_in_failed' and details ->> 'email' = $1",
            email,
        )
    return [row["details"] for row in rows]


async def test_who_registers_is_signed_in_for_a_day(accounts: Accounts, ada: NewPerson):
    """The token is good at once, for 24 hours, and says who it is."""
    signed_in = await ada.register(accounts)
    identity = await accounts.identify(signed_in.token)
    assert identity == signed_in.identity
    assert (identity.name, identity.is_guest) == (ada.username, False)
    left = signed_in.expires_at - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)


async def test_an_email_address_has_one_account_whatever_its_case(
    accounts: Accounts, ada: NewPerson
):
    """Ada@Example.com is ada@example.com."""
    await ada.register(accounts)
    with pytest.raises(EmailTaken):
        await accounts.register(
            ada.email.upper(), "Somebody Else", ada.password, address=ada.address
        )


async def test_of_two_who_register_one_address_at_once_one_is_refused(
    accounts: Accounts, ada: NewPerson
):
    """The database decides, not a look beforehand."""
    both = await asyncio.gather(
        ada.register(accounts),
        accounts.register(ada.email, f"{ada.username} too", ada.password, address=ada.address),
        return_exceptions=True,
    )
    assert sum(isinstance(one, EmailTaken) for one in both) == 1


async def test_a_username_is_one_persons(accounts: Accounts, ada: NewPerson):
    """The second to want it is told."""
    await ada.register(accounts)
    with pytest.raises(UsernameTaken):
        await accounts.register(
            f"other-{ada.email}", ada.username, ada.password, address=ada.address
        )


async def test_who_has_registered_can_sign_in_however_the_address_is_written(
    accounts: Accounts, ada: NewPerson
):
    """Case and spaces around the address do not matter; each sign-in is a session of its own."""
    first = await ada.register(accounts)
    second = await accounts.sign_in(f" {ada.email.upper()} ", ada.password, address=ada.address)
    assert second.identity.user_id == first.identity.user_id
    assert second.token != first.token


async def test_what_is_no_email_address_has_no_account(accounts: Accounts, ada: NewPerson):
    """It is a wrong field, whatever is in it, and nothing the database would choke on."""
    for email in ("", "ada", "a\0@example.com", "a\ud800@example.com"):
        with pytest.raises(InvalidField, match="email"):
            await accounts.sign_in(email, ada.password, address=ada.address)


async def test_an_attempt_that_could_not_be_looked_at_is_no_failure(
    instance: Instance, ada: NewPerson
):
    """While PostgreSQL is away nobody is locked out for trying."""
    await instance.database.close()
    for _ in range(10):
        with pytest.raises(DatabaseUnavailable):
            await ada.sign_in(instance.accounts)


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    accounts: Accounts, ada: NewPerson, people: Iterator[NewPerson]
):
    """Nobody learns from it who has an account."""
    await ada.register(accounts)
    answers = []
    for email in (ada.email, next(people).email):
        with pytest.raises(InvalidCredentials) as caught:
            await accounts.sign_in(email, "not the password", address=ada.address)
        answers.append(str(caught.value))
    assert answers[0] == answers[1]


async def test_wrong_passwords_are_throttled_across_instances(
    start_instance: StartInstance, ada: NewPerson
):
    """Five failures, whichever instances they were made at; then even the right one must wait."""
    one, other = (await start_instance()).accounts, (await start_instance()).accounts
    await ada.register(one)
    for accounts in (one, other, one, other, one):
        await fail_to_sign_in(accounts, ada)
    with pytest.raises(RateLimited) as caught:
        await ada.sign_in(other)
    assert 890 < caught.value.retry_after_seconds <= 900


async def test_many_guesses_at_once_do_not_slip_through_together(
    accounts: Accounts, ada: NewPerson, monkeypatch: pytest.MonkeyPatch
):
    """Of forty guesses in one moment five are looked at."""
    # On a busy machine Redis would be taken for slow, and the guesses be counted here from then on.
    monkeypatch.setattr(courtesy, "PATIENCE_SECONDS", 10)
    await ada.register(accounts)
    guesses = [
        accounts.sign_in(ada.email, f"guess number {number}", address=ada.address)
        for number in range(40)
    ]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(answer, InvalidCredentials) for answer in answers) == 5
    assert sum(isinstance(answer, RateLimited) for answer in answers) == 35


async def test_nobody_can_lock_somebody_else_out(
    accounts: Accounts, ada: NewPerson, people: Iterator[NewPerson]
):
    """Failures are counted per account and address: Ada signs in from hers."""
    await ada.register(accounts)
    stranger = next(people)
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await accounts.sign_in(ada.email, "not the password", address=stranger.address)
    assert await ada.sign_in(accounts)


async def test_the_right_password_wipes_the_failures_before_it(accounts: Accounts, ada: NewPerson):
    """Four mistakes, success, and four more mistakes are no attack."""
    await ada.register(accounts)
    for _ in range(2):
        for _ in range(4):
            await fail_to_sign_in(accounts, ada)
        await ada.sign_in(accounts)


async def test_an_address_that_tries_many_accounts_is_throttled(
    start_instance: StartInstance, ada: NewPerson, people: Iterator[NewPerson]
):
    """The failures of an address are counted together."""
    accounts = (await start_instance(settings=AccountSettings(failures_per_address=3))).accounts
    for _ in range(3):
        with pytest.raises(InvalidCredentials):
            await accounts.sign_in(next(people).email, "password", address=ada.address)
    with pytest.raises(RateLimited):
        await accounts.sign_in(next(people).email, "password", address=ada.address)


async def test_a_household_counts_as_one_address_in_ipv6(
    start_instance: StartInstance, people: Iterator[NewPerson]
):
    """Whoever has 2^64 addresses does not have 2^64 times as many attempts."""
    accounts = (await start_instance(settings=AccountSettings(arrivals_per_minute=2))).accounts
    house = f"2001:db8:0:{next(people).address.rpartition('.')[2]}"
    await accounts.guest("Ann", address=f"{house}::1")
    await accounts.guest("Ann", address=f"{house}::2")
    with pytest.raises(RateLimited):
        await accounts.guest("Ann", address=f"{house}:ffff::3")


async def test_new_accounts_and_guests_of_one_address_are_throttled_together(
    start_instance: StartInstance, ada: NewPerson
):
    """A script cannot fill the table of users from one address."""
    accounts = (await start_instance(settings=AccountSettings(arrivals_per_minute=2))).accounts
    await ada.register(accounts)
    await accounts.guest("Ann", address=ada.address)
    with pytest.raises(RateLimited) as caught:
        await accounts.guest("Ann", address=ada.address)
    assert 0 < caught.value.retry_after_seconds <= 60


async def test_guests_who_want_one_name_get_names_close_to_it(accounts: Accounts, ada: NewPerson):
    """Six at once: all come in, all differ, one has the very name."""
    guests = await asyncio.gather(
        *(accounts.guest(ada.username, address=ada.address) for _ in range(6))
    )
    names = {guest.identity.name for guest in guests}
    assert len(names) == 6
    assert ada.username in names
    assert all(name.startswith(ada.username) for name in names)
    assert all(guest.identity.is_guest for guest in guests)


async def test_a_guest_keeps_name_and_picture(accounts: Accounts, ada: NewPerson):
    """What others see comes with the token."""
    guest = await accounts.guest(ada.username, "https://example.com/a.png", address=ada.address)
    identity = await accounts.identify(guest.token)
    assert identity.person.avatar_url == "https://example.com/a.png"


async def test_wrong_fields_are_refused_before_anything_is_counted(
    accounts: Accounts, ada: NewPerson
):
    """A typing mistake costs no attempt."""
    for _ in range(30):
        with pytest.raises(InvalidField):
            await accounts.register(ada.email, ada.username, "short", address=ada.address)
    assert await ada.register(accounts)


async def test_a_token_that_was_never_given_out_is_refused(accounts: Accounts):
    """Whatever it looks like."""
    for token in ("", "nonsense", "\0", "x" * 4096, "\ud800"):
        with pytest.raises(InvalidToken):
            await accounts.identify(token)


async def test_an_expired_session_is_refused(instance: Instance, ada: NewPerson):
    """After its day the token is nobody's."""
    signed_in = await ada.register(instance.accounts)
    async with instance.database.connection() as conn:
        await conn.execute(
            "update sessions set expire = now() at time zone 'utc' where sid = $1",
            signed_in.identity.session_id,
        )
    with pytest.raises(InvalidToken):
        await instance.accounts.identify(signed_in.token)


async def test_a_session_is_remembered_in_redis_for_a_minute(instance: Instance, ada: NewPerson):
    """The copy ends by itself, so that PostgreSQL is asked again."""
    signed_in = await ada.register(instance.accounts)
    await instance.accounts.identify(signed_in.token)
    key = keys.session(signed_in.identity.session_id)
    assert 0 < await instance.redis.ttl(key) <= CACHE_SECONDS
    async with instance.database.connection() as conn:
        await conn.execute("delete from sessions where sid = $1", signed_in.identity.session_id)
    assert await instance.accounts.identify(signed_in.token) == signed_in.identity


async def test_who_signs_out_is_out_at_once_on_every_instance(
    start_instance: StartInstance, ada: NewPerson
):
    """Also where the session was remembered."""
    one, other = (await start_instance()).accounts, (await start_instance()).accounts
    signed_in = await ada.register(one)
    await other.identify(signed_in.token)
    await one.sign_out(signed_in.identity)
    for accounts in (one, other):
        with pytest.raises(InvalidToken):
            await accounts.identify(signed_in.token)


async def test_a_request_that_read_the_session_before_it_ended_does_not_bring_it_back(
    instance: Instance, ada: NewPerson
):
    """The race: read from PostgreSQL, then the sign-out, then the late copy into Redis."""
    accounts = instance.accounts
    signed_in = await ada.register(accounts)
    await accounts.sign_out(signed_in.identity)
    await instance.cache.remember([(signed_in.identity, signed_in.expires_at)])
    with pytest.raises(InvalidToken):
        await accounts.identify(signed_in.token)


async def test_a_crowd_is_identified_each_for_itself(instance: Instance, ada: NewPerson):
    """Known to Redis, known to PostgreSQL only, ended, made up, and twice on two connections."""
    accounts = instance.accounts
    seen, new, ended = [await accounts.guest("Ann", address=ada.address) for _ in range(3)]
    await accounts.identify(seen.token)
    await accounts.sign_out(ended.identity)
    tokens = [new.token, "made up", seen.token, ended.token, new.token]
    first, made_up, known, gone, again = await accounts.identify_all(tokens)
    assert (first, known, again) == (new.identity, seen.identity, new.identity)
    assert isinstance(made_up, InvalidToken)
    assert isinstance(gone, InvalidToken)


async def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(
    accounts: Accounts, ada: NewPerson
):
    """The old password is worth nothing from then on."""
    here = await ada.register(accounts)
    there = await ada.sign_in(accounts)
    await accounts.identify(there.token)
    await accounts.change_password(here.identity, ada.password, "a better one")
    assert await accounts.identify(here.token) == here.identity
    with pytest.raises(InvalidToken):
        await accounts.identify(there.token)
    await fail_to_sign_in(accounts, ada, ada.password)
    assert await ada.sign_in(accounts, "a better one")


async def test_the_old_password_cannot_be_guessed_with_a_stolen_session(
    accounts: Accounts, ada: NewPerson
):
    """Five wrong old passwords, then a wait, even with the right one."""
    signed_in = await ada.register(accounts)
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await accounts.change_password(signed_in.identity, "not the password", "a better one")
    with pytest.raises(RateLimited):
        await accounts.change_password(signed_in.identity, ada.password, "a better one")


async def test_a_guest_has_no_password_to_change(accounts: Accounts, ada: NewPerson):
    """The answer says so."""
    guest = await accounts.guest(ada.username, address=ada.address)
    with pytest.raises(Forbidden):
        await accounts.change_password(guest.identity, "whatever", "a better one")


async def test_the_trail_tells_who_came_who_failed_and_who_left(instance: Instance, ada: NewPerson):
    """Sign-ins and failures are in the audit log, with address and without secrets."""
    accounts = instance.accounts
    signed_in = await ada.register(accounts)
    await fail_to_sign_in(accounts, ada)
    await ada.sign_in(accounts)
    await accounts.change_password(signed_in.identity, ada.password, "a better one")
    await accounts.sign_out(signed_in.identity)
    trail = await audit_trail(instance, signed_in.identity.user_id)
    assert trail == [
        ("register", {"email": ada.email, "address": ada.address}),
        ("sign_in", {"address": ada.address}),
        ("change_password", {"sessions_ended": 1}),
        ("sign_out", {}),
    ]
    failures = await audited_failures(instance, ada.email)
    assert failures == [{"email": ada.email, "address": ada.address}]
