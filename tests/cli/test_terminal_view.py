import io
import unicodedata
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from gateway.cli.terminal_text import plain
from gateway.cli.terminal_view import View
from gateway.client import Connected, Disconnected, Event, Resumed, RoomSnapshot, RoomState
from gateway.client import state as reducer
from gateway.client.wire import decode
from gateway.core.ids import RoomId
from gateway.docs_generator import messages
from gateway.docs_generator.examples import ADA, GRACE, REPLIES

STATE = RoomState.model_validate(REPLIES["RoomState"])
ROOM = RoomId(STATE.room.id)


ALAN = {"id": "3f1d5b7c-9e21-4a5e-8a0f-9b2f0a3432a1", "name": "Alan"}
MESSAGE_ID = str(STATE.chat.messages[0].id)


def after(state: RoomState, event: Event) -> RoomState:
    """Return Ada's state after an event."""
    return reducer.after(state, event, UUID(ADA["id"]))


def shown(view: View, event: Event, state: RoomState = STATE, width: int = 100) -> str:
    """Return what the view shows of an event, without colours."""
    output = io.StringIO()
    console = Console(file=output, width=width)
    for line in view.lines(event, state):
        console.print(line)
    return output.getvalue()


def a_view() -> View:
    """Return Ada's view of the room, which she has just entered."""
    view = View(UUID(ADA["id"]))
    shown(view, Event(RoomSnapshot(STATE), ROOM))
    return view


def example(event_type: str, by: str = GRACE["id"], **changes: object) -> Event:
    """Return the documented event of this type, with some of its data changed; Grace's."""
    message = next(event for event in messages.events() if event.type_name == event_type)
    data = {**message.example["data"], **changes}
    event = decode(orjson.dumps({**message.example, "by": by, "data": data}))
    assert isinstance(event, Event)
    return event


def test_a_newcomer_sees_history_people_and_the_table():
    """The room's name, its messages, the open story and who is here come first."""
    text = shown(View(UUID(ADA["id"])), Event(RoomSnapshot(STATE), ROOM))
    for part in ("lobby", "Ada  Hello, everybody", "♠ Login page", "voted: Grace", "2 here: Ada"):
        assert part in text


def test_hidden_votes_are_counted_and_shown_at_the_reveal():
    """Before the reveal there is a count; with it a table and its statistics."""
    view = a_view()
    assert "Grace has voted (1 of 2)" in shown(view, example("poker.voted"))
    text = shown(view, example("poker.revealed"))
    assert "Ada" in text
    assert "average 4 · median 4 · from 3 to 5" in text


def test_comings_and_goings_are_told_once():
    """Who is here already is not announced, and who goes is named."""
    view = a_view()
    assert shown(view, example("presence.changed")) == ""
    gone = example("presence.changed", joined=[], left=[GRACE["id"]], changed=[], count=1)
    assert shown(view, gone, after(STATE, gone)) == "← Grace left\n"
    assert shown(view, example("presence.changed"), STATE) == "→ Grace came in\n"


def test_who_is_away_is_shown_as_such():
    """In the list of who is here, and when it changes; of yourself you know."""
    view = a_view()
    assert "2 here: Ada, Grace (away)" in shown(view, Event(RoomSnapshot(STATE), ROOM))
    ada, grace = ADA | {"status": "away"}, GRACE | {"status": "online"}
    back = example("presence.changed", joined=[], changed=[ada, grace])
    assert shown(view, back, after(STATE, back)) == "· Grace is back\n"
    away = example("presence.changed", joined=[], changed=[ada, grace | {"status": "away"}])
    assert shown(view, away, after(STATE, away)) == "· Grace is away\n"


def test_a_lost_connection_is_visible():
    """The loss is told once, the wait stands where one types, and the return ends both."""
    view = a_view()
    lost = Event(Disconnected("The connection broke.", 2.2), ROOM)
    assert shown(view, lost) == "connection lost (The connection broke.)\n"
    assert view.note(STATE) == "no connection, trying again in 2 s…"
    assert shown(view, Event(Disconnected("Still away.", 7), ROOM)) == ""
    assert shown(view, Event(Connected(), ROOM)) == ""
    assert view.note(STATE) == "Grace is typing…"
    assert shown(view, Event(Resumed(3), ROOM)) == "back; what you missed:\n"
    assert shown(view, Event(Resumed(0), ROOM)) == "back\n"


