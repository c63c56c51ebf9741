"""What can be asked about a room."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel

from gateway.activities.chat.messages import MessageView
from gateway.activities.reading.messages import (
    MAX_PAGE,
    BanPage,
    BanView,
    EditHistory,
    FoundPage,
    MemberPage,
    MemberView,
    MessagePage,
    Receipts,
    RepliesPage,
)

_Answer = TypeVar("_Answer", bound=BaseModel)


class RoomQuestions:
    """The questions about a room, which its members may ask.

    A question changes nothing, so it is asked again over lost connections and
    passing errors, for ten seconds at most: then ``NoAnswer`` is raised. What
    the gateway refuses raises a ``CommandError``. Lists come in pages of at
    most a hundred; a page's tokens (``next``, ``previous``) lead to the others.
    """

    async def history(
        self,
        *,
        before: str | None = None,
        after: str | None = None,
        around: UUID | None = None,
        since: int | None = None,
        limit: int = 50,
    ) -> MessagePage:
        """Return messages, oldest first: the newest if nothing is said, else one of these.

        ``before`` is the ``previous`` of another page and ``after`` its
        ``next``; ``around`` is a message that stands in the middle, ``since``
        a ``seq``.
        """
        places = {"before": before, "after": after, "around": around, "since": since}
        return await self._ask("chat.history", {**places, "limit": limit}, MessagePage)

    async def search(self, query: str, *, before: str | None = None, limit: int = 50) -> FoundPage:
        """Return messages that have all the words, newest first; ``before`` is a ``next``.

        ``"a phrase"``, ``or`` and ``-without`` mean what they say.
        """
        data = {"q": query, "before": before, "limit": limit}
        return await self._ask("chat.search", data, FoundPage)

    async def message(self, message_id: UUID) -> MessageView:
        """Return one message as it stands now."""
        return await self._ask("chat.get", {"message_id": message_id}, MessageView)

    async def replies(
        self, message_id: UUID, *, after: str | None = None, limit: int = 50
    ) -> RepliesPage:
        """Return the thread of a message, the replies to it, oldest first."""
        data = {"message_id": message_id, "after": after, "limit": limit}
        return await self._ask("chat.replies", data, RepliesPage)

    async def edits(self, message_id: UUID) -> EditHistory:
        """Return what a message said before, oldest first."""
        return await self._ask("chat.edits", {"message_id": message_id}, EditHistory)

    async def receipts(self, message_id: UUID) -> Receipts:
        """Return who has read a message; ``InvalidState`` with more than a hundred members."""
        return await self._ask("chat.receipts", {"message_id": message_id}, Receipts)

    async def members(self, *, after: str | None = None, limit: int = 50) -> MemberPage:
        """Return members, in the order in which they came."""
        return await self._ask("room.members", {"after": after, "limit": limit}, MemberPage)

    async def bans(self, *, after: str | None = None, limit: int = 50) -> BanPage:
        """Return who may not come in, newest ban first; ``Forbidden`` for plain members."""
        return await self._ask("room.bans", {"after": after, "limit": limit}, BanPage)

    async def all_messages(self, *, since: int = 0) -> AsyncIterator[MessageView]:
        """Iterate over all that has been said after a ``seq``, oldest first, page by page."""
        page = await self.history(since=since, limit=MAX_PAGE)
        while True:
            for message in page.messages:
                yield message
            if page.next is None:
                return
            page = await self.history(after=page.next, limit=MAX_PAGE)

    async def all_members(self) -> AsyncIterator[MemberView]:
        """Iterate over all members, page by page."""
        page = await self.members(limit=MAX_PAGE)
        while True:
            for member in page.members:
                yield member
            if page.next is None:
                return
            page = await self.members(after=page.next, limit=MAX_PAGE)

    async def all_bans(self) -> AsyncIterator[BanView]:
        """Iterate over all bans, page by page."""
        page = await self.bans(limit=MAX_PAGE)
        while True:
            for ban in page.bans:
                yield ban
            if page.next is None:
                return
            page = await self.bans(after=page.next, limit=MAX_PAGE)

    async def _ask(
        self, command_type: str, data: Mapping[str, Any], answer_type: type[_Answer]
    ) -> _Answer:
        """Ask until it is answered."""
        raise NotImplementedError
