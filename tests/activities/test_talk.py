"""What is said, changed, taken back, read: through the ledger, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from gateway.activities.chat import rules
from gateway.activities.chat.messages import (
    ChatDelete,
    ChatEdit,
    ChatRead,
    ChatSend,
    ReactionAdd,
    ReactionRemove,
)
from gateway.activities.rooms.messages import MemberMute
from gateway.core.errors import (
    Forbidden,
    GatewayError,
    InvalidField,
    InvalidState,
    Muted,
    NotAMember,
    UnknownMessage,
)
from gateway.core.identity import Identity
from gateway.core.protocol.base import Committed, DurableCommand
from gateway.storage.database import Database
from tests.activities.talk import Talk
from tests.support.ledgers import new_person, new_room, open_book, wish


@pytest.fixture
async def ada(database: Database) -> Identity:
    """A member."""
    return await new_person(database, "Ada")


@pytest.fixture
async def grace(database: Database) -> Identity:
    """Another member."""
    return await new_person(database, "Grace")


@pytest.fixture
async def talk(database: Database, ada: Identity, grace: Identity) -> AsyncIterator[Talk]:
    """A room of the two."""
    async with open_book(database) as book:
        yield Talk(database, book, await new_room(database, ada, grace))


async def test_messages_are_numbered_whatever_else_stands_between_them(talk: Talk, ada: Identity):
    """Seq counts events, number counts messages."""
    first = await talk.say(ada)
    await talk.do(ReactionAdd, ada, message_id=str(first), emoji="👍")
    second = await talk.say(ada)
    assert [(await talk.message(m))["number"] for m in (first, second)] == [1, 2]
    assert [event["data"].get("number") for event in await talk.events()] == [1, None, 2]


async def test_an_image_has_an_attachment_and_a_text_has_content(talk: Talk, ada: Identity):
    """Neither is stored without."""
    picture = {
        "url": "https://example.org/cat.png",
        "name": "cat.png",
        "media_type": "image/png",
        "size_bytes": 1234,
    }
    cat = await talk.say(ada, "", message_type="image", attachment=picture)
    assert (await talk.message(cat))["attachment"] == picture
    for wrong in (
        {"content": "  "},
        {"content": "x", "message_type": "image"},
        {"content": "x", "attachment": picture},
        {"message_type": "file", "attachment": picture | {"url": "javascript:alert(1)"}},
    ):
        with pytest.raises(ValueError, match="validation error"):
            await talk.do(ChatSend, ada, **wrong)


async def test_a_reply_goes_to_the_root_of_its_thread(talk: Talk, ada: Identity, grace: Identity):
    """So that there is one level, whatever a client names."""
    root = await talk.say(ada, "Lunch?")
    reply = await talk.say(grace, "Yes", reply_to=str(root))
    deeper = await talk.say(ada, "Where?", reply_to=str(reply))
    assert (await talk.message(reply))["reply_to"] == root
    assert (await talk.message(deeper))["reply_to"] == root
    with pytest.raises(UnknownMessage):
        await talk.say(ada, "?", reply_to=str(uuid4()))
    await talk.do(ChatDelete, ada, message_id=str(root))
    with pytest.raises(InvalidState):
        await talk.say(ada, "?", reply_to=str(root))


async def test_a_message_of_another_room_is_unknown_here(
    talk: Talk, database: Database, ada: Identity
):
    """Whatever one wants to do with it."""
    message_id = str(await talk.say(ada))
    elsewhere = Talk(database, talk.book, await new_room(database, ada))
    for command, data in (
        (ChatEdit, {"content": "x"}),
        (ChatDelete, {}),
        (ReactionAdd, {"emoji": "👍"}),
        (ReactionRemove, {"emoji": "👍"}),
        (ChatSend, {"content": "x", "reply_to": message_id}),
    ):
        about = {} if command is ChatSend else {"message_id": message_id}
        with pytest.raises(UnknownMessage):
            await elsewhere.do(command, ada, **about, **data)
    assert await elsewhere.events() == []


async def test_only_members_are_mentioned(talk: Talk, ada: Identity, grace: Identity):
    """A stranger is left out, a person named twice is mentioned once."""
    stranger = uuid4()
    people = [str(grace.user_id), str(stranger), str(grace.user_id)]
    message_id = await talk.say(ada, "@Grace", mentions=people)
    assert (await talk.events())[-1]["data"]["mentions"] == [str(grace.user_id)]
    rows = await talk.rows("select * from message_mentions where message_id = $1", message_id)
    assert [row["user_id"] for row in rows] == [grace.user_id]


async def test_an_edit_keeps_what_was_said_before(talk: Talk, ada: Identity, grace: Identity):
    """And the same text again is no edit."""
    message_id = await talk.say(ada, "Helo", mentions=[str(grace.user_id)])
    edit = {"message_id": str(message_id), "content": "Hello"}
    assert (await talk.do(ChatEdit, ada, **edit)).seq == 2
    assert (await talk.do(ChatEdit, ada, **edit)).seq is None
    row = await talk.message(message_id)
    assert (row["content"], row["is_edited"], row["mentions"]) == ("Hello", True, [])
    edits = await talk.rows("select * from message_edits where message_id = $1", message_id)
    assert [(edit["content"], edit["seq"]) for edit in edits] == [("Helo", 2)]
    mentions = await talk.rows("select 1 from message_mentions where message_id = $1", message_id)
    assert mentions == []


async def test_a_message_is_edited_so_often_and_no_more(
    talk: Talk, ada: Identity, monkeypatch: pytest.MonkeyPatch
):
    """All texts are kept, and read together."""
    monkeypatch.setattr(rules, "MAX_EDITS", 2)
    message_id = str(await talk.say(ada, "0"))
    for number in (1, 2):
        await talk.do(ChatEdit, ada, message_id=message_id, content=str(number))
    with pytest.raises(InvalidState):
        await talk.do(ChatEdit, ada, message_id=message_id, content="3")


async def test_a_caption_can_be_taken_away_and_a_text_cannot(talk: Talk, ada: Identity):
    """A text without content would be nothing."""
    picture = {"url": "https://x.org/y", "name": "y", "media_type": "image/png", "size_bytes": 1}
    cat = await talk.say(ada, "Cat", message_type="image", attachment=picture)
    await talk.do(ChatEdit, ada, message_id=str(cat), content="")
    assert (await talk.message(cat))["content"] == ""
    text = await talk.say(ada)
    with pytest.raises(InvalidField, match=r"data\.content"):
        await talk.do(ChatEdit, ada, message_id=str(text), content="")


async def test_of_two_edits_at_once_the_later_counts_and_both_are_kept(talk: Talk, ada: Identity):
    """In the order of the log."""
    message_id = await talk.say(ada, "one")
    results = await talk.book.all_at_once(
        *(
            wish(ChatEdit, talk.room_id, ada, message_id=str(message_id), content=text)
            for text in ("two", "three")
        )
    )
    assert [result.seq for result in results if isinstance(result, Committed)] == [2, 3]
    assert (await talk.message(message_id))["content"] == "three"
    edits = await talk.rows(
        "select content from message_edits where message_id = $1 order by seq", message_id
    )
    assert [edit["content"] for edit in edits] == ["one", "two"]


async def test_somebody_elses_message_cannot_be_edited(talk: Talk, ada: Identity, grace: Identity):
    """Not even by an admin: nobody puts words into another's mouth."""
    message_id = await talk.say(ada)
    await talk.set_role(grace, "admin")
    with pytest.raises(Forbidden):
        await talk.do(ChatEdit, grace, message_id=str(message_id), content="x")


