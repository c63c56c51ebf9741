"""The way of durable commands into the log, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

import asyncpg
import orjson
import pytest

from gateway.activities import catalogue
from gateway.activities.activity import Context, Outcome, Submission
from gateway.activities.rooms.messages import MemberJoined
from gateway.core.errors import (
    DatabaseUnavailable,
    Draining,
    InternalError,
    InvalidState,
    NotAMember,
    Overloaded,
    UnknownRoom,
)
from gateway.core.identity import Identity
from gateway.core.ids import RoomId
from gateway.core.protocol.base import Committed
from gateway.embedded import EmbeddedServers
from gateway.runtime import ledger as ledger_module
from gateway.runtime.batch import Batch, Rulebook
from gateway.storage.connection import Connection
from gateway.storage.database import Database, DatabaseSettings
from gateway.storage.migrations import migrate_up
from tests.support.ledgers import (
    Answers,
    Book,
    become_member,
    new_person,
    new_room,
    open_book,
    read_log,
    reveal,
    say,
    start_story,
    vote,
)
from tests.support.waiting import soon


@dataclass(frozen=True)
class WriteAndFail:
    """A command whose handler has written something when it fails."""

    error: Exception


async def write_and_fail(context: Context, command: WriteAndFail) -> Outcome:
    """Rename the room, then fail."""
    await context.conn.execute("update rooms set name = 'x' where id = $1", context.room.id)
    raise command.error


@dataclass(frozen=True)
class Cut:
    """A command in the middle of which the connection to PostgreSQL is lost."""


async def be_cut(context: Context, _command: Cut) -> Outcome:
    """Have the server end the connection, and go on."""
    with suppress(asyncpg.PostgresError):
        await context.conn.execute("select pg_terminate_backend(pg_backend_pid())")
    await context.conn.execute("select 1")
    return Outcome(())


@dataclass(frozen=True)
class SayTwice:
    """A command that makes two events."""


async def say_twice(context: Context, _command: SayTwice) -> Outcome:
    """Have somebody join twice."""
    return Outcome((MemberJoined(user=context.actor.person, role="member"),) * 2)


@dataclass(frozen=True)
class Spoil:
    """A hot command that cannot be written."""


class Spoiling:
    """Its plan."""

    def __init__(self) -> None:
        self._spoilt = False

    async def load(self, conn: Connection, room_ids: Sequence[RoomId]) -> None:
        """Nothing."""

    def carry_out(self, _context: Context, _command: Spoil) -> Outcome:
        """Nothing yet."""
        self._spoilt = True
        return Outcome(())

    async def write(self, conn: Connection, _now: datetime) -> None:
        """Fail, and leave the transaction in ruins."""
        if self._spoilt:
            await conn.execute("select from nowhere")


@pytest.fixture
async def book(database: Database) -> AsyncIterator[Book]:
    """A ledger that also knows the commands above."""
    handlers = {WriteAndFail: write_and_fail, SayTwice: say_twice, Cut: be_cut}
    async with open_book(database, handlers, {Spoil: Spoiling}) as book:
        yield book


@pytest.fixture
async def ada(database: Database) -> Identity:
    """Somebody."""
    return await new_person(database)


@pytest.fixture
async def room(database: Database, ada: Identity) -> RoomId:
    """A room of which Ada is a member."""
    return await new_room(database, ada)


async def test_concurrent_commands_get_the_numbers_of_their_room_without_a_gap(
    database: Database, book: Book, ada: Identity
):
    """Over several rooms; what is told live is byte for byte what is replayed."""
    rooms = [await new_room(database, ada) for _ in range(5)]
    wishes = [say(rooms[number % 5], ada, f"Message {number}") for number in range(500)]
    results = await book.all_at_once(*wishes)
    for index, room_id in enumerate(rooms):
        seqs = [result.seq for result in results[index::5] if isinstance(result, Committed)]
        assert seqs == [*range(1, 101)]
        log = await read_log(database, room_id)
        assert len(log) == 100
        assert book.frames(room_id) == log


async def test_two_ledgers_on_one_room_share_one_order(
    database: Database, runtime_database_url: str, ada: Identity
):
    """As two instances do: the room's row is their meeting place."""
    rooms = [await new_room(database, ada) for _ in range(3)]
    second = await Database.open(DatabaseSettings(runtime_database_url))
    async with open_book(database) as one, open_book(second) as two:
        wishes = [say(rooms[number % 3], ada, f"Message {number}") for number in range(150)]
        await asyncio.gather(*(book.all_at_once(*wishes) for _ in range(3) for book in (one, two)))
        for room_id in rooms:
            one.published += [news for news in two.published if news[0] == room_id]
            log = await read_log(database, room_id)
            assert len(log) == 300
            assert one.frames(room_id) == log
    await second.close()


