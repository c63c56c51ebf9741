"""Typed functions for queries/users.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from typing import Final

from gateway.core.ids import UserId
from gateway.storage.connection import Connection
from gateway.storage.generated.tables import UserRow
from gateway.storage.sql import affected_rows, sql_of, the_row

_SQL: Final = sql_of("users")


async def create_user(
    conn: Connection,
    *,
    email: str,
    username: str,
    password_hash: str,
) -> UserRow:
    """A registered account. The unique indexes on lower(email) and username refuse a second one."""
    answer = await conn.fetchrow(
        _SQL["create_user"],
        email,
        username,
        password_hash,
    )
    return UserRow(*the_row(answer))


async def create_guest(
    conn: Connection,
    *,
    username: str,
    avatar_url: str | None,
) -> UserRow:
    """A guest: a name, and nothing to sign in with. The unique index on username refuses a second one."""
    answer = await conn.fetchrow(
        _SQL["create_guest"],
        username,
        avatar_url,
    )
    return UserRow(*the_row(answer))


async def find_external_users(
    conn: Connection,
    *,
    external_ids: Sequence[str],
) -> list[UserRow]:
    """Who these people of another service are here. Unique index on external_id."""
    answer = await conn.fetch(
        _SQL["find_external_users"],
        external_ids,
    )
    return [UserRow(*record) for record in answer]


async def create_external_user(
    conn: Connection,
    *,
    external_id: str,
    username: str,
    avatar_url: str | None,
) -> UserRow | None:
    """Somebody of another service, here for the first time; no row if another instance was quicker.
    The unique index on username refuses a second one of the name.
    """
    answer = await conn.fetchrow(
        _SQL["create_external_user"],
        external_id,
        username,
        avatar_url,
    )
    return None if answer is None else UserRow(*answer)


async def get_user(
    conn: Connection,
    *,
    user_id: UserId,
) -> UserRow | None:
    """One person. Primary key."""
    answer = await conn.fetchrow(
        _SQL["get_user"],
        user_id,
    )
    return None if answer is None else UserRow(*answer)


async def get_user_by_email(
    conn: Connection,
    *,
    email: str,
) -> UserRow | None:
    """For signing in. Unique index on lower(email)."""
    answer = await conn.fetchrow(
        _SQL["get_user_by_email"],
        email,
    )
    return None if answer is None else UserRow(*answer)


async def lock_password(
    conn: Connection,
    *,
    user_id: UserId,
    password_hash: str,
) -> UserRow | None:
    """Somebody, if this is still their password's hash: checking took a while. Until the transaction
    ends nobody changes it, so that who changes it finds the session that is opened here. Primary key.
    """
    answer = await conn.fetchrow(
        _SQL["lock_password"],
        user_id,
        password_hash,
    )
    return None if answer is None else UserRow(*answer)


async def set_password_hash(
    conn: Connection,
    *,
    password_hash: str,
    user_id: UserId,
    old_hash: str,
) -> int:
    """A changed password, unless it has been changed meanwhile. Primary key."""
    answer = await conn.execute(
        _SQL["set_password_hash"],
        password_hash,
        user_id,
        old_hash,
    )
    return affected_rows(answer)


async def set_profile(
    conn: Connection,
    *,
    username: str | None,
    with_avatar: bool,
    avatar_url: str | None,
    user_id: UserId,
) -> UserRow:
    """How somebody wants to be seen: another name, unless it is null, and another picture or none,
    where with_avatar says so. Primary key; the unique index on username refuses a name that is taken.
    """
    answer = await conn.fetchrow(
        _SQL["set_profile"],
        username,
        with_avatar,
        avatar_url,
        user_id,
    )
    return UserRow(*the_row(answer))
