import io
import unicodedata
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gateway.cli.terminal_view import View, plain
from gateway.client import Disconnected, Event, Resumed, RoomSnapshot, RoomState
from gateway.client.state import after
from gateway.client.wire import decode
from gateway.core.ids import RoomId
from gateway.docs_generator import messages
from gateway.docs_generator.examples import ADA, GRACE, REPLIES

STATE = RoomState.model_validate(REPLIES["RoomState"])
ROOM = RoomId(STATE.room.id)


def shown(view: View, event: Event, state: RoomState = STATE) -> str:
    """Return what the view shows of an event, without colours."""
    output = io.StringIO()
    console = Console(file=output, width=100)
    for line in view.lines(event, state):
        console.print(line)
    return output.getvalue()


def a_view() -> View:
    """Return Ada's view of the room, which she has just entered."""
    view = View(UUID(ADA["id"]))
    shown(view, Event(RoomSnapshot(STATE), ROOM))
    return view


def example(event_type: str, **changes: object) -> Event:
    """Return the documented event of this type, with some of its data changed."""
    message = next(event for event in messages.events() if event.type_name == event_type)
    data = {**message.example["data"], **changes}
    event = decode(orjson.dumps({**message.example, "data": data}))
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
    """The wait is told in seconds, and the return with what was missed."""
    view = a_view()
    lost = shown(view, Event(Disconnected("The connection broke.", 2.2), ROOM))
    assert lost == "connection lost, trying again in 2 s… (The connection broke.)\n"
    assert shown(view, Event(Resumed(3), ROOM)) == "back: 3 new\n"
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
        assert view.typing(STATE.model_copy(update={"typing": typing})) == note


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
