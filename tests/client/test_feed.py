from uuid import UUID

import pytest

from gateway.activities.chat.messages import ChatMessage
from gateway.activities.protocol import Replay, RoomState
from gateway.activities.rooms.messages import MemberLeft
from gateway.client.errors import MembershipEnded
from gateway.client.events import Connected, Disconnected, Event, Resumed, RoomSnapshot
from gateway.client.feed import MAX_EVENTS, MAX_EVENTS_BEFORE_REPLY, Feed, Gap
from gateway.core.ids import RoomId
from gateway.docs_generator.examples import ADA, EVENT_DATA, GRACE, REPLIES

ROOM = RoomId(UUID("0b7d1c1e-6f0e-4a53-9d55-2f1d7c1f2a10"))
STATE = RoomState.model_validate(REPLIES["RoomState"])
MESSAGE = ChatMessage.model_validate(EVENT_DATA["chat.message"])
OWN_ID = UUID(ADA["id"])
START = STATE.position.seq


async def open_feed() -> Feed:
    """Return a feed that has had its first snapshot."""
    feed = Feed(ROOM, OWN_ID, on_space=lambda: None)
    feed.open(STATE)
    return feed


def message(seq: int) -> Event:
    """Return the message with this number."""
    return Event(MESSAGE, ROOM, seq=seq, at=STATE.chat.messages[0].at)


async def test_what_nobody_iterates_over_is_bounded():
    """Before the first iteration the newest events are kept, and nothing has to wait."""
    feed = await open_feed()
    for seq in range(START + 1, START + MAX_EVENTS + 10):
        feed.receive(message(seq))
    assert not feed.is_full
    event = await feed.next()
    assert event is not None
    assert event.seq == START + 10


async def test_a_full_feed_asks_for_patience():
    """Once somebody iterates, events wait beyond the bound, and replies beyond the next."""
    feed = await open_feed()
    await feed.next()
    seq = START
    while not feed.is_full:
        feed.receive(message(seq := seq + 1))
    assert seq == START + MAX_EVENTS
    while not feed.is_overfull:
        feed.receive(message(seq := seq + 1))
    assert seq == START + MAX_EVENTS_BEFORE_REPLY


async def test_a_gap_is_an_error_and_changes_nothing():
    """An event that does not follow is not taken."""
    feed = await open_feed()
    with pytest.raises(Gap):
        feed.receive(message(START + 2))
    assert feed.state == STATE


async def test_coming_back_says_how_much_was_missed():
    """A replay announces the number of events that follow, and keeps the position before them."""
    feed = await open_feed()
    answer = Replay.model_validate({**REPLIES["Replay"], "position": {"epoch": 1, "seq": 50}})
    feed.open(answer)
    events = [await feed.next(), await feed.next()]
    assert [event.data for event in events if event] == [RoomSnapshot(STATE), Resumed(50 - START)]
    assert feed.state is not None
    assert feed.state.position.seq == START


async def test_failed_attempts_leave_one_notice():
    """A gateway that stays away for hours does not fill the feed."""
    feed = await open_feed()
    for seconds in (1.0, 2.0, 4.0):
        feed.tell(Disconnected("away", seconds))
    feed.tell(Connected())
    events = [await feed.next() for _ in range(3)]
    assert [event.data for event in events if event] == [
        RoomSnapshot(STATE),
        Disconnected("away", 4.0),
        Connected(),
    ]


async def test_the_end_comes_after_the_events():
    """What arrived before a room was left, or failed, is still given."""
    done, failed = await open_feed(), await open_feed()
    done.close()
    failed.fail(OSError("broken"))
    for feed in (done, failed):
        assert await feed.next() is not None
    assert await done.next() is None
    with pytest.raises(OSError, match="broken"):
        await failed.next()


def left(seq: int, who: dict[str, str], reason: str) -> Event:
    """Return the end of somebody's membership."""
    data = MemberLeft.model_validate({"user": who, "reason": reason})
    return Event(data, ROOM, seq=seq, at=STATE.chat.messages[0].at)


@pytest.mark.parametrize("reason", ["kicked", "banned"])
async def test_being_put_out_is_raised_after_the_event_that_says_so(reason: str):
    """What happened to you is an error of its own kind, and nothing comes after it."""
    feed = await open_feed()
    feed.receive(left(START + 1, GRACE, reason))
    assert not feed.is_closed
    feed.receive(left(START + 2, ADA, reason))
    feed.put_out()
    assert [(await feed.next()) is not None for _ in range(3)] == [True] * 3
    with pytest.raises(MembershipEnded) as ended:
        await feed.next()
    assert ended.value.reason == reason


async def test_leaving_for_good_ends_the_room_without_an_error():
    """One's own doing, on whatever device, is no failure."""
    feed = await open_feed()
    feed.receive(left(START + 1, ADA, "left"))
    assert [(await feed.next()) is not None for _ in range(2)] == [True] * 2
    assert await feed.next() is None


async def test_having_been_out_before_coming_back_is_history():
    """Who is a member now has come back since a departure that a replay tells."""
    feed = await open_feed()
    position = {"epoch": 1, "seq": START + 2}
    feed.open(Replay.model_validate({**REPLIES["Replay"], "position": position}))
    feed.receive(left(START + 1, ADA, "kicked"))
    feed.receive(message(START + 2))
    assert not feed.is_closed
    feed.receive(left(START + 3, ADA, "kicked"))
    assert feed.is_closed


async def test_a_notice_before_the_first_state_is_of_an_older_feed():
    """The room that was closed is not the one that is being opened."""
    feed = Feed(ROOM, OWN_ID, on_space=lambda: None)
    feed.put_out()
    assert not feed.is_closed


async def test_a_resume_of_nothing_is_refused():
    """A gateway that resumes what was never open is not understood."""
    feed = Feed(ROOM, OWN_ID, on_space=lambda: None)
    with pytest.raises(ValueError, match="never open"):
        feed.open(Replay.model_validate(REPLIES["Replay"]))
