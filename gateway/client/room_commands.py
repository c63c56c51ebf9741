"""What can be done in a room, each as a durable command."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack
from uuid import UUID

from gateway.activities.chat.messages import Attachment
from gateway.activities.rooms.messages import Role
from gateway.core.protocol.base import Committed

TIMEOUT_SECONDS: Final = 30.0
"""How long a command is repeated until it is answered."""


class Repetition(TypedDict, total=False):
    """What every durable command takes beside its own arguments."""

    key: str | None
    """Names the command: given again with the same key, it has one effect. Else a random one."""

    within_seconds: float
    """How long it is repeated until it is answered; ``TIMEOUT_SECONDS`` unless you say."""


class _Changes(TypedDict, total=False):
    """What ``update`` may change; what is left out stays."""

    name: str
    description: str
    is_archived: bool
    retention_days: int


class RoomChanges(_Changes, Repetition):
    """What ``RoomCommands.update`` takes. An empty description is none; 0 days is for ever."""


class RoomCommands:
    """The durable commands of a room.

    Each returns once it is committed; ``Committed.seq`` is ``None`` where it
    changed nothing. It is repeated, with the same ``key``, over lost
    connections and passing errors, for ``within_seconds`` at most: then
    ``NoAnswer`` is raised. What the gateway refuses raises a ``CommandError``.
    Messages and people are named by their ids.
    """

    async def say(
        self,
        content: str = "",
        *,
        reply_to: UUID | None = None,
        mentions: Iterable[UUID] = (),
        attachment: Attachment | None = None,
        **repetition: Unpack[Repetition],
    ) -> Committed:
        """Send a message to everybody in the room: text, or an attachment, or both.

        A reply goes to the thread of the message that it answers. ``mentions``
        are people of the room; others are left out.
        """
        data: dict[str, Any] = {"content": content}
        if reply_to is not None:
            data["reply_to"] = reply_to
        if people := list(mentions):
            data["mentions"] = people
        if attachment is not None:
            is_image = attachment.media_type.startswith("image/")
            data["message_type"] = "image" if is_image else "file"
            data["attachment"] = attachment.model_dump()
        return await self._commit("chat.send", data, repetition)

    async def edit(
        self,
        message_id: UUID,
        content: str,
        *,
        mentions: Iterable[UUID] = (),
        **repetition: Unpack[Repetition],
    ) -> Committed:
        """Change the text of a message of yours, and whom it mentions."""
        data = {"message_id": message_id, "content": content, "mentions": list(mentions)}
        return await self._commit("chat.edit", data, repetition)

    async def delete(self, message_id: UUID, **repetition: Unpack[Repetition]) -> Committed:
        """Take a message back: your own, or any as admin or moderator."""
        return await self._commit("chat.delete", {"message_id": message_id}, repetition)

    async def react(
        self, message_id: UUID, emoji: str, **repetition: Unpack[Repetition]
    ) -> Committed:
        """Put an emoji under a message."""
        data = {"message_id": message_id, "emoji": emoji}
        return await self._commit("reaction.add", data, repetition)

    async def unreact(
        self, message_id: UUID, emoji: str, **repetition: Unpack[Repetition]
    ) -> Committed:
        """Take an emoji of yours away again."""
        data = {"message_id": message_id, "emoji": emoji}
        return await self._commit("reaction.remove", data, repetition)

    async def update(self, **changes: Unpack[RoomChanges]) -> Committed:
        """Change the room, as its admin; see ``RoomChanges``."""
        data: dict[str, Any] = {**changes}
        repetition: Repetition = {
            "key": data.pop("key", None),
            "within_seconds": data.pop("within_seconds", TIMEOUT_SECONDS),
        }
        return await self._commit("room.update", data, repetition)

    async def set_role(
        self, user_id: UUID, role: Role, **repetition: Unpack[Repetition]
    ) -> Committed:
        """Make somebody admin, moderator or plain member, as admin. One admin stays."""
        data = {"user_id": user_id, "role": role}
        return await self._commit("member.set_role", data, repetition)

    async def kick(self, user_id: UUID, **repetition: Unpack[Repetition]) -> Committed:
        """Put a member out, as admin, or as moderator if it is a plain member."""
        return await self._commit("member.kick", {"user_id": user_id}, repetition)

    async def ban(
        self,
        user_id: UUID,
        *,
        until: datetime | None = None,
        reason: str | None = None,
        **repetition: Unpack[Repetition],
    ) -> Committed:
        """Put somebody out and keep them out until then (``None``: for good), as for ``kick``."""
        data = {"user_id": user_id, "until": until, "reason": reason}
        return await self._commit("member.ban", data, repetition)

    async def unban(self, user_id: UUID, **repetition: Unpack[Repetition]) -> Committed:
        """Let somebody in again."""
        return await self._commit("member.unban", {"user_id": user_id}, repetition)

    async def mute(
        self, user_id: UUID, until: datetime | None, **repetition: Unpack[Repetition]
    ) -> Committed:
        """Let a member only read until then; ``None`` lets them speak again. As for ``kick``."""
        return await self._commit("member.mute", {"user_id": user_id, "until": until}, repetition)

    async def start_story(self, title: str, **repetition: Unpack[Repetition]) -> Committed:
        """Open a story for estimating."""
        return await self._commit("poker.start", {"title": title}, repetition)

    async def _commit(
        self, command_type: str, data: Mapping[str, Any], repetition: Repetition
    ) -> Committed:
        """Repeat a command until it is answered for good."""
        raise NotImplementedError
