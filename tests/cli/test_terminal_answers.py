import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from rich.console import Console, RenderableType

from gateway.cli.terminal_answers import Answers
from gateway.cli.terminal_messages import Messages
from gateway.cli.terminal_people import People
from gateway.client import (
    EditHistory,
    FoundPage,
    MemberPage,
    MessageView,
    Receipts,
    RepliesPage,
    RoomState,
)
from gateway.docs_generator.examples import ADA, GRACE, REPLIES

STATE = RoomState.model_validate(REPLIES["RoomState"])
MESSAGE = STATE.chat.messages[0].model_copy(update={"edited_at": None, "reactions": ()})
NOW = MESSAGE.at + timedelta(minutes=5)
OWN_ID = UUID(ADA["id"])


def answers(state: RoomState = STATE, now: datetime = NOW) -> Answers:
    """Return what answers look like to Ada."""
    return Answers(Messages(OWN_ID, People()), state, OWN_ID, now)


def shown(lines: Iterable[RenderableType]) -> str:
    """Return what is printed, without colours, with every time as "hh:mm"."""
    output = io.StringIO()
    console = Console(file=output, width=100)
    for line in lines:
        console.print(line)
    return output.getvalue().replace(f"{MESSAGE.at.astimezone():%H:%M}", "hh:mm")


def message(content: str, days_ago: int = 0) -> MessageView:
    """Return a message of Ada's."""
    at = MESSAGE.at - timedelta(days=days_ago)
    return MESSAGE.model_copy(update={"content": content, "at": at})


def test_earlier_messages_stand_between_two_lines_with_their_days():
    """Where a day begins, its date stands; the present is where the page ends."""
    page = [message("old", 2), message("too", 2), message("new")]
    past, today = (f"{at.astimezone():%Y-%m-%d}" for at in (page[0].at, page[2].at))
    assert shown(answers().earlier(page, has_more=True)) == (
        f"— earlier —\n{past}\nhh:mm Ada  old\nhh:mm Ada  too\n{today}\nhh:mm Ada  new\n— now —\n"
    )
    assert shown(answers().earlier(page[2:], has_more=False)) == (
        "— earlier, from the beginning —\nhh:mm Ada  new\n— now —\n"
    )
    assert shown(answers().earlier([], has_more=False)) == "Nothing was said earlier.\n"


def test_what_was_found_ends_with_the_newest():
    """It is told when older messages would fit as well."""
    page = FoundPage(messages=(message("two"), message("one")), next=None)
    assert shown(answers().found(page)) == (
        "— found: 2 —\nhh:mm Ada  one\nhh:mm Ada  two\n— now —\n"
    )
    more = shown(answers().found(page.model_copy(update={"next": "token"})))
    assert more.startswith("— found: the newest 2 —\n")
    assert "… older ones have them too" in more
    assert "No message has these words" in shown(answers().found(FoundPage(messages=(), next=None)))


def test_a_thread_is_its_message_and_the_answers():
    """That they answer it need not be said for each."""
    reply = message("Yes").model_copy(update={"reply_to": MESSAGE.id})
    page = RepliesPage(messages=(reply,), next=None)
    assert shown(answers().thread(MESSAGE, page)) == (
        "— thread —\nhh:mm Ada  Hello, everybody\nhh:mm Ada  Yes\n— now —\n"
    )
    assert "newer answers" in shown(
        answers().thread(MESSAGE, page.model_copy(update={"next": "token"}))
    )
    nobody = answers().thread(MESSAGE, RepliesPage(messages=(), next=None))
    assert shown(nobody) == "Nobody has answered Ada “Hello, everybody”.\n"


def test_edits_tell_until_when_a_message_said_what():
    """Of what people wrote nothing acts on the terminal here either."""
    edit = {"content": "Helo\x1b[2J", "replaced_at": MESSAGE.at, "seq": 45}
    history = EditHistory.model_validate({"edits": [edit]})
    assert shown(answers().edits(MESSAGE, history)) == (
        "— what was before Ada “Hello, everybody” —\n      until hh:mm: Helo�[2J\n"
    )
    never = answers().edits(MESSAGE, EditHistory(edits=()))
    assert shown(never) == "Ada “Hello, everybody” was never changed.\n"


def test_readers_are_named_with_the_time_that_is_known():
    """Who has only said something since has read it at an unknown time."""
    people = [{"user": GRACE, "read_at": MESSAGE.at}, {"user": ADA, "read_at": None}]
    receipts = Receipts.model_validate({"receipts": people})
    assert shown(answers().readers(MESSAGE, receipts)) == (
        "Ada “Hello, everybody” has been read by Grace (hh:mm), Ada\n"
    )
    nobody = answers().readers(MESSAGE, Receipts(receipts=()))
    assert shown(nobody) == "Ada “Hello, everybody” has not been read yet\n"


def test_members_are_shown_with_roles_presence_and_mutes():
    """A mute that is over is none; in a big room it is not known of all whether they are here."""
    grace = REPLIES["MemberPage"]["members"][0] | {"user": GRACE, "role": "member"}
    muted = grace | {"muted_until": datetime(2999, 1, 1, 12, tzinfo=UTC)}
    free = grace | {"muted_until": datetime(2001, 1, 1, tzinfo=UTC)}
    own = REPLIES["MemberPage"]["members"][0]
    page = MemberPage.model_validate({"members": [own, muted, free], "next": "token"})
    ada, first, second, more = shown(answers().members(page)).splitlines()
    status = {"online": "here", "away": "away"}[STATE.people[1].status]
    assert (ada, second, more) == ("Ada  admin, you", f"Grace  member, {status}", "… and more")
    assert first.startswith(f"Grace  member, {status}, muted until 2999-01-01 ")
    big = STATE.model_copy(update={"count": 500, "people": ()})
    assert "500 are here, of whom only the newest are known" in shown(answers(big).members(page))