async def test_a_deleted_message_leaves_a_tombstone_and_no_text_anywhere(
    talk: Talk, ada: Identity, grace: Identity
):
    """Nor in the log, which keeps its numbers."""
    message_id = await talk.say(ada, "my secret", mentions=[str(grace.user_id)])
    await talk.do(ChatEdit, ada, message_id=str(message_id), content="my other secret")
    await talk.do(ReactionAdd, grace, message_id=str(message_id), emoji="👍")
    await talk.do(ChatDelete, ada, message_id=str(message_id))
    events = await talk.events()
    assert [event["type"] for event in events] == [
        "chat.message",
        "chat.edited",
        "reaction.added",
        "chat.deleted",
    ]
    assert "secret" not in str(events)
    assert events[0]["data"] | {"author": None} == {
        "id": str(message_id),
        "number": 1,
        "content": "",
        "message_type": "text",
        "attachment": None,
        "author": None,
        "reply_to": None,
        "mentions": [],
    }
    row = await talk.message(message_id)
    assert (row["content"], row["deleted_at"] is not None) == ("", True)
    for table in ("message_edits", "message_reactions", "message_mentions"):
        sql = f"select 1 from {table} where message_id = $1"  # noqa: S608 - names of ours
        assert await talk.rows(sql, message_id) == []
    for command, data in (
        (ChatEdit, {"content": "x"}),
        (ChatDelete, {}),
        (ReactionAdd, {"emoji": "👍"}),
    ):
        with pytest.raises(InvalidState):
            await talk.do(command, ada, message_id=str(message_id), **data)


