"""Typed functions for queries/poker.sql.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from gateway.core.ids import RoomId, UserId
from gateway.storage.connection import Connection, Json
from gateway.storage.sql import affected_rows, sql_of

_SQL: Final = sql_of("poker")


class ActiveGamesRow(NamedTuple):
    room_id: RoomId
    id: UUID
    name: str
    host_id: UserId | None
    config: Json
    current_story_id: UUID | None
    host_name: str | None
    host_avatar_url: str | None
    story_title: str | None
    story_completed_at: datetime | None
    story_started_at: datetime | None
    voters: Sequence[UUID]


class VotesOfRow(NamedTuple):
    story_id: UUID
    user_id: UserId
    name: str
    avatar_url: str | None
    value: str


async def active_games(
    conn: Connection,
    *,
    room_ids: Sequence[RoomId],
) -> list[ActiveGamesRow]:
    """The games of rooms, with their open stories and who has voted; not the cards. A deleted
    account has left its seat. Partial unique index (room_id) where is_active; index votes (story_id);
    primary keys, each looked up by itself, whatever the planner believes about the tables.
    """
    answer = await conn.fetch(
        _SQL["active_games"],
        room_ids,
    )
    return [ActiveGamesRow(*record) for record in answer]


async def insert_games(
    conn: Connection,
    *,
    config: Json,
    created_at: datetime,
    expires_at: datetime,
    ids: Sequence[UUID],
    room_ids: Sequence[RoomId],
    names: Sequence[str],
    host_ids: Sequence[UserId],
) -> int:
    """One active game a room; a second one violates the partial unique index."""
    answer = await conn.execute(
        _SQL["insert_games"],
        config,
        created_at,
        expires_at,
        ids,
        room_ids,
        names,
        host_ids,
    )
    return affected_rows(answer)


async def open_stories(
    conn: Connection,
    *,
    ids: Sequence[UUID],
    session_ids: Sequence[UUID],
    titles: Sequence[str],
    created_at: datetime,
) -> int:
    """Adds stories at the end of their games, and makes each game's last one the one to vote on.
    Index (session_id, order_index).
    """
    answer = await conn.execute(
        _SQL["open_stories"],
        ids,
        session_ids,
        titles,
        created_at,
    )
    return affected_rows(answer)


async def cast_votes(
    conn: Connection,
    *,
    seat_ids: Sequence[UUID],
    session_ids: Sequence[UUID],
    story_ids: Sequence[UUID],
    user_ids: Sequence[UserId],
    names: Sequence[str],
    values: Sequence[str],
    created_at: datetime,
) -> int:
    """One card for each voter and story, over the one that lay there; whoever has no
    seat in the game takes one, under a longer name if theirs is on another seat (of somebody who
    was called so then). Unique (session_id, user_id), unique (story_id, player_id).
    """
    answer = await conn.execute(
        _SQL["cast_votes"],
        seat_ids,
        session_ids,
        story_ids,
        user_ids,
        names,
        values,
        created_at,
    )
    return affected_rows(answer)


async def votes_of(
    conn: Connection,
    *,
    story_ids: Sequence[UUID],
) -> list[VotesOfRow]:
    """The cards of stories with their players, the latest change last. The seat stands for an account
    that has been deleted. Index story_id; primary keys, looked up as above.
    """
    answer = await conn.fetch(
        _SQL["votes_of"],
        story_ids,
    )
    return [VotesOfRow(*record) for record in answer]


async def keep_rounds(
    conn: Connection,
    *,
    revealed_at: datetime,
    story_ids: Sequence[UUID],
    session_ids: Sequence[UUID],
    votes: Sequence[str],
    statistics: Sequence[str],
    started_at: Sequence[datetime],
) -> int:
    """Keeps the finished rounds, with everything that was on the table, and closes their stories:
    a revealed story takes no more votes. Unique (story_id, round_number), primary key of stories.
    """
    answer = await conn.execute(
        _SQL["keep_rounds"],
        revealed_at,
        story_ids,
        session_ids,
        votes,
        statistics,
        started_at,
    )
    return affected_rows(answer)
