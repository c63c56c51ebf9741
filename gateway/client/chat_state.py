"""The messages of a room, kept up to date by its events (pure)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gateway.activities.chat.messages import (
    ChatDeleted,
    ChatEdited,
    ChatMessage,
    ChatState,
    MessageView,
    Reaction,
    ReactionAdded,
    ReactionRemoved,
)
from gateway.client.events import Event

MAX_MESSAGES: Final = 500
"""Messages kept of each room, the newest; older ones are in the gateway's history."""

ChatChange = ChatMessage | ChatEdited | ChatDeleted | ReactionAdded | ReactionRemoved


def with_change(chat: ChatState, change: ChatChange, event: Event) -> ChatState:
    """Return the chat after ``event``, whose data ``change`` is.

    A change of a message that is not kept changes nothing.
    """
    match change:
        case ChatMessage():
            return _with_message(chat, change, event)
        case ChatEdited():
            news = {"content": change.content, "mentions": change.mentions, "edited_at": event.at}
            return _with_changed(chat, change.message_id, lambda _: news)
        case ChatDeleted():
            return _with_changed(chat, change.message_id, lambda _: _tombstone(event.at))
        case ReactionAdded() | ReactionRemoved():
            return _with_changed(
                chat,
                change.message_id,
                lambda message: {"reactions": _with_reaction(message.reactions, change, event.by)},
            )


def _with_message(chat: ChatState, message: ChatMessage, event: Event) -> ChatState:
    nothing_yet = {"reactions": (), "edited_at": None, "deleted_at": None}
    view = MessageView.model_validate(
        {**dict(message), **nothing_yet, "seq": event.seq, "at": event.at}, from_attributes=True
    )
    messages = (*chat.messages, view)
    return ChatState(
        messages=messages[-MAX_MESSAGES:],
        has_more=chat.has_more or len(messages) > MAX_MESSAGES,
    )


def _with_changed(
    chat: ChatState, message_id: UUID, news: Callable[[MessageView], dict[str, Any]]
) -> ChatState:
    messages = tuple(
        message.model_copy(update=news(message)) if message.id == message_id else message
        for message in chat.messages
    )
    return chat.model_copy(update={"messages": messages})


def _tombstone(at: datetime | None) -> dict[str, Any]:
    empty = {"content": "", "attachment": None, "mentions": (), "reactions": ()}
    return {**empty, "edited_at": None, "deleted_at": at}


def _with_reaction(
    reactions: tuple[Reaction, ...], change: ReactionAdded | ReactionRemoved, by: UUID | None
) -> tuple[Reaction, ...]:
    """Return the reactions after somebody's was added or removed; an emoji nobody has is gone."""
    if by is None:
        return reactions
    counted = {reaction.emoji: reaction for reaction in reactions}
    old = counted.get(change.emoji, Reaction(emoji=change.emoji, count=0, users=()))
    others = tuple(user for user in old.users if user != by)
    if isinstance(change, ReactionAdded):
        counted[change.emoji] = old.model_copy(
            update={"count": old.count + 1, "users": (*others, by)}
        )
    else:
        counted[change.emoji] = old.model_copy(update={"count": old.count - 1, "users": others})
    return tuple(reaction for reaction in counted.values() if reaction.count > 0)
