"""A room's promise, against every order of things: each member is told 1, 2, 3, … once."""

import functools
from typing import Final
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
)

from gateway.core.close_codes import CloseCode
from gateway.core.frames import text_frame
from gateway.core.ids import Position, RoomId, Seq, UserId
from gateway.core.publication import Kind, Publication
from gateway.runtime import room as room_module
from gateway.runtime.room import Room
from tests.support.frames import payloads

_EPHEMERAL: Final = b"typing"


class Reader:
    """A member that notes what it is told; it may stop reading in the middle of a write."""

    def __init__(
        self, room: Room, *, takes_deflate: bool = False, user_id: UserId | None = None
    ) -> None:
        self.user_id = user_id
        self.is_out = False
        self.takes_deflate = takes_deflate
        self.told: list[int] = []
        self.ephemeral = 0
        self.writes = 0
        self.sent_back: CloseCode | None = None
        self.stops_reading = False
        self._room = room

    def write(self, frames: bytes) -> None:
        """Note the events in the frames; park like a connection whose buffer is full."""
        self.writes += 1
        for payload in payloads(frames):
            if payload == _EPHEMERAL:
                self.ephemeral += 1
            else:
                self.told.append(int(payload))
        if self.stops_reading:
            self.stops_reading = False
            self._room.park(self)

    def put_out(self, room_id: RoomId) -> None:
        """Note that it is not a member any more."""
        self._room.remove(self)
        self.is_out = True

    def start_over(self, code: CloseCode) -> None:
        """Note why it must come back."""
        self.sent_back = code


def events(first: int, last: int) -> Publication:
    """Return the events ``first`` to ``last`` as they are published, or read from the log."""
    frames = b"".join(text_frame(b"%d" % seq) for seq in range(first, last + 1))
    return Publication(Kind.EVENTS, frames, Seq(first), Seq(last))


def new_room(seq: int = 0) -> Room:
    """Return a room whose log ends at ``seq``; the test flushes it."""
    return Room(RoomId(UUID(int=1)), Position(1, Seq(seq)), lambda _: None, lambda _: None)


def admitted(room: Room, after: int, *, takes_deflate: bool = False) -> Reader:
    """Return a member that has been told everything up to ``after``."""
    reader = Reader(room, takes_deflate=takes_deflate)
    room.expect(reader)
    room.admit(reader, Seq(after))
    return reader


def test_what_a_turn_of_the_loop_brings_leaves_in_one_write():
    """Which is what makes fan-out cheap."""
    scheduled: list[Room] = []
    room = Room(RoomId(UUID(int=1)), Position(1, Seq(0)), scheduled.append, lambda _: None)
    reader = admitted(room, 0)
    for seq in range(1, 9):
        assert room.receive(events(seq, seq))
    room.tell(_EPHEMERAL)
    assert (scheduled, reader.writes) == ([room], 0)
    room.flush()
    assert (reader.writes, reader.told, reader.ephemeral) == (1, [*range(1, 9)], 1)


def test_the_members_are_given_the_same_bytes():
    """Encoded once, however many they are."""
    room = new_room()
    written: list[bytes] = []

    class Keeper(Reader):
        """Keeps the very objects."""

        def write(self, frames: bytes) -> None:
            written.append(frames)

    for _ in range(3):
        keeper = Keeper(room)
        room.expect(keeper)
        room.admit(keeper, Seq(0))
    room.receive(events(1, 2))
    room.flush()
    assert len(written) == 3
    assert len({id(frames) for frames in written}) == 1


def test_a_newcomer_that_is_told_too_much_meanwhile_must_start_over(
    monkeypatch: pytest.MonkeyPatch,
):
    """What is held for it has a bound."""
    monkeypatch.setattr(room_module, "MAX_HELD", 3)
    room = new_room()
    reader = Reader(room)
    room.expect(reader)
    for seq in range(1, 5):
        room.receive(events(seq, seq))
    assert reader.sent_back is CloseCode.SLOW_READER
    assert reader not in room.members


def test_a_newcomer_whose_socket_is_full_in_the_middle_is_parked_where_it_stands():
    """Not one publication before, or it would get that again."""
    room = new_room()
    reader = Reader(room)
    room.expect(reader)
    room.receive(events(1, 2))
    room.receive(events(3, 4))
    reader.stops_reading = True
    room.admit(reader, Seq(0))
    assert (reader.told, room.parked_at(reader)) == ([1, 2], 2)
    ahead = admitted(room, 6)
    ahead.stops_reading = True
    room.receive(events(5, 8))
    assert (ahead.told, room.parked_at(ahead)) == ([7, 8], 8)


def test_what_waits_beyond_a_gap_has_a_bound_and_comes_from_the_log(
    monkeypatch: pytest.MonkeyPatch,
):
    """Publications past the bound are dropped; they are told as missing."""
    monkeypatch.setattr(room_module, "MAX_WAITING", 2)
    room = new_room()
    reader = admitted(room, 0)
    assert not any(room.receive(events(seq, seq)) for seq in range(2, 7))
    assert room.receive(events(1, 1))
    assert room.seq == 3
    assert not room.receive(events(6, 6))
    assert room.receive(events(4, 6))
    room.flush()
    assert reader.told == [1, 2, 3, 4, 5, 6]


