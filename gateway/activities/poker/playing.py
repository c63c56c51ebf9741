"""Stories, votes and reveals, as the ledger writes them: at all tables of a batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from gateway.activities.activity import Activity, Context, Outcome, Submission
from gateway.activities.poker import rules, tables
from gateway.activities.poker.messages import (
    POKER_COMMANDS,
    GameConfig,
    PokerReveal,
    PokerRevealed,
    PokerStart,
    PokerStarted,
    PokerVote,
    PokerVoted,
    RevealedVote,
    Story,
)
from gateway.core.errors import Forbidden, InvalidState
from gateway.core.ids import RoomId, UserId
from gateway.core.protocol.base import Person
from gateway.storage.connection import Connection
from gateway.storage.generated import poker as poker_queries

GAME_LIFETIME: Final = timedelta(days=7)
"""A game that nobody closes ends by itself."""

_VOTES: Final = TypeAdapter(tuple[RevealedVote, ...])

MODERATORS: Final = frozenset({"admin", "moderator"})


@dataclass(slots=True)
class _Game:
    """A game as it stands in this batch."""

    id: UUID
    name: str
    deck: tuple[str, ...]
    host_id: UserId | None
    host: Person | None
    story_id: UUID | None = None
    started_at: datetime | None = None
    is_revealed: bool = False
    voters: set[UserId] = field(default_factory=set)
    cards: dict[UserId, RevealedVote] = field(default_factory=dict)
    """The cards on the table, the latest last: those of this batch, and all before a reveal."""

    def open(self, story_id: UUID, now: datetime) -> None:
        """Clear the table for a story."""
        self.story_id, self.started_at, self.is_revealed = story_id, now, False
        self.voters, self.cards = set(), {}

    def put(self, vote: RevealedVote) -> None:
        """Put a card on the table, in the place of the voter's last one."""
        user_id = UserId(vote.player.id)
        self.voters.add(user_id)
        self.cards.pop(user_id, None)
        self.cards[user_id] = vote


class _NewGame(NamedTuple):
    id: UUID
    room_id: RoomId
    name: str
    host_id: UserId


class _NewStory(NamedTuple):
    id: UUID
    game_id: UUID
    title: str


class _Vote(NamedTuple):
    seat_id: UUID
    game_id: UUID
    story_id: UUID
    user_id: UserId
    name: str
    card: str


class _Round(NamedTuple):
    story_id: UUID
    game_id: UUID
    votes: str
    statistics: str
    started_at: datetime


