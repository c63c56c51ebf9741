"""What somebody types in a terminal, done in their room."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from gateway.cli.terminal_lines import (
    Ban,
    Delete,
    Doing,
    Edit,
    Kick,
    Mute,
    React,
    Rename,
    Reply,
    Reveal,
    Say,
    SetRole,
    SetTopic,
    StartStory,
    Unban,
    Unmute,
    Vote,
)
from gateway.cli.terminal_people import People
from gateway.client import Committed, MessageView, Muted, Room

_WRONG_FIELD: Final = re.compile(r'The field "[^"]*" is wrong: (?P<wish>.*)', re.DOTALL)


class NotPossible(Exception):
    """What was typed means nobody, or no message; the text is one sentence."""


class Actions:
    """The room, as ``own_id`` acts in it."""

    def __init__(self, room: Room, people: People, own_id: UUID) -> None:
        self._room = room
        self._people = people
        self._own_id = own_id

    async def do(self, what: Doing) -> Committed:
        """Do something; raises ``NotPossible`` and what the client raises."""
        room = self._room
        match what:
            case Say() | Reply() | Edit() | Delete() | React():
                return await self._talk(what)
            case Rename(name):
                return await room.update(name=name)
            case SetTopic(topic):
                return await room.update(description=topic)
            case Vote(card):
                return await room.vote(card)
            case StartStory(title):
                return await room.start_story(title)
            case Reveal():
                return await room.reveal()
            case _:
                return await self._moderate(what)

    async def _talk(self, what: Say | Reply | Edit | Delete | React) -> Committed:
        room, people = self._room, self._people
        match what:
            case Say(text):
                return await room.say(text, mentions=people.mentioned(text))
            case Reply(place, text):
                message = nth_last(room.messages, place)
                mentions = people.mentioned(text)
                return await room.say(text, reply_to=message.id, mentions=mentions)
            case Edit(text):
                message = last_of(room.messages, self._own_id)
                return await room.edit(message.id, text, mentions=people.mentioned(text))
            case Delete(place):
                if place is None:
                    message = last_of(room.messages, self._own_id)
                else:
                    message = nth_last(room.messages, place)
                return await room.delete(message.id)
            case React(emoji, place):
                message = nth_last(room.messages, place)
                has_it = any(
                    reaction.emoji == emoji and self._own_id in reaction.users
                    for reaction in message.reactions
                )
                return await (room.unreact if has_it else room.react)(message.id, emoji)

    async def _moderate(self, what: SetRole | Mute | Unmute | Kick | Ban | Unban) -> Committed:
        room = self._room
        if isinstance(what, Unban):
            return await room.unban(await self._find_banned(what.name))
        user_id = await self._find_member(what.name)
        match what:
            case SetRole(_, role):
                return await room.set_role(user_id, role)
            case Mute(_, minutes):
                return await room.mute(user_id, datetime.now(UTC) + timedelta(minutes=minutes))
            case Unmute():
                return await room.mute(user_id, None)
            case Kick():
                return await room.kick(user_id)
            case Ban():
                return await room.ban(user_id)

    async def _find_member(self, name: str) -> UUID:
        """Find somebody by their whole name, or by a beginning that is one member's alone.

        Those who were seen are not all there are, so the beginning must be
        unique among the members.
        """
        if (known := self._people.find_whole(name)) is not None:
            return known
        members = People()
        async for member in self._room.all_members():
            members.meet([member.user])
        if (found := members.find(name)) is None:
            raise NotPossible(f"No member is called {name}, or more than one is; see /members.")
        return found

    async def _find_banned(self, name: str) -> UUID:
        banned = People()
        async for ban in self._room.all_bans():
            banned.meet([ban.user])
        if (found := banned.find(name)) is None:
            raise NotPossible(f"Nobody called {name} is banned here, or more than one is.")
        return found


def friendly(error: Exception) -> str:
    """Return why something was not done, for a person who knows no field names."""
    if isinstance(error, Muted):
        return "You may not say anything here at the moment: you are muted."
    field = _WRONG_FIELD.fullmatch(str(error))
    return f"That does not fit: {field['wish']}" if field else str(error)


def nth_last(messages: tuple[MessageView, ...], place: int) -> MessageView:
    """Return the n-th last message that is still there, from 1; or raise ``NotPossible``."""
    kept = [message for message in messages if message.deleted_at is None]
    if place > len(kept):
        few = f"Only {len(kept)} messages are" if len(kept) > 1 else "Only one message is"
        raise NotPossible(f"{few} known here." if kept else "There is no message yet.")
    return kept[-place]


def last_of(messages: tuple[MessageView, ...], author_id: UUID) -> MessageView:
    """Return an author's last message that is still there; or raise ``NotPossible``."""
    own = [message for message in messages if message.author and message.author.id == author_id]
    try:
        return nth_last(tuple(own), 1)
    except NotPossible:
        raise NotPossible("You have not said anything here yet.") from None
