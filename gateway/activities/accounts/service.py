"""Accounts: registering, guests, signing in and out, sessions, and whose a token is."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from gateway.activities.accounts import audit, fields, limits
from gateway.activities.accounts.external import Vouched, is_external
from gateway.activities.accounts.external_people import ExternalPeople
from gateway.activities.accounts.limits import AccountSettings
from gateway.activities.accounts.messages import (
    PUBLIC_ID_LENGTH,
    SessionInfo,
    SessionsEnded,
    SessionsListed,
)
from gateway.activities.accounts.passwords import Passwords
from gateway.activities.accounts.sessions import Device, OnEnd, Sessions, SignedIn
from gateway.backplane.sessions import SessionCache
from gateway.backplane.throttle import Throttle
from gateway.core.errors import (
    Forbidden,
    GatewayError,
    InvalidCredentials,
    InvalidToken,
    Unavailable,
    UnknownSession,
    UsernameTaken,
)
from gateway.core.identity import Identity
from gateway.core.ids import SessionId, UserId
from gateway.storage import users
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import accounts as account_queries
from gateway.storage.generated import sessions as session_queries
from gateway.storage.generated import users as user_queries
from gateway.storage.generated.tables import UserRow
from gateway.storage.transactions import savepoint

MAX_LISTED: Final = 100
"""Sessions that a list tells; who has more ends the others together."""

Credential = str | Vouched
"""What an identity is looked up by: a token of the gateway's, or what a checked other one says."""

Check = Callable[[str], Awaitable[Vouched]]
"""Returns whom another service's token speaks for, or raises ``InvalidToken``."""


def _nobody_listens(_session_ids: Sequence[SessionId]) -> None:
    """Hear of ended sessions where there are no connections."""