async def test_a_key_has_one_effect_and_one_reply(
    database: Database, runtime_database_url: str, book: Book, ada: Identity, room: RoomId
):
    """Repeated later, twice in one batch, and by way of another instance."""
    first = await book.ledger.submit(say(room, ada, key="k"))
    assert await book.ledger.submit(say(room, ada, key="k")) == first
    assert first.seq == 1
    assert first.at is not None
    twins = await book.all_at_once(say(room, ada, key="twin"), say(room, ada, key="twin"))
    assert twins[0] == twins[1]
    second = await Database.open(DatabaseSettings(runtime_database_url))
    async with open_book(second) as other:
        crowd = [say(room, ada, key=f"many {number}") for number in range(20)]
        here, there = await asyncio.gather(book.all_at_once(*crowd), other.all_at_once(*crowd))
    await second.close()
    assert here == there
    assert len(await read_log(database, room)) == 22


async def test_a_key_is_its_owners_and_its_rooms(database: Database, book: Book, ada: Identity):
    """Two people may choose the same one, and so may one person in two rooms."""
    grace = await new_person(database, "Grace")
    rooms = [await new_room(database, ada, grace) for _ in range(2)]
    wishes = [say(room, actor, key="k") for room in rooms for actor in (ada, grace)]
    results = await book.all_at_once(*wishes)
    assert [result.seq for result in results if isinstance(result, Committed)] == [1, 2, 1, 2]


async def test_a_command_of_several_events_answers_with_the_first_which_has_the_key(
    database: Database, book: Book, ada: Identity, room: RoomId
):
    """And is not carried out again."""
    twice = Submission(room, ada, SayTwice(), key="k")
    first = await book.ledger.submit(twice)
    assert (first.seq, await book.ledger.submit(twice)) == (1, first)
    keys = [orjson.loads(event).get("key") for event in await read_log(database, room)]
    assert keys == ["k", None]


async def test_a_rejected_command_leaves_the_others_of_its_batch(
    database: Database, book: Book, ada: Identity, room: RoomId
):
    """Each for a reason of its own; nobody learns whether a private room exists."""
    stranger = await new_person(database, "Grace")
    results = await book.all_at_once(
        say(room, ada, "one"),
        say(RoomId(uuid4()), ada),
        say(await new_room(database, is_private=True), ada),
        say(await new_room(database, ada, is_archived=True), ada),
        say(room, stranger),
        Submission(room, ada, WriteAndFail(InvalidState("Not now."))),
        Submission(room, ada, WriteAndFail(RuntimeError("a fault of ours"))),
        say(room, ada, "two"),
    )
    kinds = [type(result) for result in results]
    assert kinds == [
        Committed,
        UnknownRoom,
        UnknownRoom,
        InvalidState,
        NotAMember,
        InvalidState,
        InternalError,
        Committed,
    ]
    contents = [orjson.loads(event)["data"]["content"] for event in await read_log(database, room)]
    assert contents == ["one", "two"]
    assert await room_name(database, room) == "r"


