"""Ledgers with somebody to write into them, and the log as it stands in the database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import orjson

from gateway.activities import catalogue
from gateway.activities.activity import Handler, Plan, Submission
from gateway.activities.chat.messages import ChatSend, ChatSendData
from gateway.activities.poker.messages import (
    PokerReveal,
    PokerStart,
    PokerStartData,
    PokerVote,
    PokerVoteData,
)
from gateway.activities.rooms.handlers import BecomeMember
from gateway.core.identity import Identity
from gateway.core.ids import RoomId, Seq, SessionId, UserId
from gateway.core.protocol.base import DurableCommand
from gateway.core.protocol.decode import command_name
from gateway.core.publication import Publication
from gateway.runtime.batch import Result, Rulebook
from gateway.runtime.ledger import Answer, Ledger
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries
from tests.support.frames import payloads
from tests.support.waiting import soon


class Answers:
    """Somebody who hands in so many commands, and what became of each."""

    def __init__(self, expected: int) -> None:
        self.results: dict[int, Result] = {}
        self.times_told = 0
        self.complete = asyncio.Event()
        self._expected = expected

    def answer(self, answers: Sequence[Answer]) -> None:
        """Take some."""
        self.times_told += 1
        for command_id, result in answers:
            assert command_id not in self.results, "answered twice"
            self.results[command_id] = result
        if len(self.results) == self._expected:
            self.complete.set()


class Book:
    """A ledger, and everything it has published."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[type, Handler],
        plans: Mapping[type, Callable[[], Plan]],
    ) -> None:
        self.published: list[tuple[RoomId, Publication]] = []
        self.touched: list[tuple[RoomId | None, set[UserId]]] = []
        rulebook = Rulebook(
            {**catalogue.HANDLERS, **handlers},
            {**catalogue.PLANS, **plans},
            catalogue.IN_ARCHIVE,
        )
        self.ledger = Ledger(
            database,
            rulebook,
            lambda room_id, news: self.published.append((room_id, news)),
            lambda room_id, user_ids: self.touched.append((room_id, set(user_ids))),
        )

    async def all_at_once(self, *submissions: Submission) -> list[Result]:
        """Hand in commands in one turn of the loop, which makes them one batch."""
        answers = Answers(len(submissions))
        for number, submission in enumerate(submissions):
            self.ledger.enqueue(submission, answers, number)
        await soon(answers.complete.wait())
        return [answers.results[number] for number in range(len(submissions))]

    def frames(self, room_id: RoomId) -> list[bytes]:
        """Return the payloads published for a room, in the order of their numbers."""
        news = sorted((part for room, part in self.published if room == room_id), key=_first)
        return [payload for part in news for payload in payloads(part.body)]


@asynccontextmanager
async def open_book(
    database: Database,
    handlers: Mapping[type, Handler] | None = None,
    plans: Mapping[type, Callable[[], Plan]] | None = None,
) -> AsyncIterator[Book]:
    """Run a ledger for the block; ``handlers`` and ``plans`` are added to the gateway's own."""
    book = Book(database, handlers or {}, plans or {})
    supervisor = Supervisor()
    supervisor.service("ledger", book.ledger.run())
    yield book
    await supervisor.stop()


async def new_person(database: Database, name: str = "Ada") -> Identity:
    """Make a guest."""
    user_id = UserId(uuid4())
    async with database.connection() as conn:
        await conn.execute(
            "insert into users (id, username, is_guest) values ($1, $2, true)",
            user_id,
            f"{name} {user_id.hex[:12]}",
        )
    return Identity(user_id, name, None, is_guest=True, session_id=SessionId(uuid4().hex))


async def new_room(
    database: Database, *members: Identity, is_private: bool = False, is_archived: bool = False
) -> RoomId:
    """Make a room with an empty log."""
    async with database.connection() as conn:
        room_id = await conn.fetchval(
            "insert into rooms (name, is_private, is_archived) values ('r', $1, $2) returning id",
            is_private,
            is_archived,
        )
        await conn.executemany(
            "insert into room_users (room_id, user_id) values ($1, $2)",
            [(room_id, member.user_id) for member in members],
        )
    return RoomId(room_id)


def say(
    room_id: RoomId, actor: Identity, content: str = "Hello", *, key: str | None = None
) -> Submission:
    """Return the wish to send a message."""
    command = ChatSend(
        id=1, type="chat.send", room=room_id, key=key, data=ChatSendData(content=content)
    )
    return Submission(room_id=room_id, actor=actor, command=command, key=key)


def wish(
    command_type: type[DurableCommand],
    room_id: RoomId,
    actor: Identity,
    *,
    key: str | None = None,
    **data: object,
) -> Submission:
    """Return the wish to do something, validated as if it came over a socket."""
    text = {"id": 1, "type": command_name(command_type), "room": room_id, "key": key, "data": data}
    command = command_type.model_validate_json(orjson.dumps(text, default=str))
    return Submission(room_id=room_id, actor=actor, command=command, key=key)


def start_story(room_id: RoomId, actor: Identity, title: str) -> Submission:
    """Return the wish to open a story of planning poker."""
    data = PokerStartData(title=title)
    return Submission(room_id, actor, PokerStart(id=1, type="poker.start", room=room_id, data=data))


def vote(room_id: RoomId, actor: Identity, card: str) -> Submission:
    """Return the wish to vote on the open story."""
    data = PokerVoteData(card=card)
    return Submission(room_id, actor, PokerVote(id=1, type="poker.vote", room=room_id, data=data))


def reveal(room_id: RoomId, actor: Identity) -> Submission:
    """Return the wish to turn the cards over."""
    return Submission(room_id, actor, PokerReveal(id=1, type="poker.reveal", room=room_id))


def become_member(room_id: RoomId, actor: Identity) -> Submission:
    """Return the wish to join for good."""
    return Submission(room_id=room_id, actor=actor, command=BecomeMember())


async def read_log(database: Database, room_id: RoomId) -> list[bytes]:
    """Return a room's events as they are replayed."""
    async with database.connection() as conn:
        rows = await log_queries.read_events(
            conn, room_id=room_id, after_seq=Seq(0), max_events=100_000
        )
    assert [row.seq for row in rows] == [*range(1, len(rows) + 1)]
    return [row.message.encode() for row in rows]


def _first(publication: Publication) -> int:
    return publication.first
