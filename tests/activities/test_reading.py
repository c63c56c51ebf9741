"""What members read of a room: pages of it, words in it, who is there, all of it as a file."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from gateway.activities.chat.messages import (
    ChatDelete,
    ChatEdit,
    ChatRead,
    ChatSend,
    MessageView,
    ReactionAdd,
)
from gateway.activities.chat.rules import SMALL_ROOM
from gateway.activities.reading import export, history
from gateway.activities.reading.messages import (
    HistoryData,
    MessagePage,
    PageData,
    RepliesData,
    SearchData,
)
from gateway.activities.reading.service import Reading
from gateway.activities.rooms.messages import MemberBan, MemberKick
from gateway.core.errors import (
    Forbidden,
    InvalidField,
    InvalidState,
    NotAMember,
    UnknownMessage,
    UnknownRoom,
)
from gateway.core.identity import Identity
from gateway.core.ids import RoomId, Seq
from gateway.core.protocol.base import DurableCommand
from gateway.storage.database import Database
from tests.support.ledgers import (
    Book,
    become_member,
    new_person,
    new_room,
    open_book,
    read_log,
    say,
    wish,
)


class Library:
    """A ledger that writes rooms, and somebody to read them with."""

    def __init__(self, database: Database, book: Book) -> None:
        self.database = database
        self.reading = Reading(database)
        self._book = book

    async def do(
        self, command: type[DurableCommand], room_id: RoomId, actor: Identity, **data: object
    ) -> None:
        """Carry out one command."""
        await self._book.ledger.submit(wish(command, room_id, actor, **data))

    async def say(
        self, room_id: RoomId, actor: Identity, *contents: str, **data: object
    ) -> list[UUID]:
        """Say things, one after another; return the messages' ids."""
        if data:
            (content,) = contents
            await self.do(ChatSend, room_id, actor, content=content, **data)
        else:
            await self._book.all_at_once(*(say(room_id, actor, content) for content in contents))
        events = [orjson.loads(text) for text in await read_log(self.database, room_id)]
        said = [event for event in events if event["type"] == "chat.message"]
        return [UUID(event["data"]["id"]) for event in said[-len(contents) :]]

    async def join(self, room_id: RoomId, *people: Identity) -> None:
        """Let people in, one after another."""
        for person in people:
            await self._book.ledger.submit(become_member(room_id, person))

    async def page(self, room_id: RoomId, actor: Identity, **wanted: object) -> MessagePage:
        """Return a page of the history."""
        return await self.reading.history(actor, room_id, HistoryData.model_validate(wanted))

    async def found(self, room_id: RoomId, actor: Identity, q: str, **wanted: object) -> list[str]:
        """Return the texts of a search."""
        data = SearchData.model_validate({"q": q, **wanted})
        return texts((await self.reading.search(actor, room_id, data)).messages)

    async def set(self, sql: str, *values: object) -> None:
        """Change the database by hand."""
        async with self.database.connection() as conn:
            await conn.execute(sql, *values)


def texts(messages: tuple[MessageView, ...]) -> list[str]:
    """Return what messages say."""
    return [message.content for message in messages]


def numbered(count: int) -> list[str]:
    """Return texts to be told apart."""
    return [f"message {number}" for number in range(1, count + 1)]


@pytest.fixture
async def ada(database: Database) -> Identity:
    """A member."""
    return await new_person(database, "Ada")


@pytest.fixture
async def grace(database: Database) -> Identity:
    """Another member."""
    return await new_person(database, "Grace")


@pytest.fixture
async def room(database: Database, ada: Identity, grace: Identity) -> RoomId:
    """A room of the two, with Ada as admin."""
    room_id = await new_room(database, ada, grace)
    async with database.connection() as conn:
        await conn.execute(
            "update room_users set role = 'admin', joined_at = now() - interval '1 hour' "
            "where room_id = $1 and user_id = $2",
            room_id,
            ada.user_id,
        )
    return room_id


@pytest.fixture
async def library(database: Database) -> AsyncIterator[Library]:
    """What rooms are written and read with."""
    async with open_book(database) as book:
        yield Library(database, book)


Ask = Callable[[Reading, Identity, RoomId], Awaitable[object]]

