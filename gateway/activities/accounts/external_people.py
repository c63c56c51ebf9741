"""People of another service: who they are here, made at their first token.

Nothing of them is cached. Whether a token is good is computed each time, and
who it is stands in PostgreSQL behind a unique index.
"""

import secrets
from collections.abc import Sequence
from typing import Final

from gateway.activities.accounts import audit, fields
from gateway.activities.accounts.external import Vouched
from gateway.core.errors import DatabaseUnavailable, GatewayError, InvalidField, UsernameTaken
from gateway.core.identity import Identity
from gateway.core.ids import SessionId
from gateway.storage import users
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import users as user_queries
from gateway.storage.generated.tables import UserRow
from gateway.storage.transactions import savepoint

_NAMELESS: Final = "Somebody"


class ExternalPeople:
    """Finds the people of another service, and makes those it has not seen yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def identify(self, vouched: Sequence[Vouched]) -> list[Identity | GatewayError]:
        """Return who each of them is here, or why it cannot be said."""
        if not vouched:
            return []
        wanted = {one.external_id: one for one in vouched}
        try:
            async with self._database.connection() as conn:
                rows = await user_queries.find_external_users(conn, external_ids=list(wanted))
        except DatabaseUnavailable as error:
            return [error for _ in vouched]
        found: dict[str | None, UserRow | GatewayError] = {row.external_id: row for row in rows}
        for external_id, one in wanted.items():
            if external_id not in found:
                found[external_id] = await self._create(one)
        return [_identity(one, found[one.external_id]) for one in vouched]

    async def _create(self, one: Vouched) -> UserRow | GatewayError:
        try:
            async with self._database.transaction() as conn:
                user = await _insert(conn, one)
                if user is not None:
                    await audit.record(
                        conn, "register_external", user.id, external_id=one.external_id
                    )
                    return user
                # Another instance was quicker; a new statement sees what it has committed.
                (user,) = await user_queries.find_external_users(
                    conn, external_ids=[one.external_id]
                )
                return user
        except GatewayError as error:
            return error


async def _insert(conn: Connection, one: Vouched) -> UserRow | None:
    """Make the person by the best name that is free; ``None`` if they exist by now."""
    for username in fields.guest_name_candidates(_name(one), secrets.token_hex(4)):
        try:
            async with savepoint(conn):  # a taken name ends only itself
                return await users.register_external(
                    conn,
                    external_id=one.external_id,
                    username=username,
                    avatar_url=_picture(one),
                )
        except UsernameTaken:
            continue
    raise UsernameTaken("This name is taken, and so are those close to it.")


def _name(one: Vouched) -> str:
    for name in one.names:
        try:
            return fields.clean_guest_name(name.strip()[: fields.MAX_NAME])
        except InvalidField:
            continue
    return _NAMELESS


def _picture(one: Vouched) -> str | None:
    try:
        return fields.clean_avatar_url(one.picture)
    except InvalidField:
        return None  # no reason to keep somebody out


def _identity(one: Vouched, user: UserRow | GatewayError) -> Identity | GatewayError:
    if isinstance(user, GatewayError):
        return user
    return Identity(
        user.id,
        user.username,
        user.avatar_url,
        user.is_guest,
        SessionId(one.token_hash),
        external_until=one.expires_at,
    )
