"""When members are told who is here and who types, on a real Redis; the clock is the test's."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from gateway.backplane import keys
from gateway.backplane.client import open_client
from gateway.backplane.settings import RedisSettings
from gateway.core.ids import InstanceId, UserId
from gateway.core.protocol.base import PersonHere
from gateway.core.publication import Kind, Publication
from gateway.core.roster import MAX_NAMED, NEWEST_NAMED, Change
from gateway.core.typing_list import TYPING_SECONDS, TypingMark
from gateway.embedded import EmbeddedServers
from gateway.runtime.end_of_turn import EndOfTurn
from gateway.runtime.presence import BIG_ROOM_SECONDS, Presence
from gateway.runtime.typing_notes import REPEAT_SECONDS, TypingNotes
from tests.support.backplane import Ear, Links, running_links
from tests.support.listener import Listener
from tests.support.waiting import soon

HERE, ELSEWHERE = InstanceId("here"), InstanceId("elsewhere")
TICK_SECONDS = 0.1

PEOPLE = [PersonHere(id=UUID(int=number), name=f"P{number}") for number in range(1, MAX_NAMED + 50)]
ADA, GRACE = PEOPLE[:2]


class Clock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        """Return the time of this clock."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The clock of both."""
    return Clock()


@pytest.fixture
def listener() -> Listener:
    """Somebody in the room."""
    return Listener()


@pytest.fixture
def settings(servers: EmbeddedServers) -> RedisSettings:
    """Where Redis is."""
    return RedisSettings(url=servers.redis_url)


@pytest.fixture
async def links(settings: RedisSettings) -> AsyncIterator[Links]:
    """An instance's links, up."""
    async with running_links(settings) as links:
        await soon(links.ups.get())
        yield links


@pytest.fixture
async def presence(
    settings: RedisSettings, links: Links, listener: Listener, clock: Clock
) -> AsyncIterator[Presence]:
    """The presence of an instance that serves the listener's room."""
    redis = open_client(settings)
    rooms = {listener.room.id: listener.room}
    yield Presence(HERE, redis, settings, links.publisher, rooms, EndOfTurn(), clock.now)
    await redis.aclose()


@pytest.fixture
async def typing(settings: RedisSettings, links: Links, clock: Clock) -> AsyncIterator[TypingNotes]:
    """The typing lists of the same instance."""
    redis = open_client(settings)
    yield TypingNotes(HERE, redis, settings, links.publisher, EndOfTurn(), clock.now)
    await redis.aclose()


async def end_of_turn() -> None:
    """Let the event loop go round."""
    await asyncio.sleep(0)


def came(*people: PersonHere) -> Publication:
    """Return what the other instance publishes when people come."""
    return Publication(Kind.PRESENCE, Change(instance_id=ELSEWHERE, here=people).encode())


def marked(person: PersonHere, seconds: float) -> Publication:
    """Return what the other instance publishes of somebody who types, or has stopped (0)."""
    mark = TypingMark(ELSEWHERE, UserId(person.id), seconds)
    return Publication(Kind.TYPING, mark.encode())


async def test_who_comes_into_a_quiet_room_is_told_at_once_and_who_follows_by_the_tick(
    presence: Presence, listener: Listener
):
    """Those of one turn together."""
    presence.heard(listener.room, came(ADA))
    presence.heard(listener.room, came(GRACE))
    await end_of_turn()
    (change,) = listener.heard()
    assert [person["name"] for person in change["joined"]] == ["P1", "P2"]
    for person in PEOPLE[2:6]:
        presence.heard(listener.room, came(person))
        await end_of_turn()
    assert listener.heard() == []
    presence.tick()
    (change,) = listener.heard()
    assert (len(change["joined"]), change["count"]) == (4, 6)


async def test_a_big_room_is_told_at_once_and_then_once_a_second(
    presence: Presence, listener: Listener, clock: Clock
):
    """However many come: to tell so many takes a while. Nobody who came is left out."""
    presence.heard(listener.room, came(*PEOPLE[: MAX_NAMED + 1]))
    await end_of_turn()
    assert [change["count"] for change in listener.heard()] == [MAX_NAMED + 1]
    begun, told_at = clock.seconds, []
    for person in PEOPLE[MAX_NAMED + 1 :]:
        clock.seconds += TICK_SECONDS
        presence.heard(listener.room, came(person))
        await end_of_turn()
        presence.tick()
        for change in listener.heard():
            told_at.append(clock.seconds - begun)
            assert (change["reset"], change["left"]) == (True, [])
            assert len(change["joined"]) == NEWEST_NAMED
            assert change["joined"][-1]["name"] == person.name
    assert len(told_at) >= 4
    pauses = [after - before for before, after in zip([0.0, *told_at], told_at, strict=False)]
    assert all(BIG_ROOM_SECONDS <= pause <= BIG_ROOM_SECONDS + 2 * TICK_SECONDS for pause in pauses)
    clock.seconds += BIG_ROOM_SECONDS
    presence.tick()
    assert [change["count"] for change in listener.heard()] == [len(PEOPLE)]
    clock.seconds += BIG_ROOM_SECONDS
    presence.tick()
    assert listener.heard() == []


