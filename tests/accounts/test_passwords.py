import asyncio
import time
from collections.abc import Iterator

import pytest

from gateway.activities.accounts.passwords import MIN_ROUNDS, Passwords
from gateway.core.errors import Overloaded


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Hashing with the least work bcrypt knows, so that tests are quick."""
    quick = Passwords(rounds=4)
    yield quick
    quick.close()


async def test_only_the_right_password_matches_its_hash(passwords: Passwords):
    """A hash is of one password, and does not contain it."""
    hashed = await passwords.hash("correct horse")
    assert "correct horse" not in hashed
    assert await passwords.verify("correct horse", hashed)
    assert not await passwords.verify("correct horsf", hashed)


async def test_equal_passwords_have_different_hashes(passwords: Passwords):
    """Each hash has a salt of its own."""
    assert await passwords.hash("secret-secret") != await passwords.hash("secret-secret")


async def test_every_character_of_a_long_password_counts(passwords: Passwords):
    """Where bcrypt stops at 72 bytes, a passphrase of 256 characters is compared whole."""
    hashed = await passwords.hash("x" * 255 + "y")
    assert not await passwords.verify("x" * 255 + "z", hashed)
    assert await passwords.verify("x" * 255 + "y", hashed)


async def test_nobodys_hash_matches_nothing(passwords: Passwords):
    """An unknown account refuses every password."""
    assert not await passwords.verify("anything at all", None)


async def test_an_unknown_account_takes_as_long_to_refuse_as_a_wrong_password():
    """The time of an answer does not tell whether the account exists."""
    passwords = Passwords(rounds=10)
    hashed = await passwords.hash("the right one")

    async def seconds(password_hash: str | None) -> float:
        begin = time.perf_counter()
        await passwords.verify("a wrong one", password_hash)
        return time.perf_counter() - begin

    known = min([await seconds(hashed) for _ in range(5)])
    unknown = min([await seconds(None) for _ in range(5)])
    passwords.close()
    # Without the work for nobody the ratio would be hundreds.
    assert 1 / 3 < unknown / known < 3


async def test_the_default_work_factor_is_the_least_that_is_allowed():
    """A hash says its cost: twelve rounds."""
    passwords = Passwords()
    hashed = await passwords.hash("correct horse")
    passwords.close()
    assert hashed.startswith(f"$2b${MIN_ROUNDS}$")


async def test_the_event_loop_goes_on_while_a_password_is_hashed():
    """A hash of full cost leaves the loop free to turn."""
    passwords = Passwords()
    hashing = asyncio.gather(passwords.hash("correct horse"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    passwords.close()
    assert turns > 100


async def test_beyond_the_bound_callers_are_told_that_it_is_too_much():
    """Two run, one waits, the fourth is refused at once; later there is room again."""
    passwords = Passwords(rounds=8, threads=2, max_waiting=1)
    answers = await asyncio.gather(
        *(passwords.hash("correct horse") for _ in range(4)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [str, str, str, Overloaded]
    assert await passwords.hash("correct horse")
    passwords.close()