QUESTIONS: dict[str, Ask] = {
    "history": lambda reading, who, room: reading.history(who, room, HistoryData()),
    "search": lambda reading, who, room: reading.search(who, room, SearchData(q="x")),
    "message": lambda reading, who, room: reading.message(who, room, uuid4()),
    "edits": lambda reading, who, room: reading.edits(who, room, uuid4()),
    "replies": lambda reading, who, room: reading.replies(
        who, room, RepliesData(message_id=uuid4())
    ),
    "receipts": lambda reading, who, room: reading.receipts(who, room, uuid4()),
    "members": lambda reading, who, room: reading.members(who, room, PageData()),
    "bans": lambda reading, who, room: reading.bans(who, room, PageData()),
    "export": lambda reading, who, room: reading.export(who, room),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_only_members_read(
    library: Library, ada: Identity, grace: Identity, room: RoomId, question: str
):
    """A stranger, somebody kicked, somebody banned, a room that is private or is not there."""
    ask, reading = QUESTIONS[question], library.reading
    secret = await new_room(library.database, ada, is_private=True)
    stranger = await new_person(library.database, "Linus")
    with pytest.raises(NotAMember):
        await ask(reading, stranger, room)
    for unseen in (secret, RoomId(uuid4())):
        with pytest.raises(UnknownRoom):
            await ask(reading, stranger, unseen)
    await library.do(MemberKick, room, ada, user_id=str(grace.user_id))
    with pytest.raises(NotAMember):
        await ask(reading, grace, room)
    await library.join(room, grace)
    await library.do(MemberBan, room, ada, user_id=str(grace.user_id))
    with pytest.raises(NotAMember):
        await ask(reading, grace, room)


@pytest.mark.parametrize("limit", [1, 7, 10, 100])
async def test_pages_go_both_ways_to_the_ends(
    library: Library, ada: Identity, room: RoomId, limit: int
):
    """Oldest first on each page; each message once; no token leads beyond an end."""
    await library.say(room, ada, *numbered(20))
    page = await library.page(room, ada, limit=limit)
    assert page.next is None
    back = texts(page.messages)
    while page.previous is not None:
        page = await library.page(room, ada, limit=limit, before=page.previous)
        back = [*texts(page.messages), *back]
    assert back == numbered(20)
    forth = texts(page.messages)
    while page.next is not None:
        page = await library.page(room, ada, limit=limit, after=page.next)
        forth += texts(page.messages)
    assert forth == numbered(20)


async def test_an_empty_room_has_an_empty_page(library: Library, ada: Identity, room: RoomId):
    """Whatever is asked for."""
    for wanted in ({}, {"since": 0}, {"since": 99}, {"offset": 0}, {"offset": 10_000}):
        assert await library.page(room, ada, **wanted) == MessagePage(
            messages=(), previous=None, next=None
        )


async def test_while_messages_arrive_nothing_is_missed_or_told_twice(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """Backwards from some moment, and forwards from there until nothing more comes."""
    await library.say(room, ada, *numbered(30))

    async def talk() -> None:
        for number in range(31, 101):
            await library.say(room, grace, f"message {number}")

    async with asyncio.TaskGroup() as tasks:
        talking = tasks.create_task(talk())
        start = page = await library.page(room, ada, limit=4)
        read = texts(page.messages)
        while page.previous is not None:
            page = await library.page(room, ada, limit=4, before=page.previous)
            read = [*texts(page.messages), *read]
        since = start.messages[-1].seq
        while since is not None:
            ended = talking.done()
            page = await library.page(room, ada, limit=4, since=since)
            read += texts(page.messages)
            if page.messages:
                since = page.messages[-1].seq
            elif ended:
                break
    assert read == numbered(100)


async def test_around_a_message_it_stands_in_the_middle(
    library: Library, ada: Identity, room: RoomId
):
    """With fewer on one side where the room ends there; tokens lead on from both edges."""
    ids = await library.say(room, ada, *numbered(9))
    for place, limit, expected in (
        (4, 5, [3, 4, 5, 6, 7]),
        (4, 4, [3, 4, 5, 6]),
        (4, 1, [5]),
        (0, 5, [1, 2, 3]),
        (8, 5, [7, 8, 9]),
    ):
        page = await library.page(room, ada, around=str(ids[place]), limit=limit)
        assert texts(page.messages) == [f"message {number}" for number in expected]
        assert (page.previous is None) == (expected[0] == 1)
        assert (page.next is None) == (expected[-1] == 9)
    page = await library.page(room, ada, around=str(ids[4]), limit=3)
    before = await library.page(room, ada, before=page.previous, limit=2)
    after = await library.page(room, ada, after=page.next, limit=2)
    assert texts(before.messages) == ["message 2", "message 3"]
    assert texts(after.messages) == ["message 7", "message 8"]


async def test_an_offset_skips_the_newest(library: Library, ada: Identity, room: RoomId):
    """As ``findByRoom(limit, offset)`` counts: from the newest; tokens lead on from there."""
    await library.say(room, ada, *numbered(10))
    page = await library.page(room, ada, offset=2, limit=3)
    assert texts(page.messages) == ["message 6", "message 7", "message 8"]
    assert page.previous is not None
    assert page.next is not None
    older = await library.page(room, ada, before=page.previous, limit=3)
    assert texts(older.messages) == texts(
        (await library.page(room, ada, offset=5, limit=3)).messages
    )
    beyond = await library.page(room, ada, offset=10)
    assert (beyond.messages, beyond.previous) == ((), None)
    again = await library.page(room, ada, after=beyond.next, limit=1)
    assert texts(again.messages) == ["message 1"]


async def test_since_a_seq_other_events_are_passed_over(
    library: Library, ada: Identity, room: RoomId
):
    """Seq counts all events of the log, and a page has messages alone."""
    first, *_ = await library.say(room, ada, "one", "two")
    await library.do(ReactionAdd, room, ada, message_id=str(first), emoji="👍")
    await library.say(room, ada, "three")
    assert texts((await library.page(room, ada, since=2)).messages) == ["three"]
    assert texts((await library.page(room, ada, since=1)).messages) == ["two", "three"]
    assert texts((await library.page(room, ada, since=4)).messages) == []


async def test_a_message_is_read_as_it_stands_now(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """With its edit, its reactions, its author; and as a tombstone in its place when deleted."""
    first, second = await library.say(room, ada, "one", "two")
    await library.do(ChatEdit, room, ada, message_id=str(first), content="ONE")
    await library.do(ReactionAdd, room, grace, message_id=str(first), emoji="👍")
    message = await library.reading.message(grace, room, first)
    assert (message.content, message.number) == ("ONE", 1)
    assert message.author is not None
    assert message.author.id == ada.user_id
    assert [(r.emoji, r.users) for r in message.reactions] == [("👍", (grace.user_id,))]
    assert message.edited_at is not None
    await library.do(ChatDelete, room, ada, message_id=str(first))
    page = await library.page(room, grace)
    assert [m.id for m in page.messages] == [first, second]
    assert (page.messages[0].content, page.messages[0].reactions) == ("", ())
    assert page.messages[0].deleted_at is not None
    assert page.messages[0] == await library.reading.message(grace, room, first)


async def test_a_message_of_another_room_is_unknown(library: Library, ada: Identity, room: RoomId):
    """Also to who is a member of both."""
    elsewhere = await new_room(library.database, ada)
    (foreign,) = await library.say(elsewhere, ada, "hello")
    reading = library.reading
    for answer in (
        library.page(room, ada, around=str(foreign)),
        reading.message(ada, room, foreign),
        reading.edits(ada, room, foreign),
        reading.replies(ada, room, RepliesData(message_id=foreign)),
        reading.receipts(ada, room, foreign),
    ):
        with pytest.raises(UnknownMessage):
            await answer


async def test_a_page_token_is_good_in_its_own_room_or_thread(
    library: Library, ada: Identity, room: RoomId
):
    """Anywhere else, and made up, it is an invalid field."""
    elsewhere = await new_room(library.database, ada)
    await library.say(room, ada, *numbered(3))
    root, *_ = await library.say(elsewhere, ada, *numbered(3))
    token = (await library.page(elsewhere, ada, limit=1)).previous
    reading = library.reading
    for answer in (
        library.page(room, ada, before=token),
        library.page(room, ada, after=token),
        library.page(room, ada, after="made up"),
        library.found(room, ada, "message", before=token),
        reading.members(ada, room, PageData(after=token)),
        reading.bans(ada, room, PageData(after=token)),
        reading.replies(ada, elsewhere, RepliesData(message_id=root, after=token)),
    ):
        with pytest.raises(InvalidField):
            await answer


async def test_what_a_message_said_before_is_told_in_order(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """To every member; of a deleted message nothing is left."""
    (message,) = await library.say(room, ada, "one")
    assert (await library.reading.edits(grace, room, message)).edits == ()
    for text in ("two", "three"):
        await library.do(ChatEdit, room, ada, message_id=str(message), content=text)
    history = (await library.reading.edits(grace, room, message)).edits
    assert [(edit.content, edit.seq) for edit in history] == [("one", 2), ("two", 3)]
    await library.do(ChatDelete, room, ada, message_id=str(message))
    assert (await library.reading.edits(grace, room, message)).edits == ()


async def test_a_thread_is_read_page_by_page(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """Oldest first, tombstones in their places; what is said beside it is not in it."""
    (root,) = await library.say(room, ada, "Lunch?")
    ids = []
    for text in numbered(5):
        ids += await library.say(room, grace, text, reply_to=str(root))
        await library.say(room, ada, "beside")
    await library.do(ChatDelete, room, grace, message_id=str(ids[1]))
    read: list[str] = []
    after = None
    while True:
        wanted = RepliesData(message_id=root, after=after, limit=2)
        page = await library.reading.replies(ada, room, wanted)
        read += texts(page.messages)
        if (after := page.next) is None:
            break
    assert read == ["message 1", "", "message 3", "message 4", "message 5"]


@pytest.fixture(params=[1, history.MAX_SEARCHED])
def _by_index_and_by_looking(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found is the same, whichever finds it."""
    monkeypatch.setattr(history, "MAX_SEARCHED", request.param)


@pytest.mark.usefixtures("_by_index_and_by_looking")
async def test_words_are_found_in_their_room_alone(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """Also where a message of another room names this one by its id."""
    elsewhere = await new_room(library.database, ada)
    await library.say(elsewhere, ada, "lunch", f"lunch in {room}", str(room))
    await library.say(room, ada, "Lunch at one?", "no", "LUNCH, then dinner", "dinner")
    assert await library.found(room, grace, "lunch") == ["LUNCH, then dinner", "Lunch at one?"]
    assert await library.found(room, grace, "dinner lunch") == ["LUNCH, then dinner"]
    assert await library.found(room, grace, "lunch -dinner") == ["Lunch at one?"]
    assert await library.found(room, grace, '"at one"') == ["Lunch at one?"]
    assert len(await library.found(room, grace, "no or dinner")) == 3
    assert await library.found(room, grace, "breakfast") == []
    assert await library.found(room, grace, "-breakfast", limit=2) == [
        "dinner",
        "LUNCH, then dinner",
    ]


@pytest.mark.usefixtures("_by_index_and_by_looking")
async def test_an_edit_is_found_and_a_tombstone_never(
    library: Library, ada: Identity, room: RoomId
):
    """The search goes over what messages say now."""
    first, second = await library.say(room, ada, "breakfast", "dinner")
    await library.do(ChatEdit, room, ada, message_id=str(first), content="lunch")
    assert await library.found(room, ada, "breakfast") == []
    assert await library.found(room, ada, "lunch") == ["lunch"]
    await library.do(ChatDelete, room, ada, message_id=str(second))
    assert await library.found(room, ada, "dinner") == []
    assert await library.found(room, ada, "-nothing") == ["lunch"]


@pytest.mark.parametrize("query", ["", "   ", "?!", '""', "- -", "'", "\\", ":*", "a" * 200])
async def test_a_search_without_a_word_is_an_invalid_field(
    library: Library, ada: Identity, room: RoomId, query: str
):
    """And no search upsets the database."""
    await library.say(room, ada, "hello")
    if query.startswith("a"):
        assert await library.found(room, ada, query) == []
    else:
        with pytest.raises(InvalidField, match='"q"'):
            await library.found(room, ada, query)


@pytest.mark.usefixtures("_by_index_and_by_looking")
async def test_what_is_found_comes_page_by_page(library: Library, ada: Identity, room: RoomId):
    """Newest first, each once, though more is said meanwhile."""
    await library.say(room, ada, *numbered(9))
    data = SearchData(q="message", limit=4)
    found: list[str] = []
    while True:
        page = await library.reading.search(ada, room, data)
        found += texts(page.messages)
        await library.say(room, ada, "another message")
        if page.next is None:
            break
        data = SearchData(q="message", limit=4, before=page.next)
    assert found == list(reversed(numbered(9)))


async def test_members_are_listed_as_they_came(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """Page by page, with role, mute and, in a small room, read marker."""
    people = [await new_person(library.database, f"Person {number}") for number in range(5)]
    await library.join(room, *people)
    await library.say(room, people[0], "hello")
    names, after = [], None
    while True:
        page = await library.reading.members(grace, room, PageData(limit=3, after=after))
        names += [member.user.id for member in page.members]
        if (after := page.next) is None:
            break
    assert names == [person.user_id for person in (ada, grace, *people)]
    first, *_ = (await library.reading.members(grace, room, PageData())).members
    assert (first.role, first.read_up_to, first.muted_until) == ("admin", 0, None)
    (message,) = (await library.page(room, ada)).messages
    (speaker,) = [
        member
        for member in (await library.reading.members(grace, room, PageData())).members
        if member.user.id == people[0].user_id
    ]
    assert speaker.read_up_to == message.seq


async def fill(library: Library, room: RoomId) -> None:
    """Make a room one member bigger than a small one."""
    await library.set(
        "with people as (insert into users (username, is_guest) "
        "select 'extra ' || gen_random_uuid(), true from generate_series(1, $2::int) "
        "returning id) insert into room_users (room_id, user_id) select $1, id from people",
        room,
        SMALL_ROOM - 1,
    )


async def test_a_big_room_does_not_tell_who_has_read_what(
    library: Library, ada: Identity, room: RoomId
):
    """Neither in the list of members nor under a message."""
    (message,) = await library.say(room, ada, "hello")
    await fill(library, room)
    page = await library.reading.members(ada, room, PageData(limit=100))
    assert {member.read_up_to for member in page.members} == {None}
    assert page.next is not None
    with pytest.raises(InvalidState):
        await library.reading.receipts(ada, room, message)


async def test_receipts_tell_who_has_read_a_message_and_when(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """A marker beyond counts; who has only answered has no time; the author is left out."""
    linus = await new_person(library.database, "Linus")
    edith = await new_person(library.database, "Edith")
    await library.join(room, linus, edith)
    first, second = await library.say(room, ada, "one", "two")
    assert (await library.reading.receipts(grace, room, first)).receipts == ()
    before = datetime.now(UTC) - timedelta(seconds=5)
    seq = (await library.reading.message(ada, room, second)).seq
    await library.do(ChatRead, room, grace, seq=seq)
    await library.say(room, linus, "three")
    late = await new_person(library.database, "Late")
    await library.join(room, late)
    for message in (first, second):
        receipts = (await library.reading.receipts(ada, room, message)).receipts
        assert [receipt.user.id for receipt in receipts] == [grace.user_id, linus.user_id]
        assert receipts[0].read_at is not None
        assert receipts[0].read_at > before
        assert receipts[1].read_at is None
    read_at = receipts[0].read_at
    await library.do(ChatRead, room, grace)
    receipts = (await library.reading.receipts(ada, room, first)).receipts
    assert receipts[0].read_at == read_at


async def test_bans_in_force_are_told_to_those_who_moderate(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """Newest first, with whom, why, until when, by whom; not those that are over."""
    people = [await new_person(library.database, f"Person {number}") for number in range(4)]
    for person in people:
        await library.do(MemberBan, room, ada, user_id=str(person.user_id), reason="Advertising")
    await library.set("update room_bans set until = now() where user_id = $1", people[1].user_id)
    with pytest.raises(Forbidden):
        await library.reading.bans(grace, room, PageData())
    await library.set(
        "update room_users set role = 'moderator' where room_id = $1 and user_id = $2",
        room,
        grace.user_id,
    )
    first = await library.reading.bans(grace, room, PageData(limit=2))
    second = await library.reading.bans(grace, room, PageData(limit=2, after=first.next))
    banned = [ban.user.id for ban in (*first.bans, *second.bans)]
    assert banned == [people[number].user_id for number in (3, 2, 0)]
    assert second.next is None
    ban = first.bans[0]
    assert (ban.reason, ban.until, ban.banned_by and ban.banned_by.id) == (
        "Advertising",
        None,
        ada.user_id,
    )


async def exported(library: Library, actor: Identity, room: RoomId) -> list[bytes]:
    """Return the lines of an export."""
    chunks = [chunk async for chunk in await library.reading.export(actor, room)]
    text = b"".join(chunks)
    assert text.endswith(b"\n")
    return text.splitlines()


async def test_an_export_is_the_log_to_the_byte(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """Behind a line about the room; page after page; up to where it was when it began."""
    count = 2 * export.PAGE_EVENTS + 3
    (first, *_) = await library.say(room, ada, *numbered(count))
    await library.do(ChatDelete, room, ada, message_id=str(first))
    head, *events = await exported(library, ada, room)
    assert events == await read_log(library.database, room)
    told: dict[str, Any] = orjson.loads(head)
    assert (told["type"], told["id"]) == ("room", str(room))
    assert (told["from_seq"], told["to_seq"], told["epoch"]) == (1, count + 1, 1)
    assert b"message 1," not in b"".join(events)

    lines = await library.reading.export(ada, room)
    await library.say(room, grace, "later")
    assert b"later" not in b"".join([chunk async for chunk in lines])


async def test_an_export_says_where_a_trimmed_log_begins(
    library: Library, ada: Identity, room: RoomId
):
    """What retention has deleted is not there, and the first line tells it."""
    await library.say(room, ada, *numbered(9))
    await library.set("delete from room_events where room_id = $1 and seq < 5", room)
    await library.set("update rooms set log_start = 5 where id = $1", room)
    head, *events = await exported(library, ada, room)
    assert orjson.loads(head)["from_seq"] == 5
    assert [orjson.loads(event)["seq"] for event in events] == [5, 6, 7, 8, 9]
    await library.set("delete from room_events where room_id = $1", room)
    assert len(await exported(library, ada, room)) == 1


async def test_an_export_is_the_admins_and_audited(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """Once for each, and not for who was refused."""
    with pytest.raises(Forbidden):
        await library.reading.export(grace, room)
    await exported(library, ada, room)
    async with library.database.connection() as conn:
        rows = await conn.fetch(
            "select user_id, details from audit_log where action = 'export_room' "
            "and entity_id = $1",
            str(room),
        )
    assert [(row["user_id"], row["details"]) for row in rows] == [
        (str(ada.user_id), {"from_seq": 1, "to_seq": 0})
    ]


async def test_an_export_holds_no_connection_between_pages(
    library: Library, ada: Identity, room: RoomId
):
    """However slowly it is read."""
    await library.say(room, ada, *numbered(export.PAGE_EVENTS + 1))
    async for _ in await library.reading.export(ada, room):
        statistics = library.database.statistics()
        assert statistics.idle == statistics.size


async def test_a_page_of_an_export_is_not_too_large(
    library: Library, ada: Identity, room: RoomId, monkeypatch: pytest.MonkeyPatch
):
    """It ends earlier, and the export is whole all the same."""
    monkeypatch.setattr(export, "MAX_PAGE_CHARACTERS", 1_000)
    await library.say(room, ada, *numbered(9), "x" * 2_000, "y" * 2_000)
    events = (await exported(library, ada, room))[1:]
    assert events == await read_log(library.database, room)
    page = await library.reading.export_page(ada, room, None)
    assert sum(map(len, page.lines[1:])) <= 1_000


async def test_an_export_comes_in_pages_as_well(
    library: Library, ada: Identity, grace: Identity, room: RoomId
):
    """The same lines; only the first page is audited, and every page is the admin's."""
    await library.say(room, ada, *numbered(2 * export.PAGE_EVENTS + 3))
    lines: list[bytes] = []
    page = await library.reading.export_page(ada, room, None)
    lines += (line.encode() for line in page.lines)
    while page.next is not None:
        page = await library.reading.export_page(ada, room, Seq(page.next))
        lines += (line.encode() for line in page.lines)
    assert lines[1:] == (await exported(library, ada, room))[1:]
    assert orjson.loads(lines[0])["type"] == "room"
    with pytest.raises(Forbidden):
        await library.reading.export_page(grace, room, Seq(1))
    beyond = await library.reading.export_page(ada, room, Seq(10_000))
    assert (beyond.lines, beyond.next) == ((), None)
