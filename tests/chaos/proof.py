"""Compares what the clients wrote down with what PostgreSQL holds, and that with the log.

The log of a room is right when its numbers are 1, 2, 3, …; a record is right
when it is that log, from where it begins; the tables are right when they follow
from it (``model.py``). Everything here is pure but ``read_logs``.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from gateway.activities.chat.messages import MessageView
from gateway.storage.connection import prepare_connection
from tests.chaos.model import RoomModel, Row, Tables, differences, read_tables
from tests.support.journal import Absence, Journal, Received, RoomRecord, Snapshot

STATE_MESSAGES: Final = 50
"""Messages in a room's state, as the protocol promises."""

REDACTED: Final[Mapping[str, Mapping[str, object]]] = {
    "chat.message": {"content": "", "mentions": [], "attachment": None},
    "chat.edited": {"content": "", "mentions": []},
}
"""What the log has instead of what a deleted message said. Who was quick has read it."""


@dataclass(slots=True)
class RoomLog:
    """What PostgreSQL holds of a room."""

    last_seq: int
    events: list[Row] = field(default_factory=list)
    tables: Tables = field(default_factory=dict)


class _View(NamedTuple):
    """A message of a room's state: as it is to be compared, and its author."""

    message: MessageView
    author: UUID | None


async def read_logs(database_url: str) -> dict[str, RoomLog]:
    """Read every room."""
    conn = await asyncpg.connect(database_url)
    try:
        await prepare_connection(conn)
        rooms = await conn.fetch("select id, last_seq from rooms")
        logs = {str(room["id"]): RoomLog(room["last_seq"]) for room in rooms}
        for row in await conn.fetch(
            "select room_id, seq, type, actor::text, key, payload::text, created_at"
            " from room_events order by room_id, seq"
        ):
            logs[str(row["room_id"])].events.append(Row(*tuple(row)[1:]))
        for room_id, tables in (await read_tables(conn, [room["id"] for room in rooms])).items():
            logs[str(room_id)].tables = tables
    finally:
        await conn.close()
    return logs


def prove(
    logs: Mapping[str, RoomLog], journal: Journal, records: Mapping[str, Iterable[RoomRecord]]
) -> Iterator[str]:
    """Yield everything that is wrong. ``records`` are by the name of their client."""
    yield from _check_keys(logs, journal)
    by_room: dict[str, list[tuple[str, RoomRecord]]] = defaultdict(list)
    for name, rooms in records.items():
        for record in rooms:
            by_room[record.room].append((name, record))
    for room, log in logs.items():
        yield from (f"room {room}: {finding}" for finding in _check_log(log))
        model = RoomModel(UUID(room))
        for finding in _replay(model, log, by_room[room]):
            yield f"room {room}: {finding}"
        for name, record in by_room[room]:
            is_member = UUID(record.user) in model.members
            for finding in _check_record(record, log, is_member=is_member):
                yield f"{name} of room {record.room}: {finding}"


def _check_log(log: RoomLog) -> Iterator[str]:
    """Check that a log has no hole."""
    numbers = [row.seq for row in log.events]
    if numbers != [*range(1, log.last_seq + 1)]:
        holes = sorted(set(range(1, log.last_seq + 1)) ^ set(numbers))[:5]
        yield f"the log is not 1 … {log.last_seq}: look at {holes}"


