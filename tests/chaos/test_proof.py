"""The comparison of what the clients wrote down with the log: it must be able to fail."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest

from tests.chaos.model import Row, replayed
from tests.chaos.proof import RoomLog, prove
from tests.support.journal import Absence, Journal, Received, RoomRecord, Snapshot

ROOM: Final = str(UUID(int=1))
ADA: Final = str(UUID(int=2))
GRACE: Final = str(UUID(int=3))
AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """A log of four messages and what came of them, and a client that heard all but the first."""

    log: RoomLog
    journal: Journal
    record: RoomRecord

    def findings(self) -> list[str]:
        """Compare."""
        return [*prove({ROOM: self.log}, self.journal, {"ada": [self.record]})]


def row(seq: int, kind: str = "chat.message", *, by: str = ADA, **data: object) -> Row:
    """Return an event of the log; a message as said by its key."""
    if kind == "chat.message":
        data = message(seq) | data
    return Row(seq, kind, by, f"k{seq}", json.dumps(data), AT)


def message(seq: int) -> dict[str, object]:
    """Return the data of a message, all events but the first being some."""
    data = {"id": message_id(seq), "number": seq - 1, "content": f"k{seq}", "author": who(ADA)}
    return data | {"message_type": "text", "attachment": None, "reply_to": None, "mentions": []}


def message_id(seq: int) -> str:
    """Return the name of a message."""
    return str(UUID(int=100 + seq))


def who(user: str) -> Mapping[str, object]:
    """Return somebody, as events show them."""
    return {"id": user, "name": "?", "avatar_url": None}


def received(event: Row) -> Received:
    """Return the same as it is sent."""
    head = f'{{"type":"{event.type}","room":"{ROOM}","seq":{event.seq},"at":"{AT.isoformat()}"'
    tail = f',"by":"{event.actor}","key":"{event.key}","data":{event.payload}}}'
    return Received(event.seq, (head + tail).encode())


def view(seq: int, **fields: object) -> bytes:
    """Return a message as the state of a room shows it."""
    stamps = {"seq": seq, "at": AT.isoformat(), "edited_at": None, "deleted_at": None}
    return json.dumps(message(seq) | stamps | {"reactions": []} | fields).encode()


def redacted(event: Row) -> Row:
    """Return the event as it stands in the log after the message was deleted."""
    data = json.loads(event.payload) | {"content": "", "mentions": []}
    return event._replace(payload=json.dumps(data))


def write(world: World, *events: Row) -> None:
    """Add to the log, to the tables and to what the client was told."""
    world.log.events += events
    world.log.last_seq += len(events)
    world.record.told += map(received, events)
    follow(world)


def follow(world: World) -> None:
    """Let the tables be what the log says."""
    model = replayed(UUID(ROOM), world.log.events)
    tables = {name: {**rows} for name, rows in model.tables().items()}
    world.log.tables = tables


@pytest.fixture
def world() -> World:
    """Everything as it should be."""
    come = row(1, "member.joined", user=who(ADA), role="admin")
    rows = [come, *(row(seq) for seq in range(2, 6))]
    journal = Journal(acknowledged={"k3": (ROOM, 3), "k5": (ROOM, 5)}, refused={"k9"})
    told = [Snapshot(2, (view(2),)), *map(received, rows[2:])]
    record = RoomRecord(ROOM, ADA, told=told, member_at=2)
    world = World(RoomLog(5, rows), journal, record)
    follow(world)
    return world


def table(world: World, name: str) -> dict[tuple[object, ...], Any]:
    """Return the rows of a table, to be spoilt."""
    rows = world.log.tables[name]
    assert isinstance(rows, dict)
    return rows


def _lose_from_log(world: World) -> None:
    del world.log.events[2]


def _lose_message(world: World) -> None:
    del table(world, "messages")[UUID(ROOM), 3]


def _keep_message(world: World) -> None:
    table(world, "messages")[UUID(ROOM), 9] = {}


def _move_marker_back(world: World) -> None:
    member = table(world, "room_users")[UUID(ROOM), UUID(ADA)]
    table(world, "room_users")[UUID(ROOM), UUID(ADA)] = {**member, "last_read_seq": 4}


def _let_a_stranger_speak(world: World) -> None:
    write(world, row(6, by=GRACE))


def _keep_what_was_deleted(world: World) -> None:
    write(world, row(6, "chat.deleted", message_id=message_id(3)))


def _redact_more(world: World) -> None:
    data = json.loads(world.log.events[2].payload) | {"content": "", "reply_to": message_id(1)}
    world.log.events[2] = world.log.events[2]._replace(payload=json.dumps(data))


def _redact_what_stands(world: World) -> None:
    world.log.events[2] = redacted(world.log.events[2])


def _stay_open(world: World) -> None:
    _join_and_kick(world)
    world.record.user, world.record.is_open = GRACE, True


def _close_for_nothing(world: World) -> None:
    world.record.absences.append(Absence(2, 5))


def _close_for_an_old_leave(world: World) -> None:
    _join_and_kick(world)
    world.record.user = GRACE
    world.record.absences.append(Absence(7, 7))


def _join_and_kick(world: World) -> None:
    write(
        world,
        row(6, "member.joined", by=GRACE, user=who(GRACE), role="member"),
        row(7, "member.left", user=who(GRACE), reason="kicked"),
    )


def _repeat_in_log(world: World) -> None:
    write(world, row(6, id=message_id(5), content="k5")._replace(key=None))


def _acknowledge_wrongly(world: World) -> None:
    world.journal.acknowledged["k3"] = ROOM, 4


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
    world.record.told[0] = Snapshot(2, ())


def _show_what_is_to_come(world: World) -> None:
    edited = view(2, content="k2 edited", edited_at=AT.isoformat())
    world.record.told[0] = Snapshot(2, (edited,))
    write(world, row(6, "chat.edited", message_id=message_id(2), content="k2 edited", mentions=[]))


def test_what_is_right_is_no_finding(world: World):
    """Nothing lost, nothing twice."""
    assert world.findings() == []


def test_what_was_deleted_later_may_have_been_received(world: World):
    """With its text, live and in a state; the log has it no more."""
    for seq in (2, 4):
        world.log.events[seq - 1] = redacted(world.log.events[seq - 1])
    deletions = [
        row(6, "chat.deleted", message_id=message_id(2)),
        row(7, "chat.deleted", message_id=message_id(4)),
    ]
    write(world, *deletions)
    assert world.findings() == []


def test_who_was_put_out_ends_there(world: World):
    """And may have been away before."""
    _join_and_kick(world)
    write(world, row(8, number=5))
    world.record = RoomRecord(ROOM, GRACE, told=world.record.told[:-1], member_at=6, is_out=True)
    assert world.findings() == []


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (_lose_from_log, "the log is not 1 … 5"),
        (_lose_message, "the table has no such row"),
        (_keep_message, "not by the log"),
        (_move_marker_back, "last_read_seq is 5 by the log and 4 in the table"),
        (_let_a_stranger_speak, "is by somebody who is not a member"),
        (_keep_what_was_deleted, "still the log says what was deleted"),
        (_redact_more, "event 3 is not what the log holds"),
        (_redact_what_stands, "content is '' by the log"),
        (_stay_open, "is open to the end"),
        (_close_for_nothing, "was closed between 2 and 5"),
        (_close_for_an_old_leave, "was closed between 7 and 7"),
        (_repeat_in_log, "command k5 had its effect 2 times"),
        (_acknowledge_wrongly, "command k3 was acknowledged as"),
        (_acknowledge_nothing, "the log has None"),
        (_refuse_wrongly, "command k3 was refused and stands in the log"),
        (_skip, "event 5 came after 3"),
        (_repeat, "event 3 came after 3"),
        (_swap, "event 5 came after 3"),
        (_end_early, "ends at 4, the log at 5"),
        (_change, "event 4 is not what the log holds"),
        (_show_old_state, "has not the newest messages"),
        (_show_what_is_to_come, "has not the newest messages"),
    ],
)
def test_what_is_wrong_is_found(world: World, spoil: Callable[[World], None], finding: str):
    """Each way in which a promise can be broken has its finding."""
    spoil(world)
    assert any(finding in found for found in world.findings())
