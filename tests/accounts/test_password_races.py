"""Passwords that change while one of them is being checked, which takes a quarter of a second."""

import pytest

from gateway.core.errors import InvalidCredentials, InvalidToken
from tests.accounts.instances import HeldPasswords, NewPerson, StartInstance

NEW = "another good password"


async def test_the_old_password_opens_no_session_once_it_is_changed(
    start_instance: StartInstance, ada: NewPerson
):
    """Also when it was found right before the change: the change could not end that session."""
    quick = (await start_instance()).accounts
    passwords = HeldPasswords()
    slow = (await start_instance(passwords=passwords)).accounts
    here = await ada.register(quick)
    change = quick.change_password(here.identity, ada.password, NEW)
    with pytest.raises(InvalidCredentials):
        await passwords.meanwhile(ada.sign_in(slow), change)
    assert len((await quick.list_sessions(here.identity)).sessions) == 1
    assert (await ada.sign_in(slow, NEW)).identity.user_id == here.identity.user_id


async def test_of_two_who_change_a_password_the_first_wins(
    start_instance: StartInstance, ada: NewPerson
):
    """The second knew a password that is none any more."""
    quick = (await start_instance()).accounts
    passwords = HeldPasswords()
    slow = (await start_instance(passwords=passwords)).accounts
    here = await ada.register(quick)
    stolen = await ada.sign_in(quick)
    theft = slow.change_password(stolen.identity, ada.password, "yet another password")
    change = quick.change_password(here.identity, ada.password, NEW)
    with pytest.raises(InvalidCredentials):
        await passwords.meanwhile(theft, change)
    assert (await quick.identify(here.token)).user_id == here.identity.user_id
    await ada.sign_in(quick, NEW)


async def test_a_session_that_ended_meanwhile_changes_no_password(
    start_instance: StartInstance, ada: NewPerson
):
    """The person has put the thief out, who knows the password."""
    quick = (await start_instance()).accounts
    passwords = HeldPasswords()
    slow = (await start_instance(passwords=passwords)).accounts
    here = await ada.register(quick)
    stolen = await ada.sign_in(quick)
    theft = slow.change_password(stolen.identity, ada.password, NEW)
    with pytest.raises(InvalidToken):
        await passwords.meanwhile(theft, quick.end_other_sessions(here.identity))
    await ada.sign_in(quick)
    assert (await quick.identify(here.token)).user_id == here.identity.user_id
