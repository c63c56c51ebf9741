"""All of the chat through the client, against real instances."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.client import (
    Attachment,
    Banned,
    ChatDeleted,
    ChatEdited,
    ChatMarked,
    ChatMessage,
    Forbidden,
    InvalidState,
    LastAdmin,
    MemberLeft,
    MemberMuted,
    MemberRoleChanged,
    MembershipEnded,
    Muted,
    NotAMember,
    ReactionAdded,
    ReactionRemoved,
    RoomUpdated,
    UnknownMember,
    UnknownMessage,
)
from tests.client.room_events import take, take_until
from tests.client.shared import Shared, SignIn
from tests.support.gateway_process import GatewayProcess, running_gateway

pytestmark = pytest.mark.server


async def test_messages_are_answered_edited_reacted_to_and_deleted(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Each change reaches the other instance and its state; a late joiner sees the same."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as here, grace.room(room_name) as there:
        await here.say("Hello @Grace", mentions=[grace.user.id])
        message = (await take(there, ChatMessage)).data
        assert isinstance(message, ChatMessage)
        assert message.mentions == (grace.user.id,)
        await there.say("Hello yourself", reply_to=message.id)
        await there.react(message.id, "👍")
        await here.edit(message.id, "Good morning")
        await take(there, ChatEdited)
        await take(here, ReactionAdded)
        assert [view.reply_to for view in there.messages] == [None, message.id]
        async with (await sign_in(first.url, "Alan")).room(room_name) as late:
            assert late.messages == there.messages == here.messages
        await there.unreact(message.id, "👍")
        await take(here, ReactionRemoved)
        assert here.messages[0].reactions == ()
        await here.delete(message.id)
        await take(there, ChatDeleted)
        assert (there.messages[0].content, there.messages[0].deleted_at is None) == ("", False)


async def test_an_attachment_is_told_with_or_without_words(
    first: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Its media type says whether it is an image."""
    ada = await sign_in(first.url, "Ada")
    async with ada.room(room_name) as room:
        for media_type, message_type in (("image/png", "image"), ("text/plain", "file")):
            attachment = Attachment(
                url="https://example.com/a", name="a", media_type=media_type, size_bytes=7
            )
            await room.say(attachment=attachment)
            message = (await take(room, ChatMessage)).data
            assert isinstance(message, ChatMessage)
            assert (message.message_type, message.attachment) == (message_type, attachment)


async def test_reading_moves_the_marker_on_every_device(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """What others say is unread until it is marked, and stays read for who comes back."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as here:
        async with grace.room(room_name) as there:
            await here.say("one")
            await here.say("two")
            assert here.unread == 0
            await take_until(there, lambda _: len(there.messages) == 2)
            assert there.unread == 2
            await there.mark_read(there.messages[0].seq)
            assert there.unread == 1
            marked = await take(here, ChatMarked)
            assert (marked.by, here.unread) == (grace.user.id, 0)
        async with grace.room(room_name) as again:
            assert again.unread == 1
            await again.mark_read()
            assert again.unread == 0
            repeated = await again.mark_read(1)
            assert (repeated.seq, again.unread) == (None, 0)


async def test_roles_mutes_and_the_room_itself_are_changed(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Whom it concerns knows it from the state, and the refusals have their classes."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as here, grace.room(room_name) as there:
        await here.set_role(grace.user.id, "moderator")
        await take(there, MemberRoleChanged)
        assert there.state.room.role == "moderator"
        with pytest.raises(Forbidden):
            await there.update(name="Mine")
        await here.set_role(grace.user.id, "member")
        until = datetime.now(UTC) + timedelta(hours=1)
        await here.mute(grace.user.id, until)
        await take(there, MemberMuted)
        assert there.state.room.muted_until is not None
        with pytest.raises(Muted):
            await there.say("mmm")
        await here.mute(grace.user.id, None)
        await there.say("Finally")
        await here.update(description="What we do", is_archived=True, key="close")
        await take(there, RoomUpdated)
        assert (there.state.room.description, there.state.room.is_archived) == ("What we do", True)
        with pytest.raises(InvalidState):
            await there.say("too late")


async def test_mistakes_are_told_by_their_classes(
    first: GatewayProcess, sign_in: SignIn, room_name: str
):
    """A program can tell them apart without reading codes."""
    ada = await sign_in(first.url, "Ada")
    async with ada.room(room_name) as room:
        with pytest.raises(UnknownMessage):
            await room.delete(room.id)
        with pytest.raises(UnknownMember):
            await room.kick(room.id)
        with pytest.raises(LastAdmin):
            await room.leave_for_good()
        await room.say("Still here")
        await take(room, ChatMessage)


async def test_being_kicked_ends_the_room_and_coming_back_is_free(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """The event comes, then the error; the client does not go back by itself, a person may."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as here, grace.room(room_name) as there:
        await here.kick(grace.user.id)
        assert (await take(there, MemberLeft)).by == ada.user.id
        with pytest.raises(MembershipEnded) as ended:
            await take(there, ChatMessage)
        assert ended.value.reason == "kicked"
        with pytest.raises(NotAMember):
            await there.say("Why?")
        async with grace.room(room_name) as again:
            await there.leave()
            await again.say("I am back")
            await take(again, ChatMessage)


async def test_who_is_banned_stays_out_until_it_is_taken_back(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Banned and not only kicked: opening the room is refused."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as here:
        async with grace.room(room_name) as there:
            await here.ban(grace.user.id, reason="Advertising")
            with pytest.raises(MembershipEnded, match="banned"):
                await take(there, ChatMessage)
        with pytest.raises(Banned):
            async with grace.room(room_name):
                pass
        await here.unban(grace.user.id)
        async with grace.room(room_name) as again:
            await again.say("Thank you")


async def test_leaving_for_good_ends_every_device_quietly(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """The others are told, and the iteration just ends."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as here:
        async with grace.room(room_name) as there:
            await there.leave_for_good()
            left = [event.data async for event in there if isinstance(event.data, MemberLeft)]
            assert [event.reason for event in left] in ([], ["left"])  # the reply may be first
        gone = (await take(here, MemberLeft)).data
        assert isinstance(gone, MemberLeft)
        assert (gone.user, gone.reason) == (grace.user, "left")


@pytest.mark.slow
async def test_a_change_under_way_survives_a_killed_instance(
    shared: Shared, sign_in: SignIn, room_name: str, tmp_path: Path
):
    """An edit sent to a dead instance is committed once by the one that takes its place."""
    async with running_gateway(tmp_path, **shared.settings) as doomed:
        ada = await sign_in(doomed.url, "Ada")
        async with ada.room(room_name) as room:
            await room.say("befor")
            await take(room, ChatMessage)
            await doomed.kill()
            port = ("--port", str(urlsplit(doomed.url).port))
            async with running_gateway(tmp_path, arguments=port, **shared.settings):
                committed = await room.edit(room.messages[0].id, "before", key="mend")
                assert await room.edit(room.messages[0].id, "before", key="mend") == committed
                await take(room, ChatEdited)
                assert room.messages[0].content == "before"
