"""The comparison of what the clients wrote down with the log: it must be able to fail."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.chaos.proof import RoomLog, Row, StoredMessage, prove
from tests.support.journal import Journal, Received, RoomRecord, Snapshot

ROOM = "a room"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """A log of four messages, and a client that came after the first and heard the rest."""

    log: RoomLog
    journal: Journal
    record: RoomRecord

    def findings(self) -> list[str]:
        """Compare."""
        return [*prove({ROOM: self.log}, self.journal, {"ada": [self.record]})]


def row(seq: int) -> Row:
    """Return a message of the log, as said by its key."""
    payload = json.dumps({"id": f"m{seq}", "content": f"k{seq}"})
    return Row(seq, "chat.message", "ada", f"k{seq}", payload, AT)


def received(event: Row) -> Received:
    """Return the same as it is sent."""
    head = f'{{"type":"{event.type}","room":"{ROOM}","seq":{event.seq},"at":"{AT.isoformat()}"'
    tail = f',"by":"{event.actor}","key":"{event.key}","data":{event.payload}}}'
    return Received(event.seq, (head + tail).encode())


@pytest.fixture
def world() -> World:
    """Everything as it should be."""
    rows = [row(seq) for seq in range(1, 5)]
    messages = [StoredMessage(f"m{seq}", seq, "ada", f"k{seq}") for seq in range(1, 5)]
    journal = Journal(acknowledged={"k2": (ROOM, 2), "k4": (ROOM, 4)}, refused={"k9"})
    told = [Snapshot(1, ((1, "k1"),)), *map(received, rows[1:])]
    return World(RoomLog(4, rows, messages), journal, RoomRecord(ROOM, told=told))


def _lose_from_log(world: World) -> None:
    del world.log.events[1]


def _lose_message(world: World) -> None:
    del world.log.messages[1]


def _repeat_in_log(world: World) -> None:
    world.log.events.append(row(4)._replace(seq=5, key=None))
    world.log.messages.append(StoredMessage("m4", 5, "ada", "k4"))
    world.log.last_seq = 5


def _acknowledge_wrongly(world: World) -> None:
    world.journal.acknowledged["k2"] = ROOM, 3


def _acknowledge_nothing(world: World) -> None:
    world.journal.acknowledged["k7"] = ROOM, 7


def _refuse_wrongly(world: World) -> None:
    world.journal.refused.add("k3")


def _skip(world: World) -> None:
    del world.record.told[2]


def _repeat(world: World) -> None:
    world.record.told.insert(2, world.record.told[1])


def _swap(world: World) -> None:
    world.record.told[2], world.record.told[3] = world.record.told[3], world.record.told[2]


def _end_early(world: World) -> None:
    world.record.told.pop()


def _change(world: World) -> None:
    entry = world.record.told[2]
    assert isinstance(entry, Received)
    world.record.told[2] = entry._replace(raw=entry.raw.replace(b'{"id": ', b'{"id":'))


def _show_old_state(world: World) -> None:
    world.record.told[0] = Snapshot(1, ())


def test_what_is_right_is_no_finding(world: World):
    """Nothing lost, nothing twice."""
    assert world.findings() == []


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (_lose_from_log, "the log is not 1 … 4"),
        (_lose_message, "the messages are not those of the log"),
        (_repeat_in_log, "command k4 had its effect 2 times"),
        (_acknowledge_wrongly, "command k2 was acknowledged as"),
        (_acknowledge_nothing, "the log has None"),
        (_refuse_wrongly, "command k3 was refused and stands in the log"),
        (_skip, "event 4 came after 2"),
        (_repeat, "event 2 came after 2"),
        (_swap, "event 4 came after 2"),
        (_end_early, "ends at 3, the log at 4"),
        (_change, "event 3 is not what the log holds"),
        (_show_old_state, "the state at 1 has not the newest messages"),
    ],
)
def test_what_is_wrong_is_found(world: World, spoil: Callable[[World], None], finding: str):
    """Each way in which a promise can be broken has its finding."""
    spoil(world)
    assert any(finding in found for found in world.findings())
