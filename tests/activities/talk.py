"""A room with its people, and what they do in it."""

from typing import Any
from uuid import UUID

import orjson

from gateway.activities.chat.messages import ChatSend
from gateway.core.identity import Identity
from gateway.core.ids import RoomId
from gateway.core.protocol.base import Committed, DurableCommand
from gateway.storage.database import Database
from tests.support.ledgers import Book, read_log, wish


class Talk:
    """A room with its people, and what they do in it."""

    def __init__(self, database: Database, book: Book, room_id: RoomId) -> None:
        self.database = database
        self.book = book
        self.room_id = room_id

    async def do(
        self, command_type: type[DurableCommand], actor: Identity, **data: object
    ) -> Committed:
        """Carry out one command, or raise what rejects it."""
        return await self.book.ledger.submit(wish(command_type, self.room_id, actor, **data))

    async def say(self, actor: Identity, content: str = "Hello", **data: object) -> UUID:
        """Say something; return the message's id."""
        await self.do(ChatSend, actor, content=content, **data)
        return UUID((await self.events())[-1]["data"]["id"])

    async def events(self) -> list[dict[str, Any]]:
        """Return the log as it is replayed."""
        return [orjson.loads(text) for text in await read_log(self.database, self.room_id)]

    async def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Ask the database."""
        async with self.database.connection() as conn:
            return [dict(row) for row in await conn.fetch(sql, *values)]

    async def message(self, message_id: UUID) -> dict[str, Any]:
        """Return a message's row."""
        (row,) = await self.rows("select * from messages where id = $1", message_id)
        return row

    async def unread(self, person: Identity) -> int:
        """Return how many messages somebody has not read."""
        (row,) = await self.rows(
            "select r.message_count - greatest(m.read_count, r.forgotten_count) as unread "
            "from room_users m join rooms r on r.id = m.room_id "
            "where m.room_id = $1 and m.user_id = $2",
            self.room_id,
            person.user_id,
        )
        return int(row["unread"])

    async def message_count(self) -> int:
        """Return how many messages there have ever been."""
        (row,) = await self.rows("select message_count from rooms where id = $1", self.room_id)
        return int(row["message_count"])

    async def set_role(self, person: Identity, role: str) -> None:
        """Make somebody what they are to be in a test."""
        await self.rows(
            "update room_users set role = $3 where room_id = $1 and user_id = $2 returning 1",
            self.room_id,
            person.user_id,
            role,
        )