async def test_who_has_several_commands_in_a_batch_is_told_once(
    database: Database, book: Book, ada: Identity, room: RoomId
):
    """All at once, good news and bad; so a connection has one write of it."""
    stranger = await new_person(database, "Grace")
    answers, of_another = Answers(3), Answers(1)
    book.ledger.enqueue(say(room, ada, "one"), answers, 1)
    book.ledger.enqueue(say(room, stranger), answers, 2)
    book.ledger.enqueue(say(room, ada, "two"), of_another, 1)
    book.ledger.enqueue(say(room, ada, "three"), answers, 3)
    await soon(answers.complete.wait())
    assert (answers.times_told, of_another.times_told) == (1, 1)
    kinds = {command_id: type(result) for command_id, result in answers.results.items()}
    assert kinds == {1: Committed, 2: NotAMember, 3: Committed}


async def test_a_command_that_spoils_its_batch_fails_alone(
    database: Database, book: Book, ada: Identity, room: RoomId
):
    """The others are committed, in their order."""
    results = await book.all_at_once(
        say(room, ada, "one"), Submission(room, ada, Spoil()), say(room, ada, "two")
    )
    assert [type(result) for result in results] == [Committed, InternalError, Committed]
    contents = [orjson.loads(event)["data"]["content"] for event in await read_log(database, room)]
    assert contents == ["one", "two"]


async def test_without_postgresql_the_rest_of_a_spoilt_batch_is_told_at_once(
    book: Book, ada: Identity, room: RoomId
):
    """Nobody waits for two hundred attempts to find out the same."""
    results = await book.all_at_once(
        say(room, ada), Submission(room, ada, Spoil()), Submission(room, ada, Cut()), say(room, ada)
    )
    kinds = [type(result) for result in results]
    assert kinds == [Committed, InternalError, DatabaseUnavailable, DatabaseUnavailable]


async def test_a_batch_whose_connection_is_lost_may_be_retried_as_a_whole(
    database: Database, book: Book, ada: Identity, room: RoomId
):
    """It is nobody's fault, whoever's turn it was."""
    wishes = [say(room, ada, "one", key="k"), Submission(room, ada, Cut()), say(room, ada, "two")]
    results = await book.all_at_once(*wishes)
    assert [type(result) for result in results] == [DatabaseUnavailable] * 3
    assert await read_log(database, room) == []
    assert (await book.ledger.submit(wishes[0])).seq == 1


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
async def test_an_evening_of_poker_is_the_same_however_it_is_cut_into_batches(
    database: Database, book: Book, ada: Identity, together: bool
):
    """Commands of a room keep their order, side by side with those of other rooms."""
    grace = await new_person(database, "Grace")
    rooms = [await new_room(database, ada, grace) for _ in range(3)]
    evening = [
        lambda room: vote(room, ada, "5"),  # too early
        lambda room: start_story(room, ada, "Sign-in page"),
        lambda room: say(room, grace),
        lambda room: vote(room, ada, "5"),
        lambda room: vote(room, grace, "8"),
        lambda room: say(room, ada),
        lambda room: vote(room, ada, "13"),  # on second thoughts
        lambda room: reveal(room, ada),
        lambda room: vote(room, grace, "5"),  # too late
        lambda room: start_story(room, ada, "Sign-out button"),
        lambda room: vote(room, grace, "1"),
    ]
    wishes = [act(room) for act in evening for room in rooms]
    batches = [wishes] if together else [[wish] for wish in wishes]
    results = [result for batch in batches for result in await book.all_at_once(*batch)]
    for number, room in enumerate(rooms):
        assert await read_table(database, room) == EVENING
        kinds = [type(result) for result in results[number::3]]
        assert [n for n, kind in enumerate(kinds) if kind is not Committed] == [0, 8]
        events = [orjson.loads(event) for event in await read_log(database, room)]
        assert [(event["type"], event["data"].get("voted")) for event in events] == [
            ("poker.started", None),
            ("chat.message", None),
            ("poker.voted", 1),
            ("poker.voted", 2),
            ("chat.message", None),
            ("poker.voted", 2),
            ("poker.revealed", None),
            ("poker.started", None),
            ("poker.voted", 1),
        ]
        cards = {vote["player"]["name"]: vote["card"] for vote in events[6]["data"]["votes"]}
        assert sorted(cards.values()) == ["13", "8"]
        assert book.frames(room) == await read_log(database, room)


