"""Typed functions for queries/log.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from gateway.core.ids import RoomId, Seq, UserId
from gateway.storage.connection import Connection
from gateway.storage.sql import affected_rows, sql_of

_SQL: Final = sql_of("log")


class LockRoomsRow(NamedTuple):
    id: RoomId
    name: str
    is_private: bool
    is_archived: bool
    last_seq: Seq
    message_count: int
    locked_at: datetime


class FindStandingRow(NamedTuple):
    room_id: RoomId
    actor: UserId
    role: str | None
    muted_until: datetime | None
    key: str | None
    seq: Seq | None
    created_at: datetime | None
    type: str | None


class ReadEventsRow(NamedTuple):
    seq: Seq
    message: str


class ReadPositionsRow(NamedTuple):
    id: RoomId
    epoch: int
    last_seq: Seq


class ReadRoomsForRow(NamedTuple):
    id: RoomId
    user_id: UserId
    name: str
    description: str | None
    is_private: bool
    is_archived: bool
    epoch: int
    last_seq: Seq
    log_start: Seq
    role: str | None
    last_read_seq: int | None
    muted_until: datetime | None


async def lock_rooms(
    conn: Connection,
    *,
    room_ids: Sequence[RoomId],
) -> list[LockRoomsRow]:
    """Locks the rooms of a batch, so that commit order is seq order and two
    commands of one room cannot race. Locked in id order: two batches that share
    rooms wait for each other and never deadlock. Not a plain "for update", which
    would make every insert that refers to a room wait as well. Primary key.
    """
    answer = await conn.fetch(
        _SQL["lock_rooms"],
        room_ids,
    )
    return [LockRoomsRow(*record) for record in answer]


async def find_standing(
    conn: Connection,
    *,
    actor_rooms: Sequence[UUID],
    actors: Sequence[UserId],
    command_rooms: Sequence[UUID],
    command_actors: Sequence[UUID],
    keys: Sequence[str],
) -> list[FindStandingRow]:
    """The roles of a batch's actors, and those of its commands that have been carried
    out before: a row has a role, or the key, seq, time and type of an event. Read after
    the lock, so a command's twin still in flight has either committed or not yet
    begun. Primary key of room_users; unique index room_events (room_id, actor, key).
    The limits leave the planner no join but one look for each, whatever it believes
    about the tables.
    """
    answer = await conn.fetch(
        _SQL["find_standing"],
        actor_rooms,
        actors,
        command_rooms,
        command_actors,
        keys,
    )
    return [FindStandingRow(*record) for record in answer]


async def append_events(
    conn: Connection,
    *,
    created_at: datetime,
    room_ids: Sequence[RoomId],
    seqs: Sequence[Seq],
    types: Sequence[str],
    actors: Sequence[UserId],
    keys: Sequence[str],
    payloads: Sequence[str],
    log_ids: Sequence[UUID],
    last_seqs: Sequence[Seq],
    messages_added: Sequence[int],
) -> int:
    """All events of a batch, the new end of each room's log, and its message count.
    The rooms are locked by lock_rooms, so the numbers cannot collide. An empty key
    is none. Primary keys.
    """
    answer = await conn.execute(
        _SQL["append_events"],
        created_at,
        room_ids,
        seqs,
        types,
        actors,
        keys,
        payloads,
        log_ids,
        last_seqs,
        messages_added,
    )
    return affected_rows(answer)


async def read_events(
    conn: Connection,
    *,
    room_id: RoomId,
    after_seq: Seq,
    max_events: int,
) -> list[ReadEventsRow]:
    """A page of the log after a position, in order. message is the text that
    encode_event (gateway/core/protocol/encode.py) gave the event when it was
    live, to the byte; a change there is a change here. Put together by PostgreSQL,
    it costs the gateway a tenth of what its parts do. Primary key (room_id, seq).
    """
    answer = await conn.fetch(
        _SQL["read_events"],
        room_id,
        after_seq,
        max_events,
    )
    return [ReadEventsRow(*record) for record in answer]


async def read_positions(
    conn: Connection,
    *,
    room_ids: Sequence[RoomId],
) -> list[ReadPositionsRow]:
    """Where the logs of many rooms end now. Primary key of rooms."""
    answer = await conn.fetch(
        _SQL["read_positions"],
        room_ids,
    )
    return [ReadPositionsRow(*record) for record in answer]


async def read_rooms_for(
    conn: Connection,
    *,
    room_ids: Sequence[RoomId],
    user_ids: Sequence[UserId],
) -> list[ReadRoomsForRow]:
    """Rooms, each as one person stands to it: role is null for a stranger. Primary keys,
    each looked up by itself, as above.
    """
    answer = await conn.fetch(
        _SQL["read_rooms_for"],
        room_ids,
        user_ids,
    )
    return [ReadRoomsForRow(*record) for record in answer]


async def redact_events(
    conn: Connection,
    *,
    room_id: RoomId,
    seqs: Sequence[Seq],
) -> int:
    """What a deleted message said, and its edits, are taken out of the log. Their places stay. Primary
    key.
    """
    answer = await conn.execute(
        _SQL["redact_events"],
        room_id,
        seqs,
    )
    return affected_rows(answer)


async def start_epoch(conn: Connection) -> int:
    """Another epoch for every room: run once after a backup was restored, so that no
    client takes its old position for one in the restored log. Scans all rooms.
    """
    answer = await conn.execute(_SQL["start_epoch"])
    return affected_rows(answer)
