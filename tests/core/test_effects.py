"""What events do where they are delivered."""

from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.effects import Departure, find_departures, is_redaction
from gateway.core.frames import text_frame
from gateway.core.ids import Seq, UserId

ADA, GRACE = UUID(int=1), UUID(int=2)


def frame(event_type: str, *, seq: int = 1, **data: object) -> bytes:
    """Return an event as it is published."""
    return text_frame(orjson.dumps({"type": event_type, "seq": seq, "data": data}))


def left(user_id: UUID, seq: int) -> bytes:
    """Return the event that somebody is not a member any more."""
    return frame("member.left", seq=seq, user={"id": user_id, "name": "x"}, reason="kicked")


def test_departures_are_found_among_other_events():
    """However many they are, and wherever they stand."""
    said = frame("chat.message", content="Hello")
    frames = said + left(ADA, 3) + said + left(GRACE, 5) + left(ADA, 6)
    assert find_departures(frames) == [
        Departure(Seq(3), UserId(ADA)),
        Departure(Seq(5), UserId(GRACE)),
        Departure(Seq(6), UserId(ADA)),
    ]
    assert find_departures(said) == []
    assert find_departures(b"") == []


def test_a_deletion_is_a_redaction():
    """And nothing else is."""
    assert is_redaction(frame("chat.message") + frame("chat.deleted", message_id=ADA))
    assert not is_redaction(frame("chat.edited", message_id=ADA))


@given(st.text() | st.sampled_from(['{"type":"member.left"', '{"type":"chat.deleted"']))
def test_nobody_can_write_an_effect(content: str):
    """Text that looks like one is only text."""
    said = frame("chat.message", content=content)
    assert find_departures(said) == []
    assert not is_redaction(said)