EVENING: Final = [
    ("Sign-in page", 0, True, 1, ["13", "8"], []),
    ("Sign-out button", 1, False, None, None, ["1"]),
]
"""Stories: title, place, whether revealed, the round kept and its cards, the cards on the table."""


async def read_table(database: Database, room: RoomId) -> list[tuple[object, ...]]:
    """Return the stories of a room's game, as in ``EVENING``."""
    async with database.connection() as conn:
        rows = await conn.fetch(
            "select s.title, s.order_index, s.completed_at is not null, r.round_number, "
            "array(select jsonb_array_elements(r.votes)->>'card' order by 1), "
            "array(select v.value from poker.votes v where v.story_id = s.id "
            "and g.current_story_id = s.id order by 1), r.story_id is null "
            "from poker.sessions g join poker.stories s on s.session_id = g.id "
            "left join poker.rounds r on r.story_id = s.id where g.room_id = $1 "
            "order by s.order_index",
            room,
        )
    return [(*row[:4], None if row[6] else row[4], row[5]) for row in rows]


async def test_hot_commands_of_many_rooms_cost_as_many_statements_as_one(
    database: Database, book: Book, ada: Identity
):
    """A busy gateway pays by the batch."""
    rooms = [await new_room(database, ada) for _ in range(20)]
    await book.all_at_once(*(start_story(room, ada, "Story") for room in rooms))
    alone = await count_statements(database, say(rooms[0], ada), vote(rooms[0], ada, "1"))
    crowd = [act for room in rooms for act in (say(room, ada), vote(room, ada, "2"))]
    assert await count_statements(database, *crowd) == alone


async def count_statements(database: Database, *batch: Submission) -> int:
    """Carry out a batch; return what it took."""
    seen: list[object] = []
    by_room: dict[RoomId, list[Submission]] = {}
    for submission in batch:
        by_room.setdefault(submission.room_id, []).append(submission)
    async with database.transaction() as conn:
        with conn.query_logger(seen.append):
            rulebook = Rulebook(catalogue.HANDLERS, catalogue.PLANS)
            results = await Batch(conn, by_room, rulebook, uuid4).run()
    assert {type(result) for result in results} == {Committed}
    return len(seen)


@pytest.mark.parametrize("error", [InvalidState("Not now."), RuntimeError("a fault of ours")])
async def test_a_command_rejected_alone_leaves_nothing_behind(
    database: Database, book: Book, ada: Identity, room: RoomId, error: Exception
):
    """Also what its handler had written before it failed."""
    with pytest.raises((InvalidState, InternalError)) as caught:
        await book.ledger.submit(Submission(room, ada, WriteAndFail(error)))
    assert "fault of ours" not in caught.value.message
    assert await room_name(database, room) == "r"
    assert (await book.ledger.submit(say(room, ada))).seq == 1


async def test_joining_twice_makes_one_event(database: Database, book: Book, room: RoomId):
    """Also in one batch; who is a member already changes nothing."""
    grace = await new_person(database, "Grace")
    first, second = await book.all_at_once(become_member(room, grace), become_member(room, grace))
    assert isinstance(first, Committed)
    assert first.seq == 1
    assert second == Committed(seq=None, at=None)
    assert await book.ledger.submit(become_member(room, grace)) == Committed(seq=None, at=None)
    assert (await book.ledger.submit(say(room, grace))).seq == 2


async def test_messages_are_counted_and_stored_with_their_place_in_the_log(
    database: Database, book: Book, ada: Identity, room: RoomId
):
    """The domain's tables and the log are one transaction."""
    await book.all_at_once(*(say(room, ada, f"Message {number}") for number in range(3)))
    async with database.connection() as conn:
        rows = await conn.fetch(
            "select content, seq from messages where room_id = $1 order by seq", room
        )
        counted = await conn.fetchval("select message_count from rooms where id = $1", room)
    assert [(row["content"], row["seq"]) for row in rows] == [
        (f"Message {number}", number + 1) for number in range(3)
    ]
    assert counted == 3


