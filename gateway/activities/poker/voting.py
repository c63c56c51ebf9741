"""Votes, of all tables of a batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from gateway.activities.activity import Context, Outcome
from gateway.activities.poker import rules
from gateway.activities.poker.messages import GameConfig, PokerVote, PokerVoted
from gateway.core.ids import RoomId, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated import poker as poker_queries


@dataclass(frozen=True, slots=True)
class _Table:
    """A game with the story on it, and who has a card on the table."""

    game_id: UUID
    deck: tuple[str, ...]
    story_id: UUID | None
    is_revealed: bool
    voters: set[UserId]


class _Vote(NamedTuple):
    seat_id: UUID
    game_id: UUID
    story_id: UUID
    user_id: UserId
    name: str
    card: str


class Voting:
    """The plan of ``poker.vote``: seats and cards are written in one statement."""

    def __init__(self) -> None:
        self._tables: dict[RoomId, _Table] = {}
        self._votes: dict[tuple[UUID, UserId], _Vote] = {}

    async def load(self, conn: Connection, room_ids: Sequence[RoomId]) -> None:
        """Read what lies on the tables of these rooms."""
        for row in await poker_queries.tables(conn, room_ids=room_ids):
            self._tables[RoomId(row.room_id)] = _Table(
                row.id,
                GameConfig.model_validate(row.config).deck,
                row.current_story_id,
                row.story_completed_at is not None,
                {UserId(voter) for voter in row.voters},
            )

    def carry_out(self, context: Context, command: PokerVote) -> Outcome:
        """Put a card on the table, face down."""
        context.require_member()
        table = self._tables.get(context.room.id)
        story_id = rules.require_open_story(
            table.story_id if table else None,
            command.data.story_id,
            is_revealed=table is not None and table.is_revealed,
        )
        assert table is not None  # noqa: S101 - no story is open without one
        rules.check_card(command.data.card, table.deck)
        voter = context.actor
        table.voters.add(voter.user_id)
        self._votes[story_id, voter.user_id] = _Vote(
            context.new_id(),
            table.game_id,
            story_id,
            voter.user_id,
            voter.name,
            command.data.card,
        )
        event = PokerVoted(
            game_id=table.game_id,
            story_id=story_id,
            player=voter.person,
            voted=len(table.voters),
        )
        return Outcome((event,))

    async def write(self, conn: Connection, now: datetime) -> None:
        """Seat who has no seat yet, and put down the last card of each voter."""
        if not self._votes:
            return
        seat_ids, game_ids, story_ids, user_ids, names, cards = zip(
            *self._votes.values(), strict=True
        )
        await poker_queries.cast_votes(
            conn,
            seat_ids=seat_ids,
            session_ids=game_ids,
            story_ids=story_ids,
            user_ids=user_ids,
            names=names,
            values=cards,
            created_at=now,
        )