@pytest.mark.parametrize(("role", "may"), [("member", False), ("moderator", True), ("admin", True)])
async def test_who_may_delete_what_others_said(
    talk: Talk, ada: Identity, grace: Identity, *, role: str, may: bool
):
    """It is written to the trail."""
    message_id = await talk.say(ada)
    await talk.set_role(grace, role)
    if not may:
        with pytest.raises(Forbidden):
            await talk.do(ChatDelete, grace, message_id=str(message_id))
        return
    await talk.do(ChatDelete, grace, message_id=str(message_id))
    (entry,) = await talk.rows("select * from audit_log where entity_id = $1", str(message_id))
    assert (entry["action"], entry["user_id"]) == ("delete_message", str(grace.user_id))


async def test_a_reaction_counts_once_and_can_be_taken_back(
    talk: Talk, ada: Identity, grace: Identity
):
    """The same emoji in another spelling is the same emoji."""
    message_id = str(await talk.say(ada))
    for emoji in ("❤️", "❤", "❤️"):
        await talk.do(ReactionAdd, grace, message_id=message_id, emoji=emoji)
    await talk.do(ReactionAdd, ada, message_id=message_id, emoji="🏳️‍🌈")
    await talk.do(ReactionRemove, grace, message_id=message_id, emoji="❤")
    await talk.do(ReactionRemove, grace, message_id=message_id, emoji="❤")
    assert [event["type"] for event in await talk.events()] == [
        "chat.message",
        "reaction.added",
        "reaction.added",
        "reaction.removed",
    ]
    rows = await talk.rows("select emoji from message_reactions where message_id = $1", message_id)
    assert [row["emoji"] for row in rows] == ["🏳️‍🌈"]


@pytest.mark.parametrize("text", ["x", ":thumbsup:", "👍👍", "👍 ", "🏽", "1", "\u200d"])
async def test_anything_but_one_emoji_is_refused(talk: Talk, ada: Identity, text: str):
    """With the name of the field."""
    message_id = str(await talk.say(ada))
    with pytest.raises(InvalidField, match=r"data\.emoji"):
        await talk.do(ReactionAdd, ada, message_id=message_id, emoji=text)


async def test_a_message_has_so_many_different_emoji_and_no_more(talk: Talk, ada: Identity):
    """More people may take those that are there."""
    message_id = str(await talk.say(ada))
    faces = [chr(0x1F600 + number) for number in range(21)]
    for face in faces[:20]:
        await talk.do(ReactionAdd, ada, message_id=message_id, emoji=face)
    with pytest.raises(InvalidState):
        await talk.do(ReactionAdd, ada, message_id=message_id, emoji=faces[20])


async def test_unread_counts_what_others_said_after_the_marker(
    talk: Talk, ada: Identity, grace: Identity
):
    """Who says something has read what stands before it."""
    for _ in range(3):
        await talk.say(ada)
    assert (await talk.unread(ada), await talk.unread(grace)) == (0, 3)
    await talk.do(ChatRead, grace, seq=2)
    assert await talk.unread(grace) == 1
    await talk.do(ChatRead, grace)
    assert await talk.unread(grace) == 0
    await talk.say(grace)
    assert (await talk.unread(ada), await talk.unread(grace)) == (1, 0)


async def test_the_marker_never_goes_back(talk: Talk, ada: Identity, grace: Identity):
    """Nor for two devices at once; each step is told and leaves a receipt."""
    for _ in range(5):
        await talk.say(ada)
    await talk.book.all_at_once(
        *(wish(ChatRead, talk.room_id, grace, seq=seq) for seq in (2, 4, 3))
    )
    assert (await talk.do(ChatRead, grace, seq=1)).seq is None
    assert (await talk.do(ChatRead, grace, seq=4)).seq is None
    assert await talk.unread(grace) == 1
    told = [event["data"] for event in await talk.events() if event["type"] == "chat.marked"]
    assert told == [{"up_to": 2}, {"up_to": 4}]
    receipts = await talk.rows(
        "select seq from message_read_receipts where room_id = $1", talk.room_id
    )
    assert [row["seq"] for row in receipts] == [4]


async def test_who_has_read_to_the_end_has_nothing_more_to_mark(
    talk: Talk, ada: Identity, grace: Identity
):
    """Two clients that mark whenever they are told something would go on for ever."""
    await talk.say(ada)
    for reader in (ada, grace, ada, grace):
        await talk.do(ChatRead, reader)
    assert [event["type"] for event in await talk.events()] == ["chat.message", "chat.marked"]


async def test_a_marker_into_the_future_is_refused(talk: Talk, ada: Identity, grace: Identity):
    """Nobody has read what is not said yet."""
    await talk.say(ada)
    with pytest.raises(InvalidField, match=r"data\.seq"):
        await talk.do(ChatRead, grace, seq=2)
    assert await talk.unread(grace) == 1