def _replay(
    model: RoomModel, log: RoomLog, records: Iterable[tuple[str, RoomRecord]]
) -> Iterator[str]:
    """Replay a log; on the way check the states that clients were told, and in the end the tables.

    What a message said that was deleted later is in no log: of it the rest is compared.
    """
    told: dict[int, dict[tuple[bytes, ...], str]] = defaultdict(dict)
    for name, record in records:
        for entry in record.told:
            if isinstance(entry, Snapshot):
                told[entry.seq].setdefault(entry.messages, name)
    gone = {
        orjson.loads(row.payload)["message_id"] for row in log.events if row.type == "chat.deleted"
    }
    for seq in range(log.last_seq + 1):
        if 0 < seq <= len(log.events):
            model.apply(log.events[seq - 1])
        if seq in told:
            wanted = [_without_text(_seen(view), gone) for view in model.newest(STATE_MESSAGES)]
            for messages, name in told[seq].items():
                found = [_without_text(_parsed(message), gone) for message in messages]
                if found != wanted:
                    pairs = zip(found, wanted, strict=False)
                    different = [pair for pair in pairs if pair[0] != pair[1]][:1]
                    yield (
                        f"the state at {seq} that {name} was told has not the newest messages of"
                        f" the log: {len(found)} and {len(wanted)}, {different}"
                    )
    yield from model.findings
    yield from differences(model.tables(), log.tables)


@lru_cache(maxsize=100_000)
def _parsed(raw: bytes) -> _View:
    return _seen(MessageView.model_validate_json(raw))


def _seen(view: MessageView) -> _View:
    """Leave out what is not of the log: the name of the author, and an order among equals."""
    reactions = [
        reaction.model_copy(update={"users": tuple(sorted(reaction.users))})
        for reaction in sorted(view.reactions, key=lambda reaction: reaction.emoji)
    ]
    bare = view.model_copy(update={"author": None, "reactions": tuple(reactions)})
    return _View(bare, view.author and view.author.id)


def _without_text(view: _View, gone: set[str]) -> _View:
    if str(view.message.id) not in gone:
        return view
    redacted = {"content": "", "mentions": (), "attachment": None}
    return view._replace(message=view.message.model_copy(update=redacted))


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


def _check_record(record: RoomRecord, log: RoomLog, *, is_member: bool) -> Iterator[str]:
    """Check that a record is the log from its beginning to the end, of who is in to the end."""
    reached: int | None = None
    for entry in record.told:
        if isinstance(entry, Snapshot):
            pass  # compared in the replay
        elif reached is None:
            yield f"event {entry.seq} came before any state"
        elif entry.seq != reached + 1:
            yield f"event {entry.seq} came after {reached}"
        elif not _is_row(entry, record.room, log.events):
            yield f"event {entry.seq} is not what the log holds: {entry.raw!r}"
        reached = entry.seq
    if is_member and reached != log.last_seq:
        yield f"ends at {reached}, the log at {log.last_seq}"
    if not is_member and record.is_open:
        yield "is open to the end, and the client is not a member"
    last = [Absence(record.member_at, None)] if record.is_out else []
    goings = [row.seq for row in log.events if _is_going_of(row, record.user)]
    for absence in [*record.absences, *last]:
        until = log.last_seq if absence.until is None else absence.until
        if not any(absence.since < seq <= until for seq in goings):
            yield f"was closed between {absence.since} and {until} to somebody who was a member"


def _is_going_of(row: Row, user: str) -> bool:
    if row.type != "member.left":
        return False
    gone: str = orjson.loads(row.payload)["user"]["id"]
    return gone == user


def _is_row(entry: Received, room: str, events: Sequence[Row]) -> bool:
    """Whether an event is its row: the data byte for byte, unless it was redacted since."""
    if entry.seq > len(events):
        return False
    row = events[entry.seq - 1]
    event = orjson.loads(entry.raw)
    head = (event["room"], event["type"], event.get("by"), event.get("key"))
    _, _, data = entry.raw.partition(b',"data":')
    return (
        head == (room, row.type, row.actor, row.key)
        and datetime.fromisoformat(event["at"]) == row.created_at
        and (data == row.payload.encode() + b"}" or _is_redacted(row, event["data"]))
    )


def _is_redacted(row: Row, data: Mapping[str, Any]) -> bool:
    """Whether a row is what redaction leaves of this data."""
    left: Mapping[str, object] = orjson.loads(row.payload)
    return row.type in REDACTED and left == {**data, **REDACTED[row.type]}
