"""Accounts: what PostgreSQL refuses, in the gateway's words.

Everything else about people is in ``generated/users.py`` and called directly.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from gateway.core.errors import EmailTaken, UsernameTaken
from gateway.core.ids import UserId
from gateway.storage.connection import Connection
from gateway.storage.generated import users
from gateway.storage.generated.tables import UserRow


async def register(conn: Connection, *, email: str, username: str, password_hash: str) -> UserRow:
    """Create an account; raise ``EmailTaken`` or ``UsernameTaken``.

    The unique indexes decide and not a look beforehand: of two who register at
    once one is refused.
    """
    with taken_mapped():
        return await users.create_user(
            conn, email=email, username=username, password_hash=password_hash
        )


async def register_guest(conn: Connection, *, username: str, avatar_url: str | None) -> UserRow:
    """Create a guest; raise ``UsernameTaken``."""
    with taken_mapped():
        return await users.create_guest(conn, username=username, avatar_url=avatar_url)


async def set_profile(
    conn: Connection,
    *,
    user_id: UserId,
    username: str | None,
    with_avatar: bool,
    avatar_url: str | None,
) -> UserRow:
    """Change how somebody is seen; raise ``UsernameTaken``."""
    with taken_mapped():
        return await users.set_profile(
            conn,
            user_id=user_id,
            username=username,
            with_avatar=with_avatar,
            avatar_url=avatar_url,
        )


async def register_external(
    conn: Connection, *, external_id: str, username: str, avatar_url: str | None
) -> UserRow | None:
    """Create somebody who signs in elsewhere, or return ``None`` if they are there by now.

    Raises ``UsernameTaken``.
    """
    with taken_mapped():
        return await users.create_external_user(
            conn, external_id=external_id, username=username, avatar_url=avatar_url
        )


@contextmanager
def taken_mapped() -> Iterator[None]:
    """Raise ``EmailTaken`` or ``UsernameTaken`` for what the unique indexes refuse."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        match error.constraint_name:
            case "users_email_key":
                raise EmailTaken("There is an account with this e-mail address.") from error
            case "users_username_key":
                raise UsernameTaken("This name is taken.") from error
            case _:
                raise