async def test_in_a_big_room_markers_are_kept_and_not_told(talk: Talk, ada: Identity):
    """A message would cause an event for every reader."""
    await talk.rows(
        "with crowd as (insert into users (username, is_guest) "
        "select 'crowd ' || n, true from generate_series(1, 99) n returning id) "
        "insert into room_users (room_id, user_id) select $1, id from crowd returning 1",
        talk.room_id,
    )
    reader = await new_person(talk.database, "Reader")
    await talk.rows(
        "insert into room_users (room_id, user_id) values ($1, $2) returning 1",
        talk.room_id,
        reader.user_id,
    )
    await talk.say(ada)
    assert (await talk.do(ChatRead, reader)).seq is None
    assert await talk.unread(reader) == 0
    assert len(await talk.events()) == 1


async def test_a_muted_member_reads_and_says_nothing(talk: Talk, ada: Identity, grace: Identity):
    """From the very next command on, in the same batch, until the time is over."""
    await talk.set_role(ada, "admin")
    message_id = str(await talk.say(grace))
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    results = await talk.book.all_at_once(
        wish(MemberMute, talk.room_id, ada, user_id=str(grace.user_id), until=until),
        wish(ReactionAdd, talk.room_id, grace, message_id=message_id, emoji="👍"),
    )
    assert isinstance(results[1], Muted)
    for command, data in (
        (ChatSend, {"content": "x"}),
        (ChatEdit, {"message_id": message_id, "content": "x"}),
    ):
        with pytest.raises(Muted):
            await talk.do(command, grace, **data)
    await talk.do(ChatRead, grace)
    await talk.do(MemberMute, ada, user_id=str(grace.user_id), until=None)
    await talk.say(grace)


async def test_a_stranger_can_do_nothing(talk: Talk, ada: Identity, database: Database):
    """And nothing of it is in the log."""
    message_id = str(await talk.say(ada))
    stranger = await new_person(database, "Eve")
    wishes: list[tuple[type[DurableCommand], dict[str, object]]] = [
        (ChatSend, {"content": "x"}),
        (ChatEdit, {"message_id": message_id, "content": "x"}),
        (ChatDelete, {"message_id": message_id}),
        (ReactionAdd, {"message_id": message_id, "emoji": "👍"}),
        (ReactionRemove, {"message_id": message_id, "emoji": "👍"}),
        (ChatRead, {}),
    ]
    for command, data in wishes:
        with pytest.raises(NotAMember):
            await talk.do(command, stranger, **data)
    assert len(await talk.events()) == 1


async def test_a_repeated_command_has_one_effect(talk: Talk, ada: Identity):
    """Whichever it is: the second reply is the first."""
    message_id = str(await talk.say(ada))
    for command, data in (
        (ChatEdit, {"message_id": message_id, "content": "x"}),
        (ReactionAdd, {"message_id": message_id, "emoji": "👍"}),
        (ChatDelete, {"message_id": message_id}),
    ):
        twice = [
            await talk.book.ledger.submit(
                wish(command, talk.room_id, ada, key=command.__name__, **data)
            )
            for _ in range(2)
        ]
        assert twice[0] == twice[1]
    assert len(await talk.events()) == 4


async def test_a_key_belongs_to_one_command(talk: Talk, ada: Identity):
    """Else somebody would be told that what they asked for is done, and it is not."""
    send = wish(ChatSend, talk.room_id, ada, key="k", content="my secret")
    await talk.book.ledger.submit(send)
    message_id = (await talk.events())[0]["data"]["id"]
    delete = wish(ChatDelete, talk.room_id, ada, key="k", message_id=message_id)
    for _ in range(2):
        with pytest.raises(InvalidField, match='"key"'):
            await talk.book.ledger.submit(delete)
    again = wish(ChatSend, talk.room_id, ada, key="l", content="x")
    other = wish(ChatDelete, talk.room_id, ada, key="l", message_id=message_id)
    results = await talk.book.all_at_once(again, other)
    assert [type(result) for result in results] == [Committed, InvalidField]


async def test_a_reply_under_a_deleted_root_is_no_way_around_it(
    talk: Talk, ada: Identity, grace: Identity
):
    """The thread is closed, whichever of its messages one answers."""
    root = await talk.say(ada)
    reply = await talk.say(grace, reply_to=str(root))
    await talk.do(ChatDelete, ada, message_id=str(root))
    with pytest.raises(InvalidState):
        await talk.say(ada, reply_to=str(reply))


def test_errors_have_names_of_their_own():
    """Programs go by them."""
    errors: list[type[GatewayError]] = [Muted, UnknownMessage]
    assert [error.code for error in errors] == ["muted", "unknown_message"]
