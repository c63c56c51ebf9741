import asyncio

import asyncpg
import pytest

from gateway.core.errors import EmailTaken, UsernameTaken
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import users
from gateway.storage.generated.tables import UserRow
from gateway.storage.users import register, register_guest


async def _ada(conn: Connection, email: str = "ada@example.com", username: str = "ada") -> UserRow:
    return await register(conn, email=email, username=username, password_hash="hash")


async def test_an_account_is_found_by_id_and_by_email(conn: Connection) -> None:
    """An e-mail address is found however its letters are written."""
    user = await _ada(conn)
    assert await users.get_user(conn, user_id=user.id) == user
    assert await users.get_user_by_email(conn, email="Ada@Example.COM") == user
    assert not user.is_guest


async def test_a_stranger_is_not_found(conn: Connection) -> None:
    """No such person is an answer, not an error."""
    assert await users.get_user_by_email(conn, email="nobody@example.com") is None


async def test_an_email_is_taken_whatever_its_case(conn: Connection) -> None:
    """Two spellings of an address are one account."""
    await _ada(conn)
    with pytest.raises(EmailTaken):
        await _ada(conn, email="ADA@example.com", username="lovelace")


async def test_a_username_is_taken_by_guests_too(conn: Connection) -> None:
    """A name belongs to one person, registered or not."""
    await _ada(conn)
    with pytest.raises(UsernameTaken):
        await register_guest(conn, username="ada", avatar_url=None)


async def test_of_two_who_register_at_once_one_is_refused(database: Database) -> None:
    """The index decides, so no moment between looking and writing can be missed."""

    async def attempt(username: str) -> None:
        async with database.transaction() as conn:
            await _ada(conn, username=username)

    results = await asyncio.gather(
        *(attempt(f"ada{number}") for number in range(5)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["EmailTaken"] * 4 + ["NoneType"]


async def test_a_guest_has_a_name_and_a_picture(conn: Connection) -> None:
    """A guest signs in with nothing, so has neither address nor password."""
    guest = await register_guest(conn, username="katherine", avatar_url="/a.png")
    assert (guest.email, guest.password_hash, guest.avatar_url) == (None, None, "/a.png")
    assert guest.is_guest


async def test_other_refusals_are_not_called_taken(conn: Connection) -> None:
    """A name that is too long is a mistake of the caller's, and stays what it is."""
    with pytest.raises(asyncpg.StringDataRightTruncationError):
        await register_guest(conn, username="k" * 51, avatar_url=None)


async def test_a_password_is_changed(conn: Connection) -> None:
    """The new hash replaces the old one, and the row says when."""
    user = await _ada(conn)
    change = {"user_id": user.id, "password_hash": "new"}
    assert await users.set_password_hash(conn, old_hash="another", **change) == 0
    assert await users.set_password_hash(conn, old_hash="hash", **change) == 1
    changed = await users.get_user(conn, user_id=user.id)
    assert changed is not None
    assert changed.password_hash == "new"
    assert changed.updated_at > user.updated_at