def test_only_others_are_shown_as_typing():
    """The note names who else types."""
    ada, grace = STATE.people
    view = a_view()
    for typing, note in (
        ((), ""),
        ((ada,), ""),
        ((ada, grace), "Grace is typing…"),
    ):
        assert view.note(STATE.model_copy(update={"typing": typing})) == note


def test_markup_and_control_sequences_are_only_text():
    """A message can neither colour nor clear the screen."""
    text = shown(a_view(), example("chat.message", content="[red]no[/] \x1b[2J\x07 end"))
    assert "[red]no[/] �[2J� end" in text
    assert "\x1b" not in text


@given(st.text())
def test_nothing_that_people_write_acts_on_the_terminal(text: str):
    """No control or direction character is left, but line ends."""
    kept = {unicodedata.category(character) for character in plain(text) if character != "\n"}
    assert not kept & {"Cc", "Cs", "Co", "Zl", "Zp"}


def told(event: Event, state: RoomState = STATE) -> str:
    """Return what Ada sees of an event that the state has taken in."""
    return shown(a_view(), event, after(state, event))


def test_unread_messages_stand_below_a_line():
    """It tells how many, and that more may be where even the oldest is unread."""
    read = STATE.model_copy(
        update={"room": STATE.room.model_copy(update={"read_up_to": 41, "description": "Topic"})}
    )
    text = shown(View(UUID(ADA["id"])), Event(RoomSnapshot(read), ROOM), read)
    assert "lobby\nTopic\n— 1 unread —\n" in text
    assert text.index("1 unread") < text.index("Hello, everybody")
    more = read.model_copy(update={"chat": read.chat.model_copy(update={"has_more": True})})
    text = shown(View(UUID(ADA["id"])), Event(RoomSnapshot(more), ROOM), more)
    assert "— 1 or more unread —" in text
    assert "unread" not in shown(View(UUID(ADA["id"])), Event(RoomSnapshot(STATE), ROOM))


def test_reactions_and_edits_stand_with_their_message():
    """A newcomer sees what a message has become."""
    view = STATE.chat.messages[0].model_copy(update={"edited_at": STATE.chat.messages[0].at})
    state = STATE.model_copy(update={"chat": STATE.chat.model_copy(update={"messages": (view,)})})
    text = shown(View(UUID(ADA["id"])), Event(RoomSnapshot(state), ROOM), state)
    assert "Ada  Hello, everybody (changed)\n      👍 1\n" in text


def test_edits_show_the_new_words():
    """What was printed stays; the change is a line of its own."""
    assert "Ada changed: Hello, Grace\n" in told(example("chat.edited", by=ADA["id"]))
    assert told(example("chat.edited", content="")) == ""  # it has been deleted since


def test_deletions_say_which_message_and_who():
    """Who deletes their own message needs no second name."""
    own = told(example("chat.deleted", by=ADA["id"]))
    assert "message deleted: Ada, " in own
    assert "by" not in own
    assert ", by Grace\n" in told(example("chat.deleted"))
    text = told(example("chat.deleted", message_id=ALAN["id"]))
    assert "message deleted: an older one, by Grace\n" in text


def test_a_deleted_message_is_a_tombstone():
    """Its place stays, and changes of it before its end are not told any more."""
    state = after(STATE, example("chat.deleted"))
    assert "Ada  message deleted\n" in shown(
        View(UUID(ADA["id"])), Event(RoomSnapshot(state), ROOM), state
    )
    assert shown(a_view(), example("reaction.added"), state) == ""
    assert shown(a_view(), example("chat.edited"), state) == ""
    assert "Ada  message deleted\n" in told(example("chat.message", content=""))
    reply = example("chat.message", reply_to=MESSAGE_ID, author=GRACE)
    assert "Grace ↳ a deleted message of Ada\n" in shown(a_view(), reply, state)


def test_reactions_are_counted_beside_what_they_are_for():
    """Who, what, to which message, and how it stands now."""
    added = example("reaction.added", by=ADA["id"], emoji="🎉")
    assert told(added) == "      Ada reacted 🎉 to Ada “Hello, everybody”  👍 1  🎉 1\n"
    assert told(example("reaction.removed")) == (
        "      Grace took 👍 back from Ada “Hello, everybody”\n"
    )
    unknown = example("reaction.added", message_id=ALAN["id"])
    assert told(unknown) == "      Grace reacted 👍 to an older message\n"


