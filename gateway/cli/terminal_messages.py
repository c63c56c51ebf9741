"""How messages, and what is done to them, look in a terminal.

What has been printed stays as it is, so a change is a line of its own that
says which message it means.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from rich.text import Text

from gateway.cli.terminal_people import People, mention_pattern
from gateway.cli.terminal_text import Entry, excerpt, note, person, plain
from gateway.client import (
    Attachment,
    ChatDeleted,
    ChatEdited,
    ChatMessage,
    Event,
    MessageView,
    Reaction,
    ReactionAdded,
    ReactionRemoved,
    RoomState,
)

_KILO: Final = 1_000

Change = ChatEdited | ChatDeleted | ReactionAdded | ReactionRemoved


class Messages:
    """Messages as ``own_id`` sees them."""

    def __init__(self, own_id: UUID, people: People) -> None:
        self._own_id = own_id
        self._people = people

    def said(
        self, message: ChatMessage | MessageView, at: datetime | None, state: RoomState
    ) -> Entry:
        """Show a message, as it was said or as it stands now."""
        if message.author is None:  # of an account that is gone
            author = note("somebody")
        else:
            author = person(message.author.name, message.author.id)
        if not message.content and message.attachment is None:
            return Entry(author.append("  ").append("message deleted", "dim italic"), at)
        body = author
        if message.reply_to is None:
            body.append("  ")
        else:
            body.append(f" ↳ {self.reference(_find(state, message.reply_to))}\n", "dim")
        body.append(self._content(message.content, message.mentions))
        if message.attachment is not None:
            body.append("\n" if message.content else "").append(_attachment(message.attachment))
        if isinstance(message, MessageView):
            if message.edited_at is not None:
                body.append(" (changed)", "dim")
            if message.reactions:
                body.append(f"\n{_reactions(message.reactions)}", "dim")
        return Entry(body, at, stands_out=self._own_id in message.mentions)

    def changed(self, event: Event, change: Change, state: RoomState) -> Entry | None:
        """Show what was done to a message; ``None`` where it has been deleted since."""
        message = _find(state, change.message_id)
        who = plain(self._people.name(event.by))
        if message is not None and message.deleted_at and not isinstance(change, ChatDeleted):
            return None
        match change:
            case ChatEdited(content=""):
                return None
            case ChatEdited(content=content, mentions=mentions):
                return self._edited(event, content, mentions)
            case ChatDeleted():
                return Entry(note(f"message deleted: {self._deleted(message, event.by)}"), event.at)
            case ReactionAdded(emoji=emoji):
                what = f"{who} reacted {plain(emoji)} to {self.reference(message)}"
            case ReactionRemoved(emoji=emoji):
                what = f"{who} took {plain(emoji)} back from {self.reference(message)}"
        counts = _reactions(message.reactions) if message is not None else ""
        return Entry(note(f"{what}  {counts}".rstrip()))

    def _edited(self, event: Event, content: str, mentions: tuple[UUID, ...]) -> Entry:
        body = note("somebody")
        if event.by is not None:
            body = person(self._people.name(event.by), event.by)
        body.append(" changed: ", "dim").append(self._content(content, mentions))
        return Entry(body, event.at, stands_out=self._own_id in mentions)

    def _content(self, content: str, mentions: tuple[UUID, ...]) -> Text:
        """Return the text, with your name in it marked where it mentions you."""
        text = Text(plain(content))
        if self._own_id in mentions:
            name = plain(self._people.name(self._own_id))
            text.highlight_regex(mention_pattern(name), "bold reverse")
        return text

    def reference(self, message: MessageView | None) -> str:
        """Return what stands for a message, its author and how it begins."""
        if message is None:
            return "an older message"
        author = plain(message.author.name) if message.author else "somebody"
        if message.deleted_at is not None:
            return f"a deleted message of {author}"
        attachment = message.attachment.name if message.attachment else ""
        return f"{author} {excerpt(message.content or attachment)}"

    def _deleted(self, message: MessageView | None, by: UUID | None) -> str:
        who = plain(self._people.name(by))
        if message is None:
            return f"an older one, by {who}"
        author = message.author
        named = f"{plain(author.name) if author else 'somebody'}, {message.at.astimezone():%H:%M}"
        return named if author is not None and author.id == by else f"{named}, by {who}"


def _find(state: RoomState, message_id: UUID) -> MessageView | None:
    return next((view for view in state.chat.messages if view.id == message_id), None)


def _reactions(reactions: tuple[Reaction, ...]) -> str:
    return "  ".join(f"{plain(reaction.emoji)} {reaction.count}" for reaction in reactions)


def _attachment(attachment: Attachment) -> Text:
    text = Text(f"{plain(attachment.name)} ({_size(attachment.size_bytes)}) ")
    return text.append(plain(attachment.url), "underline")


def _size(size_bytes: float) -> str:
    """Return a size in the largest unit of which there is one."""
    for unit in ("B", "KB", "MB"):
        if size_bytes < _KILO:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= _KILO
    return f"{size_bytes:,.3g} GB"
