import pytest

from loadtests.record import Fault, Hearing, RoomRecord, missing


@pytest.fixture
def record() -> RoomRecord:
    """A room of which nobody has heard anything."""
    return RoomRecord("a room")


@pytest.fixture
def hearing(record: RoomRecord) -> Hearing:
    """Somebody who came in when the room had five events."""
    hearing = Hearing(record)
    hearing.joined("snapshot", epoch=1, seq=5)
    return hearing


def test_what_follows_the_snapshot_is_new(hearing: Hearing):
    """Events in their order are heard, and the position goes along."""
    assert hearing.take(6, "a")
    assert hearing.take(7, None)
    assert hearing.since == {"epoch": 1, "seq": 7}


@pytest.mark.parametrize(("seq", "fault"), [(7, "a gap: 7"), (5, "a duplicate: 5")])
def test_a_gap_and_a_duplicate_are_faults(hearing: Hearing, seq: int, fault: str):
    """What does not follow is told, once: it goes on from there."""
    with pytest.raises(Fault, match=fault):
        hearing.take(seq, "a")
    assert hearing.take(max(5, seq) + 1, "b")


def test_a_replay_ends_where_the_reply_said(hearing: Hearing):
    """Missed events are heard, and are not new; then new ones come."""
    hearing.joined("replay", epoch=1, seq=7)
    assert not hearing.is_caught_up
    assert [hearing.take(seq, None) for seq in (6, 7, 8)] == [False, False, True]
    assert hearing.is_caught_up


def test_who_is_up_to_date_must_have_heard_everything(hearing: Hearing):
    """The gateway says so of a position; another one is a fault."""
    hearing.joined("up_to_date", epoch=1, seq=5)
    with pytest.raises(Fault, match="up to date at 6"):
        hearing.joined("up_to_date", epoch=1, seq=6)


def test_two_members_must_hear_the_same(record: RoomRecord, hearing: Hearing):
    """One number, two events: a fault, whoever hears it."""
    other = Hearing(record)
    other.joined("snapshot", epoch=1, seq=5)
    hearing.take(6, "a")
    with pytest.raises(Fault, match="two events are number 6"):
        other.take(6, "b")


def test_what_was_acknowledged_and_not_heard_is_lost(record: RoomRecord, hearing: Hearing):
    """A command is lost until somebody has heard it under the number of its reply."""
    record.acknowledged("a", 6)
    record.acknowledged("b", 7)
    assert record.lost() == ["a", "b"]
    hearing.take(6, "a")
    assert record.lost() == ["b"]
    assert missing(record, [hearing]) == 1


def test_a_command_has_one_number(record: RoomRecord):
    """Two acknowledgements of one key must agree."""
    record.acknowledged("a", 6)
    with pytest.raises(Fault, match="acknowledged as two events"):
        record.acknowledged("a", 7)


def test_nothing_is_missing_in_a_silent_room(record: RoomRecord, hearing: Hearing):
    """Whoever came in where the log stood lacks nothing."""
    assert missing(record, [hearing]) == 0