async def test_who_types_in_a_quiet_room_is_told_at_once_and_what_follows_by_the_tick(
    presence: Presence, typing: TypingNotes, listener: Listener
):
    """The last state, and nothing where it is what the members know."""
    presence.heard(listener.room, came(ADA, GRACE))
    await end_of_turn()
    listener.heard()

    def names() -> list[list[str]]:
        return [[person["name"] for person in told["users"]] for told in listener.heard()]

    typing.heard(listener.room, marked(ADA, TYPING_SECONDS))
    await end_of_turn()
    assert names() == [["P1"]]
    typing.heard(listener.room, marked(ADA, 0))
    typing.heard(listener.room, marked(GRACE, TYPING_SECONDS))
    await end_of_turn()
    assert names() == []
    typing.tick()
    assert names() == [["P2"]]
    typing.heard(listener.room, marked(GRACE, 0))
    typing.heard(listener.room, marked(GRACE, TYPING_SECONDS))
    typing.tick()
    assert names() == []
    typing.heard(listener.room, marked(GRACE, 0))
    await end_of_turn()
    assert names() == [[]]


async def test_who_falls_silent_is_told_when_their_time_is_over(
    presence: Presence, typing: TypingNotes, listener: Listener, clock: Clock
):
    """Without another word from them."""
    presence.heard(listener.room, came(ADA))
    typing.heard(listener.room, marked(ADA, TYPING_SECONDS))
    await end_of_turn()
    listener.heard()
    typing.tick()
    clock.seconds += TYPING_SECONDS
    typing.tick()
    await end_of_turn()
    assert listener.heard() == [{"users": []}]


async def test_who_types_on_is_published_once_a_second_and_a_stop_once(
    links: Links, typing: TypingNotes, listener: Listener, clock: Clock
):
    """Clients may say it with every key; for the others it is no news."""
    ear = Ear()
    await soon(links.subscriber.subscribe(keys.room_channel(listener.room.id), ear))
    user_id = UserId(ADA.id)
    keystrokes = 10
    for _ in range(3 * keystrokes):
        typing.mark(listener.room, user_id, typing=True)
        clock.seconds += REPEAT_SECONDS / keystrokes
    for _ in range(2):
        typing.mark(listener.room, user_id, typing=False)
    typing.mark(listener.room, user_id, typing=True)
    marks = [
        TypingMark.decode(Publication.decode(await soon(ear.messages.get())).body) for _ in range(5)
    ]
    assert [mark.seconds for mark in marks] == [*[TYPING_SECONDS] * 3, 0, TYPING_SECONDS]
    await soon(links.subscriber.subscribe(b"other", Ear()))
    assert ear.messages.empty()


async def test_a_persons_status_is_that_of_their_busiest_connection(
    presence: Presence, listener: Listener
):
    """Announced and told by the tick, and only if it is another than was said."""
    room, user_id = listener.room, UserId(ADA.id)
    for _ in range(2):
        presence.arrive(room, ADA, away=False)
    await end_of_turn()
    presence.tick()
    listener.heard()

    def changed() -> list[list[str]]:
        presence.tick()
        return [[person["status"] for person in told["changed"]] for told in listener.heard()]

    presence.set_away([room], user_id, away=True)
    assert changed() == []
    presence.set_away([room], user_id, away=True)
    await end_of_turn()
    presence.tick()
    await end_of_turn()
    assert [told["changed"][0]["status"] for told in listener.heard()] == ["away"]
    assert room.roster[user_id].status == "away"
    presence.set_away([room], user_id, away=False)
    presence.set_away([room], user_id, away=True)
    assert changed() == []
    presence.arrive(room, ADA, away=False)
    presence.tick()
    assert room.roster[user_id].status == "online"
    presence.depart(room, user_id, away=False, for_good=False)
    presence.tick()
    assert room.roster[user_id].status == "away"
    for _ in range(2):
        presence.depart(room, user_id, away=True, for_good=False)
    presence.tick()
    assert room.roster[user_id].status == "away"
    presence.arrive(room, ADA, away=False)
    assert room.roster[user_id].status == "online"
    presence.depart(room, user_id, away=False, for_good=True)
    assert user_id not in room.roster


async def test_statuses_that_change_together_are_announced_together(
    links: Links, presence: Presence, listener: Listener
):
    """A room whose people fall idle at once costs one publication."""
    room, crowd = listener.room, PEOPLE[:20]
    for person in crowd:
        presence.arrive(room, person, away=False)
    ear = Ear()
    await soon(links.subscriber.subscribe(keys.room_channel(room.id), ear))
    for person in crowd:
        presence.set_away([room], UserId(person.id), away=True)
    presence.tick()
    while not (here := Change.decode(await body(ear)).here) or here[0].status == "online":
        pass
    assert {person.id for person in here} == {person.id for person in crowd}
    assert {person.status for person in here} == {"away"}


async def body(ear: Ear) -> bytes:
    """Return the next publication that is heard."""
    return Publication.decode(await soon(ear.messages.get())).body


async def test_how_long_a_person_stays_may_be_longer_during_a_drain(
    presence: Presence, listener: Listener
):
    """As long as those may take who were told when to come back."""
    room = listener.room
    for person, linger_seconds in ((ADA, 0.0), (GRACE, 60.0)):
        presence.linger_seconds = linger_seconds
        presence.arrive(room, person, away=False)
        presence.depart(room, UserId(person.id), away=False, for_good=False)
    await asyncio.sleep(0.05)
    assert UserId(ADA.id) not in room.roster
    assert UserId(GRACE.id) in room.roster
    presence.leave_all()
    assert not len(room.roster)