class Accounts:
    """People's way in and out.

    ``address`` is where a request comes from; the throttle counts by it, and
    the list of sessions tells it, with the ``user_agent``. Any
    method may raise ``DatabaseUnavailable``, those that take a password
    ``Overloaded``. Redis is never needed.
    """

    def __init__(
        self,
        database: Database,
        cache: SessionCache,
        throttle: Throttle,
        passwords: Passwords,
        settings: AccountSettings,
        on_end: OnEnd = _nobody_listens,
        check_external: Check | None = None,
    ) -> None:
        """``on_end`` hears at once of sessions ended here.

        ``check_external`` checks tokens of another service; ``None``: there is no other.
        """
        self._database = database
        self._sessions = Sessions(database, cache, settings.session_lifetime, on_end)
        self._check_external = check_external
        self._external_people = ExternalPeople(database)
        self._throttle = throttle
        self._passwords = passwords
        self._settings = settings

    async def register(
        self,
        email: str,
        username: str,
        password: str,
        *,
        address: str,
        user_agent: str | None = None,
    ) -> SignedIn:
        """Make an account and sign in.

        Raises ``InvalidField``, ``RateLimited``, ``EmailTaken``, ``UsernameTaken``.
        """
        email = fields.clean_email(email)
        username = fields.clean_username(username)
        password = fields.clean_password(password)
        await self._throttle.take([limits.arrival_counter(self._settings, address)])
        password_hash = await self._passwords.hash(password)
        async with self._database.transaction() as conn:
            user = await users.register(
                conn, email=email, username=username, password_hash=password_hash
            )
            await audit.record(conn, "register", user.id, email=email, address=address)
            return await self._sessions.open(conn, user, _device(address, user_agent))

    async def guest(
        self,
        name: str,
        avatar_url: str | None = None,
        *,
        address: str,
        user_agent: str | None = None,
    ) -> SignedIn:
        """Let somebody in by a name, or by one close to it where it is taken.

        Raises ``InvalidField``, ``RateLimited``.
        """
        name = fields.clean_guest_name(name)
        avatar_url = fields.clean_avatar_url(avatar_url)
        await self._throttle.take([limits.arrival_counter(self._settings, address)])
        async with self._database.transaction() as conn:
            user = await _create_guest(conn, name, avatar_url)
            return await self._sessions.open(conn, user, _device(address, user_agent))

    async def sign_in(
        self, email: str, password: str, *, address: str, user_agent: str | None = None
    ) -> SignedIn:
        """Open a session by e-mail and password.

        Raises ``InvalidField``, ``InvalidCredentials``, ``RateLimited``. An
        attempt is counted before the password is looked at, so that many at
        once cannot pass the limit together; one that was no failure is taken off.
        """
        email = fields.clean_email(email)
        counters = limits.sign_in_counters(self._settings, email, address)
        await self._throttle.take(counters)
        try:
            user = await self._check_credentials(email, password)
            signed_in = await self._open_session(user, _device(address, user_agent))
        except InvalidCredentials:
            await self._record_failure(email, address)
            raise
        except Unavailable:
            await self._throttle.give_back(counters)
            raise
        await self._throttle.forget(counters.person)
        await self._throttle.give_back([counters.address])
        return signed_in

    async def identify(self, token: str) -> Identity:
        """Return whose token this is; ``InvalidToken`` when it is nobody's, or not any more."""
        (identity,) = await self.identify_all([await self.check(token)])
        if isinstance(identity, GatewayError):
            raise identity
        return identity

    async def check(self, token: str) -> Credential:
        """Return what to look up for a token: itself, or whom a token of another service means.

        Apart from ``identify_all``, because it may have to wait for that
        service. Raises ``InvalidToken``, ``IdentityProviderUnavailable``.
        """
        if self._check_external is None or not is_external(token):
            return token
        return await self._check_external(token)

    async def identify_all(
        self, credentials: Sequence[Credential]
    ) -> list[Identity | GatewayError]:
        """Return whose these are, many at the price of one."""
        vouched = [one for one in credentials if isinstance(one, Vouched)]
        own = iter(await self._sessions.identify([c for c in credentials if isinstance(c, str)]))
        external = iter(await self._external_people.identify(vouched))
        return [next(own if isinstance(one, str) else external) for one in credentials]

    async def sign_out(self, identity: Identity) -> None:
        """End the session. PostgreSQL forgets it first: Redis can then only repeat the truth.

        Its connections are closed at once. ``Forbidden`` with another service's token.
        """
        _require_own_session(identity)
        async with self._database.transaction() as conn:
            await session_queries.delete_session(conn, sid=identity.session_id)
            await audit.record(conn, "sign_out", identity.user_id)
        await self._sessions.call_in([identity.session_id])

    async def list_sessions(self, identity: Identity) -> SessionsListed:
        """Return where the person is signed in. ``Forbidden`` with another service's token."""
        _require_own_session(identity)
        async with self._database.connection() as conn:
            rows = await account_queries.list_sessions(
                conn, user_id=identity.user_id, own_sid=identity.session_id, most=MAX_LISTED
            )
        return SessionsListed(
            sessions=tuple(
                SessionInfo(
                    id=_public_id(row.sid),
                    created_at=row.created_at,
                    expires_at=row.expires_at,
                    address=row.address,
                    user_agent=row.user_agent,
                    current=row.sid == identity.session_id,
                )
                for row in rows
            )
        )

    async def end_session(self, identity: Identity, public_id: str) -> SessionsEnded:
        """End one of the person's sessions, perhaps this one; its connections are closed at once.

        Raises ``UnknownSession``, also for somebody else's, and ``Forbidden``
        with another service's token.
        """
        _require_own_session(identity)
        async with self._database.transaction() as conn:
            session_id = await account_queries.end_session(
                conn, user_id=identity.user_id, public_id=public_id
            )
            if session_id is None:
                raise UnknownSession("You have no such session, or it has ended.")
            await audit.record(conn, "end_session", identity.user_id, session=public_id)
        await self._sessions.call_in([session_id])
        return SessionsEnded(ended=1)

    async def end_other_sessions(self, identity: Identity) -> SessionsEnded:
        """End the person's sessions but this one. ``Forbidden`` with another service's token."""
        _require_own_session(identity)
        async with self._database.transaction() as conn:
            ended = await account_queries.end_other_sessions(
                conn, user_id=identity.user_id, kept_sid=identity.session_id
            )
            await audit.record(
                conn, "end_other_sessions", identity.user_id, sessions_ended=len(ended)
            )
        await self._sessions.call_in(ended)
        return SessionsEnded(ended=len(ended))

    async def call_in(self, session_ids: Sequence[SessionId]) -> None:
        """Close the connections of sessions that were found to be over, here and elsewhere."""
        await self._sessions.call_in(session_ids)

    async def change_password(self, identity: Identity, old: str, new: str) -> None:
        """Set a new password and end the person's other sessions.

        Raises ``InvalidField``, ``InvalidCredentials``, ``RateLimited``, ``InvalidToken``, and
        ``Forbidden`` for guests, and with another service's token: no password is here.
        """
        _require_own_session(identity)
        new = fields.clean_password(new, "new_password")
        if identity.is_guest:
            raise Forbidden("A guest has no password.")
        old_hash = await self._check_old_password(identity.user_id, old)
        password_hash = await self._passwords.hash(new)
        async with self._database.transaction() as conn:
            if not await user_queries.set_password_hash(
                conn, user_id=identity.user_id, old_hash=old_hash, password_hash=password_hash
            ):
                raise _not_the_old_password()
            # Hashing took a while: the person may have ended this session meanwhile.
            if not await session_queries.find_sessions(conn, sids=[identity.session_id]):
                raise InvalidToken("This session has ended; sign in again.")
            ended = await account_queries.end_other_sessions(
                conn, user_id=identity.user_id, kept_sid=identity.session_id
            )
            await audit.record(conn, "change_password", identity.user_id, sessions_ended=len(ended))
        await self._sessions.call_in(ended)

    async def change_profile(
        self,
        identity: Identity,
        *,
        username: str | None,
        with_avatar: bool = False,
        avatar_url: str | None = None,
    ) -> Identity:
        """Set a new name, if one is given, and with ``with_avatar`` a new picture or none.

        Return who it is now. Raises ``InvalidField``, ``UsernameTaken``.
        Connections that are open keep the name and the picture they came with.
        """
        if username is not None:
            clean = fields.clean_guest_name if identity.is_guest else fields.clean_username
            username = clean(username)
        avatar_url = fields.clean_avatar_url(avatar_url)
        async with self._database.transaction() as conn:
            user = await users.set_profile(
                conn,
                user_id=identity.user_id,
                username=username,
                with_avatar=with_avatar,
                avatar_url=avatar_url,
            )
            session_ids = await account_queries.sessions_of(conn, user_id=identity.user_id)
        await self._sessions.read_anew(session_ids)
        return replace(identity, name=user.username, avatar_url=user.avatar_url)

    async def _open_session(self, user: UserRow, device: Device) -> SignedIn:
        """Open a session by a password that was right; ``InvalidCredentials`` if it changed."""
        async with self._database.transaction() as conn:
            known = await user_queries.lock_password(
                conn, user_id=user.id, password_hash=user.password_hash or ""
            )
            if known is None:
                raise _wrong_credentials()
            await audit.record(conn, "sign_in", known.id, address=device.address or "")
            return await self._sessions.open(conn, known, device)

    async def _check_credentials(self, email: str, password: str) -> UserRow:
        """Return the account; unknown or wrong take the same time and get the same answer."""
        async with self._database.connection() as conn:
            user = await user_queries.get_user_by_email(conn, email=email)
        password_hash = user.password_hash if user else None
        matches = await self._passwords.verify(fields.normalize_password(password), password_hash)
        if user is None or not matches:
            raise _wrong_credentials()
        return user

    async def _check_old_password(self, user_id: UserId, password: str) -> str:
        """Return the password's hash, or raise ``InvalidCredentials``.

        Counted like a sign-in: a stolen session may guess too.
        """
        counter = limits.password_counter(self._settings, user_id)
        await self._throttle.take([counter])
        async with self._database.connection() as conn:
            user = await user_queries.get_user(conn, user_id=user_id)
        password_hash = user.password_hash if user else None
        matches = await self._passwords.verify(fields.normalize_password(password), password_hash)
        if password_hash is None or not matches:
            raise _not_the_old_password()
        await self._throttle.forget(counter)
        return password_hash

    async def _record_failure(self, email: str, address: str) -> None:
        """Write a failed sign-in to the trail; attempts that the throttle refused never get here.

        So nobody can fill the table faster than they may guess.
        """
        async with self._database.connection() as conn:
            await audit.record(conn, "sign_in_failed", None, email=email, address=address)


async def _create_guest(conn: Connection, name: str, avatar_url: str | None) -> UserRow:
    for username in fields.guest_name_candidates(name, secrets.token_hex(4)):
        try:
            async with savepoint(conn):  # a taken name ends only itself
                return await users.register_guest(conn, username=username, avatar_url=avatar_url)
        except UsernameTaken:
            continue
    raise UsernameTaken("This name is taken, and so are those close to it.")


def _require_own_session(identity: Identity) -> None:
    """Raise ``Forbidden`` for who came with another service's token."""
    if identity.external_until is not None:
        raise Forbidden("You come with a token of another service: sign-in and out are there.")


def _wrong_credentials() -> InvalidCredentials:
    return InvalidCredentials("This e-mail address and password do not belong together.")


def _not_the_old_password() -> InvalidCredentials:
    return InvalidCredentials("The old password is not this one.")


def _device(address: str, user_agent: str | None) -> Device:
    return Device(address, fields.clean_user_agent(user_agent))


def _public_id(session_id: SessionId) -> str:
    return session_id[:PUBLIC_ID_LENGTH]