def test_replies_tell_whom_they_answer():
    """The beginning of what is answered stands above the answer."""
    reply = example("chat.message", author=GRACE, content="Yes", reply_to=MESSAGE_ID)
    assert "Grace ↳ Ada “Hello, everybody”\n      Yes\n" in told(reply)
    older = example("chat.message", author=GRACE, content="Yes", reply_to=ALAN["id"])
    assert "Grace ↳ an older message\n" in told(older)


def test_long_and_wide_words_stay_beside_the_time():
    """No line that somebody writes begins where names stand, in narrow terminals either."""
    content = "宽字符" * 10 + "\n09:30 Grace  not me, " + "words " * 20
    lines = shown(a_view(), example("chat.message", content=content), width=40).splitlines()
    assert all(line.startswith("      ") for line in lines[1:])
    assert max(map(cell_len, lines)) <= 40


def test_a_mention_of_you_stands_out():
    """Your name, and the time beside it, are shown reversed; others' are not."""
    output = io.StringIO()
    console = Console(file=output, width=80, force_terminal=True, color_system="standard")
    for mentions in ([ADA["id"]], [GRACE["id"]]):
        event = example("chat.message", author=GRACE, content="ask @ada", mentions=mentions)
        for line in a_view().lines(event, STATE):
            console.print(line)
    first, second = output.getvalue().splitlines()
    assert "\x1b[1;7m@ada" in first
    assert first.startswith("\x1b[1;7m")
    assert "\x1b[1;7m" not in second


def test_attachments_show_name_size_and_address():
    """The gateway keeps no files, so the address is what leads to one."""
    attachment = {
        "url": "https://example.com/plan.pdf",
        "name": "plan.pdf",
        "media_type": "application/pdf",
        "size_bytes": 1_234_567,
    }
    event = example("chat.message", content="", message_type="file", attachment=attachment)
    assert "Ada  plan.pdf (1.23 MB) https://example.com/plan.pdf\n" in told(event)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (example("member.joined", user=ALAN), "→ Alan joined the room"),
        (example("member.left", user=ALAN, reason="left"), "← Alan left the room for good"),
        (example("member.left", user=ALAN), "← Grace put Alan out"),
        (example("member.left", user=ADA), "← Grace put you out"),
        (example("member.left", user=ADA, reason="banned"), "← Grace banned you"),
        (example("member.left", user=ALAN, reason="banned"), ""),
        (example("member.banned", user=ALAN), "Grace banned Alan: Advertising"),
        (example("member.unbanned", user=ALAN), "Grace lets Alan in again"),
        (example("member.role_changed", user=ADA), "Grace made you a moderator"),
        (example("member.muted", user=ADA, until=None), "Grace lets you speak again"),
        (
            example("member.muted", user=ALAN, until="2031-01-01T12:00:00Z"),
            "Grace muted Alan until 2031-01-01",
        ),
        (example("room.updated", name="Lounge"), "Grace named the room Lounge"),
        (example("room.updated", name="lobby", description="Talk"), "Grace set the topic: Talk"),
        (
            example("room.updated", name="lobby", is_archived=True),
            "Grace archived the room: it can be read, not written",
        ),
        (
            example("room.updated", name="lobby"),
            "Grace changed how long messages are kept: 365 days",
        ),
        (example("chat.marked"), ""),
    ],
)
def test_what_is_done_to_people_and_the_room_is_told_in_words(event: Event, text: str):
    """Who did it, to whom, and what it means."""
    lines = told(event).splitlines()
    assert len(lines) == bool(text)
    assert all(line.startswith(text) for line in lines)


def test_joining_and_leaving_are_not_told_twice():
    """Whose membership was told is not announced as present, or gone, as well."""
    view = a_view()
    assert "joined" in shown(view, example("member.joined", user=ALAN))
    came = example("presence.changed", joined=[ALAN], count=3)
    here = after(STATE, came)
    assert shown(view, came, here) == ""
    assert "put Alan out" in shown(view, example("member.left", user=ALAN), here)
    went = example("presence.changed", joined=[], left=[ALAN["id"]], count=2)
    assert shown(view, went, after(here, went)) == ""
    assert shown(view, came, here) == "→ Alan came in\n"


def test_an_archived_room_and_a_mute_are_told_on_coming_in():
    """Who cannot write knows it before they try."""
    until = datetime.now(UTC) + timedelta(days=1)
    room = STATE.room.model_copy(update={"is_archived": True, "muted_until": until})
    state = STATE.model_copy(update={"room": room})
    text = shown(View(UUID(ADA["id"])), Event(RoomSnapshot(state), ROOM), state)
    assert "This room is archived" in text
    assert "You are muted until " in text