def test_a_message_is_compressed_once_for_all_who_can_read_it():
    """The others get it as it is, in the same order; each event counts once a member."""
    room = new_room()
    plain, first, second = (admitted(room, 0, takes_deflate=takes) for takes in (False, True, True))
    written: dict[Reader, bytes] = {}
    for reader in (plain, first, second):
        reader.write = functools.partial(written.__setitem__, reader)  # type: ignore[method-assign]
        room.expect(reader)
        room.admit(reader, Seq(0))
    message = b'{"type": "chat.message"}' * 50
    room.receive(Publication(Kind.EVENTS, text_frame(message) + text_frame(b"2"), Seq(1), Seq(2)))
    room.flush()
    assert written[first] is written[second]
    assert len(written[first]) < len(written[plain]) / 5
    assert payloads(written[first]) == payloads(written[plain]) == [message, b"2"]
    assert room.deliveries == 6
    assert set(room.members) == {plain, first, second}


def test_another_epoch_sends_everybody_back_for_a_new_state():
    """Numbers of another log say nothing."""
    room = new_room(9)
    readers = [admitted(room, 9), Reader(room), admitted(room, 9)]
    room.expect(readers[1])
    room.park(readers[2])
    room.receive(events(10, 10))
    room.start_epoch(2, Seq(4))
    room.flush()
    assert all(reader.sent_back is CloseCode.NEW_EPOCH and not reader.told for reader in readers)
    assert (room.epoch, room.seq) == (2, 4)


def test_a_room_is_empty_when_nobody_is_in_nor_on_the_way():
    """Then the instance stops listening to it."""
    room = new_room()
    assert room.is_empty
    reader = Reader(room)
    room.expect(reader)
    assert not room.is_empty
    room.admit(reader, Seq(0))
    room.park(reader)
    assert not room.is_empty
    room.remove(reader)
    assert room.is_empty
    room.admit(reader, Seq(0))
    assert room.is_empty


class RoomStory(RuleBasedStateMachine):
    """Commits, publications, the log's pages, newcomers and slow readers in any order.

    ``end`` is where the log ends in the database. What is published may arrive
    at any time, in any order, more than once or never.
    """

    publications = Bundle("publications")
    newcomers = Bundle("newcomers")
    readers = Bundle("readers")

    def __init__(self) -> None:
        super().__init__()
        self.end = 3
        self.room = new_room(self.end)
        self.told_before: dict[Reader, int] = {}
        self.reads_after: dict[Reader, int] = {}

    @rule(target=publications, count=st.integers(1, 4))
    def commit(self, count: int) -> Publication:
        """A batch is committed somewhere and published."""
        first = self.end + 1
        self.end += count
        return events(first, self.end)

    @rule(publication=publications)
    def hear(self, publication: Publication) -> None:
        """A publication arrives, perhaps not for the first time."""
        is_complete = self.room.receive(publication)
        assert is_complete or self.room.seq < self.end

    @precondition(lambda self: self.room.seq < self.end)
    @rule(data=st.data())
    def fill(self, data: st.DataObject) -> None:
        """A page of the log is delivered."""
        last = data.draw(st.integers(self.room.seq + 1, self.end))
        self.room.receive(events(self.room.seq + 1, last))
        assert self.room.seq >= last

    @rule()
    def flush(self) -> None:
        """The turn of the loop ends."""
        self.room.flush()

    @rule()
    def tell(self) -> None:
        """Somebody types."""
        self.room.tell(_EPHEMERAL)

    @rule(target=newcomers, takes_deflate=st.booleans())
    def expect(self, takes_deflate: bool) -> Reader:
        """Somebody comes."""
        reader = Reader(self.room, takes_deflate=takes_deflate)
        self.room.expect(reader)
        self.reads_after[reader] = self.end
        return reader

    @rule(target=readers, reader=consumes(newcomers), data=st.data())
    def admit(self, reader: Reader, data: st.DataObject) -> Reader:
        """The state that was read at some moment since is sent, and the newcomer let in."""
        after = data.draw(st.integers(self.reads_after.pop(reader), self.end))
        self.told_before[reader] = after
        self.room.admit(reader, Seq(after))
        return reader

    @rule(reader=readers)
    def stop_reading(self, reader: Reader) -> None:
        """The next write will be too much for this one."""
        reader.stops_reading = True

    @rule(reader=readers)
    def park(self, reader: Reader) -> None:
        """This one's buffer has been found full."""
        self.room.park(reader)

    @rule(reader=readers, data=st.data())
    def catch_up(self, reader: Reader, data: st.DataObject) -> None:
        """A parked one gets the log up to some moment, and is let in again."""
        after = self.room.parked_at(reader)
        if after is None:
            return
        assert after == self.told_up_to(reader)
        self.room.expect(reader)
        reached = data.draw(st.integers(max(after, self.room.seq), self.end))
        reader.stops_reading = False
        if reached > after:
            reader.write(events(after + 1, reached).body)
        self.room.admit(reader, Seq(reached))

    @rule(reader=consumes(readers))
    def leave(self, reader: Reader) -> None:
        """Somebody goes, and is told nothing more."""
        self.room.remove(reader)
        self.room.flush()
        self.told_before.pop(reader)
        assert reader not in self.room.members

    @invariant()
    def nobody_misses_anything_or_hears_it_twice(self) -> None:
        """So far."""
        for reader, after in self.told_before.items():
            assert reader.told == [*range(after + 1, after + 1 + len(reader.told))]
            assert reader.sent_back is None

    def told_up_to(self, reader: Reader) -> int:
        """Return the last event that a member has been sent."""
        return self.told_before[reader] + len(reader.told)

    def teardown(self) -> None:
        """In the end, once the log has filled what was lost, everybody has everything."""
        if self.room.seq < self.end:
            self.room.receive(events(self.room.seq + 1, self.end))
        self.room.flush()
        for reader in self.told_before:
            parked_at = self.room.parked_at(reader)
            assert self.told_up_to(reader) == (self.end if parked_at is None else parked_at)
        self.nobody_misses_anything_or_hears_it_twice()


TestRoomStory = RoomStory.TestCase
TestRoomStory.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
