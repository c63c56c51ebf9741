"""A program's account with a gateway: who it is, and one connection for all its rooms."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

from gateway.activities.people.messages import PeopleView
from gateway.client.api import Api, SignedIn
from gateway.client.asking import QUESTION_SECONDS, until_answered
from gateway.client.connection import Connection
from gateway.client.errors import ClientError
from gateway.client.room import Room
from gateway.client.wire import Command
from gateway.core.ids import RoomId
from gateway.core.protocol.base import Person, Status, WireModel


class Client:
    """Sign in first, then open rooms. Use it in ``async with``, or ``close`` it."""

    def __init__(self, url: str) -> None:
        """``url`` is the gateway's, such as ``http://127.0.0.1:8000``."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ClientError(f"{url!r} is no address of a gateway, like http://127.0.0.1:8000.")
        self._url = url.rstrip("/")
        self._api = Api(self._url)
        self._signed_in: SignedIn | None = None
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye and close everything. The session stays good until it expires."""
        await self._disconnect()
        await self._api.close()

    @property
    def user(self) -> Person:
        """Who you are; ``ClientError`` before you have signed in."""
        return self._session.user

    async def sign_in_as_guest(self, name: str, *, avatar_url: str | None = None) -> Person:
        """Come in with a name alone. If it is taken, you get one close to it."""
        return await self._sign_in("guest", {"name": name, "avatar_url": avatar_url})

    async def sign_in(self, email: str, password: str) -> Person:
        """Sign in to an account."""
        return await self._sign_in("sign-in", {"email": email, "password": password})

    async def register(self, email: str, username: str, password: str) -> Person:
        """Make an account and sign in to it."""
        body = {"email": email, "username": username, "password": password}
        return await self._sign_in("register", body)

    async def sign_out(self) -> None:
        """End the session, here and at the gateway."""
        token = self._session.token
        await self._disconnect()
        await self._api.sign_out(token)
        self._signed_in = None

    def room(self, name_or_id: str) -> Room:
        """Return a room, to be opened by ``async with``.

        A name means the public room of that name, which is made if there is
        none; a private room is named by its id.
        """
        return Room(self, name_or_id)

    async def people(self, ids: Iterable[UUID]) -> PeopleView:
        """Ask who of these, a hundred at most, is connected, and when they were last.

        Who does not exist is left out. As with every question, ``NoAnswer`` is
        raised when there is none within ten seconds.
        """
        command = Command("person.list", None, {"user_ids": list(ids)})
        return await until_answered(self._connect(), command, PeopleView, QUESTION_SECONDS)

    async def set_status(self, status: Status) -> None:
        """Say how you are, instead of leaving it to the gateway.

        ``away`` holds until this client next says or changes something, or opens a room;
        ``online`` until you say ``away``. Reconnections change neither.
        """
        command = Command("presence.set", None, {"status": status})
        await until_answered(self._connect(), command, WireModel, QUESTION_SECONDS)

    async def reach(self, name_or_id: str) -> tuple[Connection, RoomId]:
        """Return the connection, and which room is meant (for ``Room``)."""
        try:
            room_id = RoomId(UUID(name_or_id))
        except ValueError:
            room_id = await self._api.public_room(name_or_id, self._session.token)
        return self._connect(), room_id

    @property
    def _session(self) -> SignedIn:
        if self._signed_in is None:
            raise ClientError("Sign in first.")
        return self._signed_in

    async def _sign_in(self, how: str, body: dict[str, str | None] | dict[str, str]) -> Person:
        """Sign in; rooms that are open end, for they belong to who you were."""
        signed_in = await self._api.sign_in(how, body)
        await self._disconnect()
        self._signed_in = signed_in
        return signed_in.user

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(self._url, self._session.token, self.user.id)
            # The client's one task: ``close`` ends it, and its failure reaches every caller.
            self._task = asyncio.create_task(  # noqa: TID251 - a program's, not the gateway's
                self._connection.run(), name=f"connection to {self._url}"
            )
        return self._connection

    async def _disconnect(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._connection = self._task = None
