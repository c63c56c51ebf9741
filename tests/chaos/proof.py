"""Compares what the clients wrote down with what PostgreSQL holds.

The log of a room is right when its numbers are 1, 2, 3, …; a record is right
when it is that log, from where it begins. Everything here is pure but ``read_logs``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg
import orjson

from tests.support.journal import Journal, Received, RoomRecord, Snapshot

STATE_MESSAGES: Final = 50
"""Messages in a room's state, as the protocol promises."""


class Row(NamedTuple):
    """An event of the log."""

    seq: int
    type: str
    actor: str | None
    key: str | None
    payload: str
    created_at: datetime

    @property
    def said(self) -> str | None:
        """The key of the message as its content tells it; ``None`` for what is no message."""
        if self.type != "chat.message":
            return None
        content: str = orjson.loads(self.payload)["content"]
        return content.partition(" ")[0]


class StoredMessage(NamedTuple):
    """A row of the messages."""

    id: str
    seq: int
    author: str | None
    content: str


@dataclass(slots=True)
class RoomLog:
    """What PostgreSQL holds of a room."""

    last_seq: int
    events: list[Row] = field(default_factory=list)
    messages: list[StoredMessage] = field(default_factory=list)


async def read_logs(database_url: str) -> dict[str, RoomLog]:
    """Read every room."""
    conn = await asyncpg.connect(database_url)
    try:
        rooms = await conn.fetch("select id, last_seq from rooms")
        logs = {str(room["id"]): RoomLog(room["last_seq"]) for room in rooms}
        for row in await conn.fetch(
            "select room_id, seq, type, actor::text, key, payload::text, created_at"
            " from room_events order by room_id, seq"
        ):
            logs[str(row["room_id"])].events.append(Row(*tuple(row)[1:]))
        for row in await conn.fetch(
            "select room_id, id::text, seq, user_id::text, content from messages"
            " order by room_id, seq"
        ):
            logs[str(row["room_id"])].messages.append(StoredMessage(*tuple(row)[1:]))
    finally:
        await conn.close()
    return logs


def prove(
    logs: Mapping[str, RoomLog], journal: Journal, records: Mapping[str, Iterable[RoomRecord]]
) -> Iterator[str]:
    """Yield everything that is wrong. ``records`` are by the name of their client."""
    for room, log in logs.items():
        yield from (f"room {room}: {finding}" for finding in _check_log(log))
    yield from _check_keys(logs, journal)
    for name, rooms in records.items():
        for record in rooms:
            for finding in _check_record(record, logs[record.room]):
                yield f"{name} of room {record.room}: {finding}"


def _check_log(log: RoomLog) -> Iterator[str]:
    """Check that a log has no hole, and that the messages are those of the log."""
    numbers = [row.seq for row in log.events]
    if numbers != [*range(1, log.last_seq + 1)]:
        holes = sorted(set(range(1, log.last_seq + 1)) ^ set(numbers))[:5]
        yield f"the log is not 1 … {log.last_seq}: look at {holes}"
    told = [_message_of(row) for row in log.events if row.type == "chat.message"]
    if told != log.messages:
        different = sorted({message.seq for message in set(told) ^ set(log.messages)})[:5]
        yield f"the messages are not those of the log: look at {different}"


def _message_of(row: Row) -> StoredMessage:
    data = orjson.loads(row.payload)
    return StoredMessage(data["id"], row.seq, row.actor, data["content"])


def _check_keys(logs: Mapping[str, RoomLog], journal: Journal) -> Iterator[str]:
    """Check that commands had one effect, and those that were answered the promised one."""
    places: dict[str, list[tuple[str, int]]] = {}
    for room, log in logs.items():
        for row in log.events:
            if (key := row.said or row.key) is not None:
                places.setdefault(key, []).append((room, row.seq))
    for key, found in places.items():
        if len(found) > 1:
            yield f"command {key} had its effect {len(found)} times: {found}"
        if key in journal.refused:
            yield f"command {key} was refused and stands in the log: {found}"
    for key, promised in journal.acknowledged.items():
        if promised not in places.get(key, []):
            yield f"command {key} was acknowledged as {promised}, the log has {places.get(key)}"


def _check_record(record: RoomRecord, log: RoomLog) -> Iterator[str]:
    """Check that a record is the log from its beginning to the end."""
    reached: int | None = None
    for entry in record.told:
        if isinstance(entry, Snapshot):
            yield from _check_snapshot(entry, log.events)
        elif reached is None:
            yield f"event {entry.seq} came before any state"
        elif entry.seq != reached + 1:
            yield f"event {entry.seq} came after {reached}"
        elif not _is_row(entry, record.room, log.events):
            yield f"event {entry.seq} is not what the log holds: {entry.raw!r}"
        reached = entry.seq
    if reached != log.last_seq:
        yield f"ends at {reached}, the log at {log.last_seq}"


def _check_snapshot(snapshot: Snapshot, events: Sequence[Row]) -> Iterator[str]:
    said = [row for row in events[: snapshot.seq] if row.type == "chat.message"]
    wanted = [(row.seq, orjson.loads(row.payload)["content"]) for row in said[-STATE_MESSAGES:]]
    if list(snapshot.messages) != wanted:
        yield f"the state at {snapshot.seq} has not the newest messages of the log"


def _is_row(entry: Received, room: str, events: Sequence[Row]) -> bool:
    """Whether an event is its row, the data byte for byte."""
    if entry.seq > len(events):
        return False
    row = events[entry.seq - 1]
    event = orjson.loads(entry.raw)
    head = (event["room"], event["type"], event.get("by"), event.get("key"))
    _, _, data = entry.raw.partition(b',"data":')
    return (
        head == (room, row.type, row.actor, row.key)
        and datetime.fromisoformat(event["at"]) == row.created_at
        and data == row.payload.encode() + b"}"
    )
