"""What the recorder notices by itself, at once."""

import json
import random
import time
from collections.abc import Iterator

import pytest

from tests.support.gateway_process import Guest
from tests.support.journal import Absence, Journal
from tests.support.recorder import Message, Recorder

ROOM = "a room"

ADA = Guest("a user", "Ada", "token")

RETRY_SECONDS = 1.0
"""A retry is sent by then, and a ping not yet."""


@pytest.fixture
def recorder(journal: Journal) -> Recorder:
    """A client that has just been welcomed."""
    recorder = Recorder("ada", ADA, ["ws://"], [ROOM], journal, random.Random(1))  # noqa: S311 - pauses
    hear(recorder, {"type": "welcome", "data": {"user": {}}})
    return recorder


def hear(recorder: Recorder, *messages: Message) -> None:
    """Tell it something, after it has said what is due."""
    for message in messages:
        due(recorder)
        recorder._hear(json.dumps(message).encode())


def due(recorder: Recorder) -> list[Message]:
    """Return what it says, retries included."""
    return [json.loads(text) for text in recorder._due(time.monotonic() + RETRY_SECONDS)]


def state(seq: int, resume: str = "snapshot", *, re: int = 1) -> Message:
    """Return the answer to a join."""
    position = {"epoch": 1, "seq": seq}
    return {"re": re, "ok": {"resume": resume, "position": position, "chat": {"messages": []}}}


def events(*seqs: int) -> Iterator[Message]:
    """Return durable events."""
    return (
        {"type": "chat.message", "room": ROOM, "seq": seq, "by": "?", "data": {"id": f"m{seq}"}}
        for seq in seqs
    )


def test_what_is_right_is_no_finding(recorder: Recorder, journal: Journal):
    """A state, the events after it, a break, and the events that were missed."""
    hear(recorder, state(2), *events(3, 4))
    recorder._begin()
    hear(recorder, {"type": "welcome", "data": {"user": {}}}, state(6, "replay"), *events(5, 6))
    assert not journal.findings
    assert recorder.records[ROOM].seq == 6


@pytest.mark.parametrize(
    ("seqs", "finding"),
    [((3, 5), "a gap"), ((3, 3), "a repetition"), ((3, 4, 3), "wrong order"), ((4, 3), "a gap")],
)
def test_a_broken_order_is_found(
    recorder: Recorder, journal: Journal, seqs: tuple[int, ...], finding: str
):
    """With the first event that is not the next one."""
    hear(recorder, state(2), *events(*seqs))
    assert finding in journal.findings[0]


def test_an_event_before_the_answer_to_the_join_is_found(recorder: Recorder, journal: Journal):
    """The client could not know what it follows on."""
    hear(recorder, *events(1))
    assert "before the answer" in journal.findings[0]


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (state(1, "up_to_date"), "the log ends at 1"),
        (state(5, "up_to_date"), "up_to_date at 5 for a client at 2"),
        (state(5, "snapshot"), "a snapshot at 5"),
    ],
)
def test_a_wrong_answer_to_a_client_that_comes_back_is_found(
    recorder: Recorder, journal: Journal, answer: Message, finding: str
):
    """It was at 2, so it gets what came after 2."""
    hear(recorder, state(2))
    recorder._begin()
    hear(recorder, {"type": "welcome", "data": {"user": {}}}, answer)
    assert finding in journal.findings[0]


def left(seq: int, user: str = ADA.id) -> Message:
    """Return the event that ends a membership."""
    data = {"user": {"id": user}, "reason": "kicked"}
    return {"type": "member.left", "room": ROOM, "seq": seq, "data": data}


def test_who_is_put_out_comes_in_anew(recorder: Recorder, journal: Journal):
    """And gets a new state."""
    hear(recorder, state(2), left(3, "another user"), left(4))
    assert recorder.records[ROOM].is_out
    recorder._begin()
    hear(recorder, {"type": "welcome", "data": {"user": {}}}, state(6), *events(7))
    assert not recorder.records[ROOM].is_out
    assert recorder.records[ROOM].absences == [Absence(2, 6)]
    assert not journal.findings


def test_what_a_replay_tells_of_an_earlier_membership_is_history(
    recorder: Recorder, journal: Journal
):
    """The client was put out and came back on another connection."""
    hear(recorder, state(2))
    recorder._begin()
    welcome = {"type": "welcome", "data": {"user": {}}}
    hear(recorder, welcome, state(5, "replay"), left(3), *events(4, 5, 6))
    assert not recorder.records[ROOM].is_out
    assert not journal.findings


def test_what_is_told_to_who_is_out_is_found(recorder: Recorder, journal: Journal):
    """Whichever way it came to know."""
    hear(recorder, state(2), left(3), *events(4))
    assert "event 4 after it was put out" in journal.findings[0]


def test_a_notice_puts_out_as_well(recorder: Recorder, journal: Journal):
    """That is how a slow reader learns of it."""
    hear(recorder, state(2), {"type": "room.closed", "data": {"room": ROOM}}, *events(3))
    assert "event 3 after it was put out" in journal.findings[0]


def test_an_expected_refusal_is_an_answer(recorder: Recorder, journal: Journal):
    """And another one is not."""
    hear(recorder, state(2))
    key = recorder.say(ROOM)
    hear(recorder, {"re": 2, "error": {"code": "muted", "retryable": False}})
    assert journal.refused == {key}
    recorder.ask(ROOM, "chat.read")
    hear(recorder, {"re": 3, "error": {"code": "muted", "retryable": False}})
    assert "an unexpected refusal" in journal.findings[0]


def test_a_refusal_that_will_not_pass_is_found(recorder: Recorder, journal: Journal):
    """Faults of the machinery are to be retryable."""
    hear(recorder, state(0))
    recorder.say(ROOM)
    hear(recorder, {"re": 2, "error": {"code": "internal_error", "retryable": False}})
    assert "an unexpected refusal" in journal.findings[0]


def test_a_command_is_repeated_with_its_key_until_it_is_answered(
    recorder: Recorder, journal: Journal
):
    """After a refusal for now, and on the next connection."""
    hear(recorder, state(0))
    key = recorder.say(ROOM)
    hear(recorder, {"re": 2, "error": {"code": "database_unavailable", "retryable": True}})
    assert [(command["type"], command["key"]) for command in due(recorder)] == [("chat.send", key)]
    hear(recorder, {"re": 3, "ok": {"seq": 1}})
    assert journal.acknowledged == {key: (ROOM, 1)}
    assert not recorder.wishes
    hear(recorder, {"re": 3, "ok": {"seq": 1}})
    assert "an answer to no question" in journal.findings[0]
