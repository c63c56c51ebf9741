"""The client against real instances."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from gateway.client import (
    ChatMessage,
    Client,
    ClientError,
    CommandError,
    Disconnected,
    Event,
    GatewayUnreachable,
    PokerRevealed,
    PokerStarted,
    PokerVoted,
    PresenceChanged,
    Resumed,
    RoomSnapshot,
    TypingChanged,
)
from gateway.client.feed import MAX_EVENTS
from tests.client.room_events import take, take_until
from tests.client.shared import Shared, SignIn
from tests.support.gateway_process import GatewayProcess, running_gateway

pytestmark = pytest.mark.server


def says(text: str):
    """Return a test for the message with this text."""
    return lambda event: isinstance(event.data, ChatMessage) and event.data.content == text


def texts(events: list[Event]) -> list[str]:
    """Return what was said."""
    return [event.data.content for event in events if isinstance(event.data, ChatMessage)]


async def test_a_room_begins_with_its_state_and_goes_on_with_events(
    first: GatewayProcess, sign_in: SignIn, room_name: str
):
    """The first event is the room as it stands; your own message comes back by its key."""
    ada = await sign_in(first.url, "Ada")
    async with ada.room(room_name) as room:
        committed = await room.say("Hello", key="greeting")
        events = await take_until(room, says("Hello"))
        assert isinstance(events[0].data, RoomSnapshot)
        assert (events[-1].seq, events[-1].at) == (committed.seq, committed.at)
        assert (events[-1].by, events[-1].key) == (ada.user.id, "greeting")
        assert room.name == room_name
        assert [view.content for view in room.messages] == ["Hello"]


async def test_two_instances_are_one_room(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Presence, typing, messages and votes reach the other side, and votes stay hidden."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as here, grace.room(room_name) as there:
        await take_until(
            here, lambda _: {p.id for p in here.people} == {ada.user.id, grace.user.id}
        )
        await there.start_typing()
        await take_until(here, lambda e: isinstance(e.data, TypingChanged) and bool(e.data.users))
        assert here.typing == (grace.user,)
        await there.say("Hi")
        await take_until(here, says("Hi"))

        await here.start_story("Login page")
        await take(there, PokerStarted)
        await there.vote("5")
        assert there.poker is not None
        assert there.poker.your_card == "5"
        voted = await take(here, PokerVoted)
        assert voted.data.player == grace.user
        assert here.poker is not None
        assert (here.poker.voted, here.poker.votes) == ((grace.user,), None)
        await here.reveal()
        revealed = await take(there, PokerRevealed)
        assert [(vote.player, vote.card) for vote in revealed.data.votes] == [(grace.user, "5")]


async def test_a_late_joiner_sees_what_there_was(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Who joins late knows the people, the messages and the poker table."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as room:
        await room.say("Is anybody here?")
        await room.start_story("Login page")
        await room.vote("8")
        async with grace.room(str(room.id)) as late:
            assert [view.content for view in late.messages] == ["Is anybody here?"]
            assert ada.user.id in {person.id for person in late.people}
            assert late.poker is not None
            assert (late.poker.voted, late.poker.votes, late.poker.your_card) == (
                (ada.user,),
                None,
                None,
            )


async def test_leaving_is_seen_at_once(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """A room that is left ends here, and the others see the person go."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as here:
        async with grace.room(room_name) as there:
            await take_until(here, lambda _: len(here.people) == 2)
        await take_until(
            here, lambda e: isinstance(e.data, PresenceChanged) and grace.user.id in e.data.left
        )
        with pytest.raises(ClientError, match="not open"):
            await there.say("too late")


@pytest.mark.slow
async def test_a_killed_instance_costs_nothing(
    shared: Shared,
    second: GatewayProcess,
    sign_in: SignIn,
    room_name: str,
    tmp_path: Path,
):
    """After kill -9 and a restart, what was said meanwhile arrives, in order and once.

    A message that is under way while the instance is dead is committed once.
    """
    async with running_gateway(tmp_path, **shared.settings) as doomed:
        ada, grace = await sign_in(doomed.url, "Ada"), await sign_in(second.url, "Grace")
        async with ada.room(room_name) as here, grace.room(room_name) as there:
            await there.say("before")
            events = await take_until(here, says("before"))
            await doomed.kill()
            await take(here, Disconnected)
            await there.say("meanwhile")
            port = ("--port", str(urlsplit(doomed.url).port))
            async with asyncio.TaskGroup() as tasks:
                saying = tasks.create_task(here.say("through it all"))
                async with running_gateway(tmp_path, arguments=port, **shared.settings):
                    events += await take_until(here, says("through it all"))
                    assert (await saying).seq == events[-1].seq
            assert Resumed in map(type, (event.data for event in events))
            assert texts(events) == ["before", "meanwhile", "through it all"]
            seqs = [event.seq for event in events if event.seq is not None]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            await take_until(there, says("through it all"))


