"""Changing what has been said: edits, deletions, reactions. Rare, so one by one."""

from uuid import UUID

from gateway.activities.activity import Context, Outcome
from gateway.activities.chat import rules
from gateway.activities.chat.messages import (
    ChatDelete,
    ChatDeleted,
    ChatEdit,
    ChatEdited,
    ReactionAdd,
    ReactionAdded,
    ReactionRemove,
    ReactionRemoved,
)
from gateway.activities.chat.sending import find_members, note_mentions
from gateway.core.errors import Forbidden, InvalidField, InvalidState, UnknownMessage
from gateway.core.ids import MessageId, UserId
from gateway.storage.generated import audit as audit_queries
from gateway.storage.generated import messages as message_queries
from gateway.storage.generated.messages import GetMessageRow


async def edit(context: Context, command: ChatEdit) -> Outcome:
    """Change the text of an own message; the same text again changes nothing."""
    context.require_speaker()
    data = command.data
    message = await _read(context, data.message_id)
    if message.user_id != context.actor.user_id:
        raise Forbidden("Only its author may edit a message.")
    if message.message_type == "text" and not data.content:
        raise InvalidField('The field "data.content" is wrong: a text needs content.')
    rules.check_edit_count(
        await message_queries.count_edits(context.conn, message_id=message.id) + 1
    )
    named = [(context.room.id, user_id) for user_id in dict.fromkeys(data.mentions)]
    members = await find_members(context.conn, named) if named else set()
    mentions = [UserId(user_id) for room_id, user_id in named if (room_id, user_id) in members]
    if data.content == message.content and mentions == message.mentions:
        return Outcome(())
    await message_queries.edit_message(
        context.conn,
        message_id=message.id,
        seq=context.seq,
        content=data.content,
        mentions=mentions,
        edited_at=context.now,
    )
    await message_queries.forget_mentions(context.conn, message_id=message.id, kept=mentions)
    await note_mentions(
        context.conn,
        [(user_id, context.room.id, message.seq, message.id) for user_id in mentions],
    )
    event = ChatEdited(message_id=message.id, content=data.content, mentions=tuple(mentions))
    return Outcome((event,), touched=tuple({*mentions, *message.mentions}))


async def delete(context: Context, command: ChatDelete) -> Outcome:
    """Make a message a tombstone, and what it said unreadable in the log as well."""
    role = context.require_member()
    message = await _read(context, command.data.message_id)
    is_own = message.user_id == context.actor.user_id
    if not is_own and role not in rules.MAY_DELETE:
        raise Forbidden("Only its author, a moderator or an admin may delete a message.")
    told_at = await message_queries.delete_message(
        context.conn, message_id=message.id, deleted_at=context.now
    )
    if not is_own:
        await audit_queries.record_action(
            context.conn,
            action="delete_message",
            entity_type="message",
            entity_id=str(message.id),
            user_id=str(context.actor.user_id),
            details={"room": str(context.room.id), "author": str(message.user_id)},
        )
    return Outcome(
        (ChatDeleted(message_id=message.id),),
        touched=tuple(message.mentions),
        redacted=tuple(told_at),
    )


async def add_reaction(context: Context, command: ReactionAdd) -> Outcome:
    """Put an emoji under a message; one's own again changes nothing."""
    context.require_speaker()
    emoji = rules.clean_emoji(command.data.emoji)
    message = await _read(context, command.data.message_id)
    others = await message_queries.count_other_emoji(
        context.conn, message_id=message.id, emoji=emoji
    )
    rules.check_emoji_count(others + 1)
    added = await message_queries.add_reaction(
        context.conn,
        message_id=message.id,
        user_id=context.actor.user_id,
        emoji=emoji,
        created_at=context.now,
    )
    return Outcome((ReactionAdded(message_id=message.id, emoji=emoji),) if added else ())


async def remove_reaction(context: Context, command: ReactionRemove) -> Outcome:
    """Take an own emoji away; one that is not there changes nothing."""
    context.require_member()
    emoji = rules.clean_emoji(command.data.emoji)
    message = await _read(context, command.data.message_id)
    removed = await message_queries.remove_reaction(
        context.conn, message_id=message.id, user_id=context.actor.user_id, emoji=emoji
    )
    return Outcome((ReactionRemoved(message_id=message.id, emoji=emoji),) if removed else ())


async def _read(context: Context, message_id: UUID) -> GetMessageRow:
    """Return a message of this room that is still there to be changed."""
    message = await message_queries.get_message(
        context.conn, room_id=context.room.id, message_id=MessageId(message_id)
    )
    if message is None:
        raise UnknownMessage("There is no such message in this room.")
    if message.deleted_at is not None:
        raise InvalidState("This message has been deleted.")
    return message
