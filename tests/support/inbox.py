"""A person's inbox on one connection, as a client keeps it: the state and what changes it."""

from collections.abc import Callable
from typing import Self

from tests.support.socket_client import Message, SocketClient


class Inbox:
    """What the connection has been told."""

    def __init__(self, client: SocketClient, state: Message) -> None:
        self.client = client
        self.rooms: dict[str, Message] = {room["id"]: room for room in state["rooms"]}
        self.invitations: list[Message] = state["invitations"]
        self.notices = 0

    @classmethod
    async def open(cls, client: SocketClient) -> Self:
        """Open the inbox of whoever has signed in on the connection."""
        return cls(client, await client.ask("inbox.open"))

    async def until(self, wanted: Callable[["Inbox"], bool]) -> None:
        """Take in what is told until the inbox is as wanted."""
        while not wanted(self):
            notice = await self.client.take(lambda message: message.get("type") == "inbox.changed")
            self.notices += 1
            changed = notice["data"]
            assert not set(changed["gone"]) - set(self.rooms), "gone, and was not there"
            for room in changed["rooms"]:
                assert room != self.rooms.get(room["id"]), "told again"
                self.rooms[room["id"]] = room
            for room_id in changed["gone"]:
                del self.rooms[room_id]
            if changed["invitations"] is not None:
                assert changed["invitations"] != self.invitations, "told again"
                self.invitations = changed["invitations"]

    async def shows(self, room: str, **values: object) -> None:
        """Wait until a room is shown with these values."""
        await self.until(lambda inbox: inbox.has(room, **values))

    def has(self, room: str, **values: object) -> bool:
        """Whether a room is shown with these values."""
        return room in self.rooms and self.rooms[room].items() >= values.items()