async def test_closing_answers_what_was_taken_and_takes_no_more(
    database: Database, book: Book, ada: Identity, room: RoomId
):
    """The last act before an instance ends."""
    answers = Answers(300)
    for number in range(300):
        book.ledger.enqueue(say(room, ada, f"Message {number}"), answers, number)
    await book.ledger.close()
    assert answers.complete.is_set()
    assert {type(result) for result in answers.results.values()} == {Committed}
    assert len(await read_log(database, room)) == 300
    with pytest.raises(Draining):
        await book.ledger.submit(say(room, ada))


async def test_a_room_that_waits_holds_up_its_lane_alone(
    database: Database, book: Book, ada: Identity
):
    """Several transactions are under way at once, never for the same room."""
    rooms = [await new_room(database, ada) for _ in range(30)]
    waiting = rooms[0]
    other = next(room for room in rooms if (room.int - waiting.int) % ledger_module.LANES)
    answers = Answers(1)
    async with database.transaction() as conn:
        await conn.execute("select from rooms where id = $1 for update", waiting)
        book.ledger.enqueue(say(waiting, ada), answers, 0)
        assert (await book.ledger.submit(say(other, ada))).seq == 1
        assert not answers.complete.is_set()
    assert (await book.ledger.submit(say(waiting, ada))).seq == 2
    assert answers.complete.is_set()


async def test_a_flooded_room_is_told_so_and_the_others_are_not(
    database: Database,
    book: Book,
    ada: Identity,
    room: RoomId,
    monkeypatch: pytest.MonkeyPatch,
):
    """Both bounds: that of a room, and that of the whole queue."""
    monkeypatch.setattr(ledger_module, "MAX_QUEUED_OF_ROOM", 3)
    monkeypatch.setattr(ledger_module, "MAX_QUEUED", 5)
    other, third = await new_room(database, ada), await new_room(database, ada)
    flood = [say(room, ada)] * 4 + [say(other, ada)] * 2 + [say(third, ada)]
    kinds = [type(result) for result in await book.all_at_once(*flood)]
    assert kinds == [*[Committed] * 3, Overloaded, *[Committed] * 2, Overloaded]
    assert Overloaded.retryable


@pytest.mark.slow
async def test_without_postgresql_a_command_is_refused_in_time_and_later_works(
    private_servers: EmbeddedServers,
):
    """The refusal may be retried, and nothing of it is in the log."""
    database = await Database.open(DatabaseSettings(private_servers.database_url))
    async with database.connection() as conn:
        await migrate_up(conn)
    ada = await new_person(database)
    room = await new_room(database, ada)
    async with open_book(database) as book:
        await book.ledger.submit(say(room, ada, "before"))
        await private_servers.stop_postgres()
        async with asyncio.timeout(10):
            with pytest.raises(DatabaseUnavailable):
                await book.ledger.submit(say(room, ada, "meanwhile"))
        await private_servers.start_postgres()
        assert (await book.ledger.submit(say(room, ada, "after"))).seq == 2
        assert book.frames(room) == await read_log(database, room)
    await database.close()


async def room_name(database: Database, room_id: RoomId) -> str:
    """Return what ``WriteAndFail`` would have changed."""
    async with database.connection() as conn:
        name: str = await conn.fetchval("select name from rooms where id = $1", room_id)
    return name


async def test_one_that_spoils_a_batch_costs_the_others_little(book: Book, database: Database):
    """It is found by halves, so that nobody undoes group commit for a whole lane."""
    ada = await new_person(database)
    room_id = await new_room(database, ada)
    before = sum(book.ledger.figures.batch_commands.counts)
    spoiler = Submission(room_id=room_id, actor=ada, command=Spoil())
    results = await book.all_at_once(
        *(say(room_id, ada, str(number)) for number in range(40)),
        spoiler,
        *(say(room_id, ada, str(number)) for number in range(40, 64)),
    )
    assert isinstance(results[40], InternalError)
    assert len(await read_log(database, room_id)) == 64
    assert sum(book.ledger.figures.batch_commands.counts) - before <= 1 + 2 * 7
