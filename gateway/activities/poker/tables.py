"""Poker tables, as a newcomer sees them."""

from collections.abc import Sequence
from uuid import UUID

from gateway.activities.activity import Visit
from gateway.activities.poker import rules
from gateway.activities.poker.messages import GameConfig, PokerState, RevealedVote, Story
from gateway.core.identity import Identity
from gateway.core.protocol.base import Person
from gateway.storage.connection import Connection
from gateway.storage.generated import poker as poker_queries

Game = poker_queries.ActiveGamesRow


async def read_states(conn: Connection, visits: Sequence[Visit]) -> list[PokerState | None]:
    """Return each table as its visitor may see it: before the reveal, only their own card."""
    room_ids = [*{visit.room_id for visit in visits}]
    games = await poker_queries.active_games(conn, room_ids=room_ids)
    stories = [game.current_story_id for game in games if game.current_story_id is not None]
    votes = await read_votes(conn, stories)
    tables = {
        game.room_id: (_state(game, cast), cast)
        for game in games
        for cast in [votes.get(game.current_story_id, ())]
    }
    return [
        _seen_by(visit.viewer, *tables[visit.room_id]) if visit.room_id in tables else None
        for visit in visits
    ]


async def read_votes(
    conn: Connection, story_ids: Sequence[UUID]
) -> dict[UUID | None, tuple[RevealedVote, ...]]:
    """Return the votes on each story that has any, in the order of voting."""
    votes: dict[UUID | None, list[RevealedVote]] = {}
    for row in await poker_queries.votes_of(conn, story_ids=story_ids):
        player = Person(id=row.user_id, name=row.name, avatar_url=row.avatar_url)
        votes.setdefault(row.story_id, []).append(RevealedVote(player=player, card=row.value))
    return {story_id: tuple(cast) for story_id, cast in votes.items()}


def host_of(game: Game) -> Person | None:
    """Return who hosts a game, if they still have an account."""
    if game.host_id is None or game.host_name is None:
        return None
    return Person(id=game.host_id, name=game.host_name, avatar_url=game.host_avatar_url)


def _state(game: Game, votes: tuple[RevealedVote, ...]) -> PokerState:
    """Return the table as everybody may see it."""
    revealed = game.story_completed_at is not None
    return PokerState(
        game_id=game.id,
        name=game.name,
        deck=GameConfig.model_validate(game.config).deck,
        host=host_of(game),
        story=Story(id=game.current_story_id, title=game.story_title or "")
        if game.current_story_id
        else None,
        voted=tuple(vote.player for vote in votes),
        your_card=None,
        votes=votes if revealed else None,
        statistics=rules.summarise([vote.card for vote in votes]) if revealed else None,
    )


def _seen_by(viewer: Identity, table: PokerState, votes: tuple[RevealedVote, ...]) -> PokerState:
    card = next((vote.card for vote in votes if vote.player.id == viewer.user_id), None)
    return table.model_copy(update={"your_card": card}) if card is not None else table