class Playing:
    """The plan of every command of planning poker."""

    def __init__(self) -> None:
        self._games: dict[RoomId, _Game] = {}
        self._new_games: list[_NewGame] = []
        self._new_stories: list[_NewStory] = []
        self._votes: dict[tuple[UUID, UserId], _Vote] = {}
        self._rounds: list[_Round] = []

    async def load(self, conn: Connection, submissions: Sequence[Submission]) -> None:
        """Read the games of these rooms, and the cards of those who are going to see them."""
        room_ids = {submission.room_id for submission in submissions}
        for row in await poker_queries.active_games(conn, room_ids=[*room_ids]):
            self._games[RoomId(row.room_id)] = _game(row)
        revealing = {
            game.story_id: game
            for submission in submissions
            if isinstance(submission.command, PokerReveal)
            and (game := self._games.get(submission.room_id)) is not None
            and game.story_id is not None
        }
        if revealing:
            votes = await tables.read_votes(conn, [*revealing])
            for story_id, game in revealing.items():
                for vote in votes.get(story_id, ()):
                    game.put(vote)

    def carry_out(self, context: Context, command: PokerStart | PokerVote | PokerReveal) -> Outcome:
        """Play one move."""
        context.require_member()
        match command:
            case PokerStart():
                return self._start(context, command)
            case PokerVote():
                return self._vote(context, command)
            case PokerReveal():
                return self._reveal(context, command)

    async def write(self, conn: Connection, now: datetime) -> None:
        """Write what was played: games before their stories, stories before their votes."""
        if self._new_games:
            ids, room_ids, names, host_ids = zip(*self._new_games, strict=True)
            await poker_queries.insert_games(
                conn,
                ids=ids,
                room_ids=room_ids,
                names=names,
                host_ids=host_ids,
                config=GameConfig(deck=rules.MODIFIED_FIBONACCI).model_dump(mode="json"),
                created_at=now,
                expires_at=now + GAME_LIFETIME,
            )
        if self._new_stories:
            ids, game_ids, titles = zip(*self._new_stories, strict=True)
            await poker_queries.open_stories(
                conn, ids=ids, session_ids=game_ids, titles=titles, created_at=now
            )
        if self._votes:
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
        if self._rounds:
            story_ids, game_ids, votes, statistics, started_at = zip(*self._rounds, strict=True)
            await poker_queries.keep_rounds(
                conn,
                story_ids=story_ids,
                session_ids=game_ids,
                votes=votes,
                statistics=statistics,
                started_at=started_at,
                revealed_at=now,
            )

    def _start(self, context: Context, command: PokerStart) -> Outcome:
        """Open a story; the room's first one opens a game, with the actor as its host."""
        game = self._games.get(context.room.id)
        if game is None:
            game = self._open_game(context)
        else:
            _require_host(context, game)
        story = Story(id=context.new_id(), title=command.data.title)
        game.open(story.id, context.now)
        self._new_stories.append(_NewStory(story.id, game.id, story.title))
        event = PokerStarted(
            game_id=game.id,
            name=game.name,
            deck=game.deck,
            host=game.host or context.actor.person,
            story=story,
        )
        return Outcome((event,))

    def _open_game(self, context: Context) -> _Game:
        host = context.actor
        new = _NewGame(context.new_id(), context.room.id, context.room.name, host.user_id)
        self._new_games.append(new)
        game = _Game(new.id, new.name, rules.MODIFIED_FIBONACCI, host.user_id, host.person)
        self._games[context.room.id] = game
        return game

    def _vote(self, context: Context, command: PokerVote) -> Outcome:
        """Put a card on the table, face down."""
        game, story_id = self._open_story(context, command.data.story_id)
        rules.check_card(command.data.card, game.deck)
        voter = context.actor
        vote = RevealedVote(player=voter.person, card=command.data.card)
        event = PokerVoted(
            game_id=game.id,
            story_id=story_id,
            player=voter.person,
            voted=len(game.voters | {voter.user_id}),
        )
        game.put(vote)
        self._votes[story_id, voter.user_id] = _Vote(
            context.new_id(), game.id, story_id, voter.user_id, voter.name, command.data.card
        )
        return Outcome((event,))

    def _reveal(self, context: Context, command: PokerReveal) -> Outcome:
        """Turn the cards over, and keep the round."""
        game, story_id = self._open_story(context, command.data.story_id)
        _require_host(context, game)
        votes = self._votes_on(game, story_id)
        if not votes:
            raise InvalidState("Nobody has voted yet: there is nothing to reveal.")
        summary = rules.summarise([vote.card for vote in votes])
        event = PokerRevealed(game_id=game.id, story_id=story_id, votes=votes, statistics=summary)
        game.is_revealed = True
        self._rounds.append(
            _Round(
                story_id,
                game.id,
                _VOTES.dump_json(votes).decode(),
                summary.model_dump_json(),
                game.started_at or context.now,
            )
        )
        return Outcome((event,))

    def _votes_on(self, game: _Game, story_id: UUID) -> tuple[RevealedVote, ...]:
        """Return the votes in the order in which ``votes_of`` will: those of a batch by name."""

        def place(vote: RevealedVote) -> str:
            is_new = (story_id, UserId(vote.player.id)) in self._votes
            return vote.player.name if is_new else ""

        return tuple(sorted(game.cards.values(), key=place))

    def _open_story(self, context: Context, expected: UUID | None) -> tuple[_Game, UUID]:
        game = self._games.get(context.room.id)
        story_id = rules.require_open_story(
            game.story_id if game else None,
            expected,
            is_revealed=game is not None and game.is_revealed,
        )
        assert game is not None  # noqa: S101 - no story is open without one
        return game, story_id


def _game(row: poker_queries.ActiveGamesRow) -> _Game:
    return _Game(
        id=row.id,
        name=row.name,
        deck=GameConfig.model_validate(row.config).deck,
        host_id=row.host_id,
        host=tables.host_of(row),
        story_id=row.current_story_id,
        started_at=row.story_started_at,
        is_revealed=row.story_completed_at is not None,
        voters={UserId(voter) for voter in row.voters},
    )


def _require_host(context: Context, game: _Game) -> None:
    if context.require_member() not in MODERATORS and context.actor.user_id != game.host_id:
        raise Forbidden("Only the host of the game, or an admin or moderator, may do this.")


POKER = Activity(
    name="poker",
    plans=dict.fromkeys(POKER_COMMANDS, Playing),
    read_states=tables.read_states,
)