async def test_a_key_has_one_effect(first: GatewayProcess, sign_in: SignIn, room_name: str):
    """The same key again gets the first answer, and nothing is said twice."""
    ada = await sign_in(first.url, "Ada")
    async with ada.room(room_name) as room:
        once = await room.say("Only once", key="k")
        assert await room.say("Only once", key="k") == once
        await room.say("The end")
        assert texts(await take_until(room, says("The end"))) == ["Only once", "The end"]


async def test_refusals_say_what_is_wrong(first: GatewayProcess, sign_in: SignIn, room_name: str):
    """A refused command raises its code, at once and for each kind of mistake."""
    ada = await sign_in(first.url, "Ada")
    async with ada.room(room_name) as room:
        with pytest.raises(CommandError) as refused:
            await room.vote("5")
        assert (refused.value.code, refused.value.retryable) == ("invalid_state", False)
        with pytest.raises(CommandError, match="needs content"):
            await room.say("   ")
        with pytest.raises(CommandError) as refused:
            await room.say("x" * 100_000)
        assert refused.value.code == "too_large"
        await room.say("The connection lives")


async def test_rooms_that_cannot_be_opened(first: GatewayProcess, sign_in: SignIn, room_name: str):
    """An unknown id is refused, and the same room is not opened twice."""
    ada = await sign_in(first.url, "Ada")
    with pytest.raises(CommandError) as refused:
        async with ada.room(str(uuid4())):
            pass
    assert refused.value.code == "unknown_room"
    async with ada.room(room_name):
        with pytest.raises(ClientError, match="open already"):
            async with ada.room(room_name):
                pass


async def test_addresses_that_lead_nowhere():
    """An address is refused when it is none, or when nothing answers there."""
    with pytest.raises(ClientError, match="no address of a gateway"):
        Client("lobby")
    async with Client("http://127.0.0.1:9") as client:
        with pytest.raises(GatewayUnreachable, match=r"http://127\.0\.0\.1:9"):
            await client.sign_in_as_guest("Ada")
        with pytest.raises(ClientError, match="Sign in first"):
            async with client.room("lobby"):
                pass


async def test_accounts_sign_in_and_out(first: GatewayProcess, room_name: str):
    """A registered person can sign in again, and is nobody after signing out."""
    email, password = f"{uuid4().hex}@example.com", "correct horse battery"
    async with Client(first.url) as client:
        registered = await client.register(email, f"ada-{uuid4().hex[:8]}", password)
        with pytest.raises(CommandError) as refused:
            await client.sign_in(email, "something else")
        assert refused.value.code == "invalid_credentials"
        assert await client.sign_in(email, password) == registered
        async with client.room(room_name) as room:
            await client.sign_out()
            with pytest.raises(ClientError):
                await room.say("still here?")
        with pytest.raises(ClientError, match="Sign in first"):
            _ = client.user


async def test_closing_leaves_no_task(first: GatewayProcess, room_name: str):
    """Whatever a client started has ended when it is closed, rooms left open included."""
    before = asyncio.all_tasks()
    async with Client(first.url) as client:
        await client.sign_in_as_guest("Ada")
        room = client.room(room_name)
        await room.__aenter__()
    with pytest.raises(ClientError, match="closed"):
        await take(room, Disconnected)
    assert asyncio.all_tasks() == before


@pytest.mark.slow
async def test_a_slow_consumer_is_held_back_and_loses_nothing(
    first: GatewayProcess, second: GatewayProcess, sign_in: SignIn, room_name: str
):
    """Who does not take events holds a bounded number, can still talk, and gets every one."""
    ada, grace = await sign_in(first.url, "Ada"), await sign_in(second.url, "Grace")
    async with ada.room(room_name) as slow, grace.room(room_name) as busy:
        await take(slow, RoomSnapshot)  # from here on, the events are waited for
        await asyncio.gather(*(busy.say(f"message {n}") for n in range(MAX_EVENTS + 500)))
        assert slow.state.position.seq <= MAX_EVENTS < (await busy.say("still here")).seq
        last = await slow.say("enough")
        events = await take_until(slow, says("enough"))
        seqs = [event.seq for event in events if event.seq is not None]
        assert seqs == list(range(seqs[0], (last.seq or 0) + 1))
        assert len(seqs) >= MAX_EVENTS + 500
