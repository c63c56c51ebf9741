"""Planning poker, as the ledger writes it and as a newcomer reads it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from gateway.activities.activity import Activity, Context, Outcome, Visit
from gateway.activities.poker import rules
from gateway.activities.poker.messages import (
    GameConfig,
    PokerReveal,
    PokerRevealed,
    PokerStart,
    PokerStarted,
    PokerState,
    PokerVote,
    RevealedVote,
    Story,
)
from gateway.activities.poker.voting import Voting
from gateway.core.errors import Forbidden, InvalidState
from gateway.core.identity import Identity
from gateway.core.protocol.base import Person
from gateway.storage.connection import Connection
from gateway.storage.generated import poker as poker_queries

Game = poker_queries.ActiveGamesRow

GAME_LIFETIME: Final = timedelta(days=7)
"""A game that nobody closes ends by itself."""

MODERATORS: Final = frozenset({"admin", "moderator"})


async def start(context: Context, command: PokerStart) -> Outcome:
    """Open a story; the room's first one opens a game, with the actor as its host."""
    context.require_member()
    game = await _find_game(context)
    if game is None:
        await _open_game(context)
        game = await _find_game(context)
        assert game is not None  # noqa: S101 - inserted one line above, under the room's lock
    else:
        _require_host(context, game)
    story = Story(id=context.new_id(), title=command.data.title)
    await poker_queries.open_story(
        context.conn, id=story.id, session_id=game.id, title=story.title, created_at=context.now
    )
    event = PokerStarted(
        game_id=game.id,
        name=game.name,
        deck=GameConfig.model_validate(game.config).deck,
        host=_host(game) or context.actor.person,
        story=story,
    )
    return Outcome((event,))


async def reveal(context: Context, command: PokerReveal) -> Outcome:
    """Turn the cards over, and keep the round."""
    context.require_member()
    game = await _find_game(context)
    story_id = rules.require_open_story(
        game.current_story_id if game else None,
        command.data.story_id,
        is_revealed=game is not None and game.story_completed_at is not None,
    )
    assert game is not None  # noqa: S101 - no story is open without one
    _require_host(context, game)
    votes = (await _votes(context.conn, [story_id])).get(story_id, ())
    if not votes:
        raise InvalidState("Nobody has voted yet: there is nothing to reveal.")
    summary = rules.summarise([vote.card for vote in votes])
    await poker_queries.keep_round(
        context.conn,
        story_id=story_id,
        session_id=game.id,
        votes=[vote.model_dump(mode="json") for vote in votes],
        statistics=summary.model_dump(mode="json"),
        started_at=game.story_started_at or context.now,
        revealed_at=context.now,
    )
    await poker_queries.complete_story(context.conn, story_id=story_id, completed_at=context.now)
    event = PokerRevealed(game_id=game.id, story_id=story_id, votes=votes, statistics=summary)
    return Outcome((event,))


async def read_states(conn: Connection, visits: Sequence[Visit]) -> list[PokerState | None]:
    """Return each table as its visitor may see it: before the reveal, only their own card."""
    room_ids = [*{visit.room_id for visit in visits}]
    games = await poker_queries.active_games(conn, room_ids=room_ids)
    stories = [game.current_story_id for game in games if game.current_story_id is not None]
    votes = await _votes(conn, stories)
    tables = {
        game.room_id: (_state(game, cast), cast)
        for game in games
        for cast in [votes.get(game.current_story_id, ())]
    }
    return [
        _seen_by(visit.viewer, *tables[visit.room_id]) if visit.room_id in tables else None
        for visit in visits
    ]


def _state(game: Game, votes: tuple[RevealedVote, ...]) -> PokerState:
    """Return the table as everybody may see it."""
    revealed = game.story_completed_at is not None
    return PokerState(
        game_id=game.id,
        name=game.name,
        deck=GameConfig.model_validate(game.config).deck,
        host=_host(game),
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


async def _find_game(context: Context) -> Game | None:
    games = await poker_queries.active_games(context.conn, room_ids=[context.room.id])
    return games[0] if games else None


async def _open_game(context: Context) -> None:
    await poker_queries.insert_game(
        context.conn,
        id=context.new_id(),
        room_id=context.room.id,
        name=context.room.name,
        host_id=context.actor.user_id,
        config=GameConfig(deck=rules.MODIFIED_FIBONACCI).model_dump(mode="json"),
        created_at=context.now,
        expires_at=context.now + GAME_LIFETIME,
    )


def _require_host(context: Context, game: Game) -> None:
    if context.role not in MODERATORS and context.actor.user_id != game.host_id:
        raise Forbidden("Only the host of the game, or an admin or moderator, may do this.")


def _host(game: Game) -> Person | None:
    if game.host_id is None or game.host_name is None:
        return None
    return Person(id=game.host_id, name=game.host_name, avatar_url=game.host_avatar_url)


async def _votes(
    conn: Connection, story_ids: Sequence[UUID]
) -> dict[UUID | None, tuple[RevealedVote, ...]]:
    """Return the votes on each story that has any, in the order of voting."""
    votes: dict[UUID | None, list[RevealedVote]] = {}
    for row in await poker_queries.votes_of(conn, story_ids=story_ids):
        player = Person(id=row.user_id, name=row.name, avatar_url=row.avatar_url)
        votes.setdefault(row.story_id, []).append(RevealedVote(player=player, card=row.value))
    return {story_id: tuple(cast) for story_id, cast in votes.items()}


POKER = Activity(
    name="poker",
    handlers={PokerStart: start, PokerReveal: reveal},
    plans={PokerVote: Voting},
    read_states=read_states,
)
