"""What can be asked through the client, against real instances."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from gateway.client import (
    ChatMarked,
    ChatMessage,
    CommandError,
    Forbidden,
    PresenceChanged,
    UnknownMessage,
)
from tests.client.room_events import take, take_until
from tests.client.shared import Shared, SignIn
from tests.support.gateway_process import GatewayProcess, running_gateway

pytestmark = pytest.mark.server


async def test_history_is_read_page_by_page_both_ways(
    first: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Each token leads to the neighbouring page; a message may stand in the middle."""
    ada = await sign_in(first.url, "Ada")
    async with ada.room(room_name) as room:
        for number in range(7):
            await room.say(str(number))
        newest = await room.history(limit=3)
        assert [message.content for message in newest.messages] == ["4", "5", "6"]
        older = await room.history(before=newest.previous, limit=3)
        assert [message.content for message in older.messages] == ["1", "2", "3"]
        assert (await room.history(after=older.next, limit=3)).messages == newest.messages
        middle = older.messages[1]
        around = await room.history(around=middle.id, limit=2)
        assert [message.content for message in around.messages] == ["1", "2"]
        since = await room.history(since=middle.seq)
        assert [message.content for message in since.messages] == ["3", "4", "5", "6"]
        assert await room.message(middle.id) == middle
        with pytest.raises(CommandError, match="one at most"):
            await room.history(before=newest.previous, since=1)


async def test_all_messages_and_members_come_over_all_pages(
    first: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Whoever iterates need not know of pages."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(first.url, "Grace")
    async with ada.room(room_name) as room, grace.room(room_name):
        await asyncio.gather(*(room.say(str(number)) for number in range(120)))
        messages = [message async for message in room.all_messages()]
        assert sorted(int(message.content) for message in messages) == list(range(120))
        assert [message.number for message in messages] == list(range(1, 121))
        later = [message async for message in room.all_messages(since=messages[-2].seq)]
        assert later == messages[-1:]
        assert [member.user async for member in room.all_members()] == [ada.user, grace.user]
        page = await room.members(limit=1)
        rest = await room.members(after=page.next)
        assert [member.role for member in (*page.members, *rest.members)] == ["admin", "member"]


async def test_messages_are_found_and_their_threads_and_edits_read(
    first: GatewayProcess, sign_in: SignIn, room_name: str
):
    """What was said before, in answer, and with which words."""
    ada = await sign_in(first.url, "Ada")
    async with ada.room(room_name) as room:
        await room.say("Helo world")
        root = (await take(room, ChatMessage)).data
        assert isinstance(root, ChatMessage)
        await room.edit(root.id, "Hello world")
        await room.say("an answer", reply_to=root.id)
        await room.say("another answer", reply_to=root.id)
        assert [edit.content for edit in (await room.edits(root.id)).edits] == ["Helo world"]
        thread = await room.replies(root.id)
        assert [reply.content for reply in thread.messages] == ["an answer", "another answer"]
        found = await room.search("answer", limit=1)
        assert [message.content for message in found.messages] == ["another answer"]
        found = await room.search("answer", before=found.next)
        assert [message.content for message in found.messages] == ["an answer"]
        with pytest.raises(UnknownMessage):
            await room.edits(uuid4())
        with pytest.raises(CommandError, match="no word"):
            await room.search(" ")


async def test_who_has_read_what_and_who_is_banned(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Readers are told to all, bans to those who may take them back."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as here, grace.room(room_name) as there:
        await here.say("Read this")
        message = (await take(there, ChatMessage)).data
        assert isinstance(message, ChatMessage)
        assert (await here.receipts(message.id)).receipts == ()
        await there.mark_read()
        await take(here, ChatMarked)
        (receipt,) = (await here.receipts(message.id)).receipts
        assert receipt.user == grace.user
        with pytest.raises(Forbidden):
            await there.bans()
        await here.ban(grace.user.id, reason="Advertising")
        (ban,) = [ban async for ban in here.all_bans()]
        assert (ban.user, ban.reason, ban.banned_by) == (grace.user, "Advertising", ada.user)


async def test_people_are_asked_about_and_say_how_they_are(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Away is told to the room until the next command; a status needs no room to be said."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    await grace.set_status("online")
    async with ada.room(room_name) as here, grace.room(room_name) as there:
        await take_until(here, lambda _: here.count == 2)
        await grace.set_status("away")
        await take_until(
            here,
            lambda event: (
                isinstance(event.data, PresenceChanged)
                and {person.id: person.status for person in here.people}[grace.user.id] == "away"
            ),
        )
        asked = await ada.people([ada.user.id, grace.user.id, uuid4()])
        assert {person.id for person in asked.people} == {ada.user.id, grace.user.id}
        await there.say("Back")
        await take_until(here, lambda _: {person.status for person in here.people} == {"online"})


@pytest.mark.slow
async def test_a_question_survives_a_killed_instance(
    shared: Shared, sign_in: SignIn, room_name: str, tmp_path: Path
):
    """Asked while the instance is dead, it is answered by the one that takes its place."""
    async with running_gateway(tmp_path, **shared.settings) as doomed:
        ada = await sign_in(doomed.url, "Ada")
        async with ada.room(room_name) as room:
            await room.say("Before")
            await doomed.kill()
            port = ("--port", str(urlsplit(doomed.url).port))
            async with asyncio.TaskGroup() as tasks:
                question = tasks.create_task(room.history())
                async with running_gateway(tmp_path, arguments=port, **shared.settings):
                    page = await question
            assert [message.content for message in page.messages] == ["Before"]
