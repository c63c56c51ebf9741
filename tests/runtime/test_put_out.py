"""Who is not a member any more is put out of the room, wherever they stand in it."""

from uuid import UUID

import orjson

from gateway.core.close_codes import CloseCode
from gateway.core.frames import text_frame
from gateway.core.ids import Position, RoomId, Seq, UserId
from gateway.core.publication import Kind, Publication
from gateway.runtime.room import Room
from tests.support.frames import payloads

ADA, GRACE = UserId(UUID(int=1)), UserId(UUID(int=2))


class Tab:
    """A connection of somebody, which leaves the room when it is put out."""

    takes_deflate = False

    def __init__(self, room: Room, user_id: UserId) -> None:
        self.user_id = user_id
        self.told: list[int] = []
        self.is_out = False
        self._room = room

    def write(self, frames: bytes) -> None:
        """Note the numbers of the events."""
        self.told += [orjson.loads(payload)["seq"] for payload in payloads(frames)]

    def put_out(self, room_id: RoomId) -> None:
        """Leave."""
        assert room_id == self._room.id
        self.is_out = True
        self._room.remove(self)

    def start_over(self, code: CloseCode) -> None:
        """Never happens here."""
        raise AssertionError(code)


def new_room() -> Room:
    """Return a room with an empty log."""
    return Room(RoomId(UUID(int=9)), Position(1, Seq(0)), lambda _: None, lambda _: None)


def enter(room: Room, user_id: UserId) -> Tab:
    """Let somebody in who has been told everything."""
    tab = Tab(room, user_id)
    room.expect(tab)
    room.admit(tab, room.seq)
    return tab


def events(first: int, *texts: str) -> Publication:
    """Return events: "x left" puts x out, anything else is said."""
    frames = []
    for seq, text in enumerate(texts, first):
        leaver = {"ada left": ADA, "grace left": GRACE}.get(text)
        event = (
            {"type": "member.left", "seq": seq, "data": {"user": {"id": leaver}}}
            if leaver
            else {"type": "chat.message", "seq": seq, "data": {"content": text}}
        )
        frames.append(text_frame(orjson.dumps(event)))
    last = Seq(first + len(texts) - 1)
    return Publication(Kind.EVENTS, b"".join(frames), Seq(first), last)


def test_a_member_is_told_up_to_the_end_and_then_is_out():
    """All their connections, and nobody else's."""
    room = new_room()
    tabs, other = [enter(room, GRACE), enter(room, GRACE)], enter(room, ADA)
    room.receive(events(1, "hello", "grace left"))
    room.receive(events(3, "bye"))
    room.flush()
    assert [(tab.told, tab.is_out) for tab in tabs] == [([1, 2], True)] * 2
    assert (other.told, other.is_out) == ([1, 2, 3], False)


def test_what_follows_in_the_same_batch_is_for_the_others():
    """Live, and on the way in."""
    room = new_room()
    tab, other, newcomer = enter(room, GRACE), enter(room, ADA), Tab(room, GRACE)
    room.expect(newcomer)
    room.receive(events(1, "hello", "grace left", "more", "ada left", "bye"))
    room.admit(newcomer, Seq(0))
    room.flush()
    assert [one.told for one in (tab, newcomer, other)] == [[1, 2], [1, 2], [1, 2, 3, 4]]
    assert all(one.is_out for one in (tab, newcomer, other))
    assert room.seq == 5


def test_a_parked_one_is_out_at_once():
    """It is not told from the log what it may not read any more."""
    room = new_room()
    slow = enter(room, GRACE)
    room.park(slow)
    room.receive(events(1, "grace left", "more"))
    assert slow.is_out
    assert room.parked_at(slow) is None


def test_a_newcomer_whose_state_is_older_is_out_when_it_comes_in():
    """Its state had been read before the end."""
    room = new_room()
    tab = Tab(room, GRACE)
    room.expect(tab)
    room.receive(events(1, "hello", "grace left"))
    assert not tab.is_out
    room.admit(tab, Seq(0))
    assert (tab.told, tab.is_out) == ([1, 2], True)
    assert room.is_empty


def test_a_newcomer_whose_state_is_newer_stays():
    """They have come back since."""
    room = new_room()
    tab = Tab(room, GRACE)
    room.expect(tab)
    room.receive(events(1, "grace left", "grace is back"))
    room.admit(tab, Seq(2))
    room.receive(events(3, "hello"))
    room.flush()
    assert (tab.told, tab.is_out) == ([3], False)


def test_a_newcomer_ahead_of_the_live_events_stays():
    """Its state was read on, while a gap was filled here."""
    room = new_room()
    tab = Tab(room, GRACE)
    room.expect(tab)
    room.admit(tab, Seq(2))
    room.receive(events(1, "grace left", "grace is back"))
    room.receive(events(3, "hello"))
    room.flush()
    assert (tab.told, tab.is_out) == ([3], False)


def test_one_that_has_come_back_meanwhile_is_told_what_was_and_stays():
    """A replay holds the end of the membership and its beginning anew."""
    room = new_room()
    tab = Tab(room, GRACE)
    room.vouch(tab, Seq(2))
    room.park_at(tab, Seq(0))
    room.expect(tab)
    room.receive(events(1, "grace left", "grace is back"))
    room.admit(tab, Seq(0))
    assert (tab.told, tab.is_out) == ([1, 2], False)
    room.receive(events(3, "grace left"))
    assert (tab.told, tab.is_out) == ([1, 2, 3], True)


def test_one_that_has_come_back_meanwhile_stays_while_it_is_parked():
    """And is out when its new membership ends."""
    room = new_room()
    tab = Tab(room, GRACE)
    room.vouch(tab, Seq(2))
    room.park_at(tab, Seq(0))
    room.receive(events(1, "grace left", "grace is back"))
    assert not tab.is_out
    room.receive(events(3, "grace left"))
    assert tab.is_out


def test_a_deletion_makes_the_log_be_forgotten():
    """Once it is delivered here."""
    forgotten: list[RoomId] = []
    room = Room(RoomId(UUID(int=9)), Position(1, Seq(0)), lambda _: None, forgotten.append)
    room.receive(events(1, "hello"))
    assert forgotten == []
    frame = text_frame(orjson.dumps({"type": "chat.deleted", "seq": 2, "data": {}}))
    room.receive(Publication(Kind.EVENTS, frame, Seq(2), Seq(2)))
    assert forgotten == [room.id]
