"""Planning poker, as the ledger writes it and as a newcomer reads it."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from gateway.activities.activity import Activity, Context, Outcome
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
from gateway.core.ids import RoomId
from gateway.core.protocol.base import Person
from gateway.storage.connection import Connection
from gateway.storage.generated import poker as poker_queries

Game = poker_queries.ActiveGameRow

GAME_LIFETIME: Final = timedelta(days=7)
"""A game that nobody closes ends by itself."""

MODERATORS: Final = frozenset({"admin", "moderator"})


async def start(context: Context, command: PokerStart) -> Outcome:
    """Open a story; the room's first one opens a game, with the actor as its host."""
    context.require_member()
    game = await poker_queries.active_game(context.conn, room_id=context.room.id)
    if game is None:
        await _open_game(context)
        game = await poker_queries.active_game(context.conn, room_id=context.room.id)
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
    game = await poker_queries.active_game(context.conn, room_id=context.room.id)
    story_id = rules.require_open_story(
        game.current_story_id if game else None,
        command.data.story_id,
        is_revealed=game is not None and game.story_completed_at is not None,
    )
    assert game is not None  # noqa: S101 - no story is open without one
    _require_host(context, game)
    votes = await _votes(context.conn, story_id)
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


async def read_state(conn: Connection, room_id: RoomId, viewer: Identity) -> PokerState | None:
    """Return the table as ``viewer`` may see it: before the reveal, only their own card."""
    game = await poker_queries.active_game(conn, room_id=room_id)
    if game is None:
        return None
    story: Story | None = None
    votes: tuple[RevealedVote, ...] = ()
    if game.current_story_id is not None:
        story = Story(id=game.current_story_id, title=game.story_title or "")
        votes = await _votes(conn, game.current_story_id)
    revealed = game.story_completed_at is not None
    return PokerState(
        game_id=game.id,
        name=game.name,
        deck=GameConfig.model_validate(game.config).deck,
        host=_host(game),
        story=story,
        voted=tuple(vote.player for vote in votes),
        your_card=next((v.card for v in votes if v.player.id == viewer.user_id), None),
        votes=votes if revealed else None,
        statistics=rules.summarise([vote.card for vote in votes]) if revealed else None,
    )


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


async def _votes(conn: Connection, story_id: UUID) -> tuple[RevealedVote, ...]:
    rows = await poker_queries.votes_of(conn, story_id=story_id)
    return tuple(
        RevealedVote(
            player=Person(id=row.user_id, name=row.name, avatar_url=row.avatar_url), card=row.value
        )
        for row in rows
    )


POKER = Activity(
    name="poker",
    handlers={PokerStart: start, PokerReveal: reveal},
    plans={PokerVote: Voting},
    read_state=read_state,
)
