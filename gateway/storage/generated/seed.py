"""Typed functions for queries/seed.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from gateway.core.ids import RoomId, Seq, UserId
from gateway.storage.connection import Connection, Json
from gateway.storage.sql import affected_rows, sql_of

_SQL: Final = sql_of("seed")


async def seed_users(
    conn: Connection,
    *,
    password_hash: str,
    ids: Sequence[UUID],
    emails: Sequence[str | None],
    usernames: Sequence[str],
    guests: Sequence[bool],
) -> int:
    """Guests have no e-mail address and no password. Primary key."""
    answer = await conn.execute(
        _SQL["seed_users"],
        password_hash,
        ids,
        emails,
        usernames,
        guests,
    )
    return affected_rows(answer)


async def seed_room(
    conn: Connection,
    *,
    id: UUID,
    name: str,
    description: str,
    is_private: bool,
    created_by: UserId,
    last_seq: Seq,
    message_count: int,
    created_at: datetime,
) -> int:
    """Answers 0 when the room is there; then its contents are left alone as well. Primary key."""
    answer = await conn.execute(
        _SQL["seed_room"],
        id,
        name,
        description,
        is_private,
        created_by,
        last_seq,
        message_count,
        created_at,
    )
    return affected_rows(answer)


async def seed_members(
    conn: Connection,
    *,
    room_id: RoomId,
    user_ids: Sequence[UserId],
    roles: Sequence[str],
    last_read_seqs: Sequence[int],
    read_counts: Sequence[int],
) -> int:
    """Who is in the room, and how far they have read. Primary key."""
    answer = await conn.execute(
        _SQL["seed_members"],
        room_id,
        user_ids,
        roles,
        last_read_seqs,
        read_counts,
    )
    return affected_rows(answer)


async def seed_events(
    conn: Connection,
    *,
    room_id: RoomId,
    seqs: Sequence[Seq],
    types: Sequence[str],
    actors: Sequence[UserId],
    payloads: Sequence[str],
    times: Sequence[datetime],
) -> int:
    """The room's log. Primary key."""
    answer = await conn.execute(
        _SQL["seed_events"],
        room_id,
        seqs,
        types,
        actors,
        payloads,
        times,
    )
    return affected_rows(answer)


async def seed_messages(
    conn: Connection,
    *,
    room_id: RoomId,
    ids: Sequence[UUID],
    seqs: Sequence[Seq],
    authors: Sequence[UUID],
    contents: Sequence[str],
    times: Sequence[datetime],
) -> int:
    """The messages that the log tells of, in their order. Primary key."""
    answer = await conn.execute(
        _SQL["seed_messages"],
        room_id,
        ids,
        seqs,
        authors,
        contents,
        times,
    )
    return affected_rows(answer)


async def seed_game(
    conn: Connection,
    *,
    id: UUID,
    room_id: RoomId,
    name: str,
    host_id: UserId,
    config: Json,
    expires_at: datetime,
) -> int:
    """A game of poker, without stories as yet. Primary key."""
    answer = await conn.execute(
        _SQL["seed_game"],
        id,
        room_id,
        name,
        host_id,
        config,
        expires_at,
    )
    return affected_rows(answer)


async def seed_stories(
    conn: Connection,
    *,
    game_id: UUID,
    ids: Sequence[UUID],
    titles: Sequence[str],
) -> int:
    """The stories in their order; the first of them is open. Primary keys."""
    answer = await conn.execute(
        _SQL["seed_stories"],
        game_id,
        ids,
        titles,
    )
    return affected_rows(answer)


async def seed_votes(
    conn: Connection,
    *,
    game_id: UUID,
    user_ids: Sequence[UserId],
    names: Sequence[str],
    story_id: UUID,
    cards: Sequence[str],
) -> int:
    """Players and their votes; a vote's card is nowhere else before the reveal. Primary keys."""
    answer = await conn.execute(
        _SQL["seed_votes"],
        game_id,
        user_ids,
        names,
        story_id,
        cards,
    )
    return affected_rows(answer)


async def seed_clock(
    conn: Connection,
    *,
    id: UUID,
    room_id: RoomId,
    time_per_cycle_ms: int,
    total_participants: int,
) -> int:
    """A chess clock that ran out of use: a row of the audit trail, not a running clock. Primary key."""
    answer = await conn.execute(
        _SQL["seed_clock"],
        id,
        room_id,
        time_per_cycle_ms,
        total_participants,
    )
    return affected_rows(answer)


async def lock_seed(conn: Connection) -> int:
    """Of two who plant the large example at the same time, the second waits and finds it there. The
    pair of numbers keeps it apart from other advisory locks.
    """
    answer = await conn.execute(_SQL["lock_seed"])
    return affected_rows(answer)


async def seed_totals(
    conn: Connection,
    *,
    ids: Sequence[UUID],
    last_seqs: Sequence[Seq],
    message_counts: Sequence[int],
    times: Sequence[datetime],
) -> int:
    """Rooms of the large example whose contents are complete. Primary key."""
    answer = await conn.execute(
        _SQL["seed_totals"],
        ids,
        last_seqs,
        message_counts,
        times,
    )
    return affected_rows(answer)
