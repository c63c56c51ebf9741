import json

import orjson
import pytest

from gateway.activities.chat.messages import ChatSend
from gateway.activities.protocol import COMMANDS, Behind
from gateway.client.events import Event, UnknownEvent
from gateway.client.wire import Command, Reply, decode, join_answer
from gateway.core.ids import RoomId
from gateway.core.protocol.decode import CommandDecoder
from gateway.docs_generator import messages
from gateway.docs_generator.examples import REPLIES

ROOM_ID = "0b7d1c1e-6f0e-4a53-9d55-2f1d7c1f2a10"


@pytest.mark.parametrize("message", messages.events(), ids=lambda message: message.type_name)
def test_every_documented_event_becomes_its_own_class(message: messages.Message):
    """The client knows every event that the protocol page shows."""
    event = decode(orjson.dumps(message.example))
    assert isinstance(event, Event)
    assert type(event.data) is message.model
    assert (event.seq is not None) == messages.is_durable(message)


@pytest.mark.parametrize("message", messages.notices(), ids=lambda message: message.type_name)
def test_every_documented_notice_becomes_its_own_class(message: messages.Message):
    """Notices that belong to a room are no exception."""
    assert type(decode(orjson.dumps(message.example))) is message.model


@pytest.mark.parametrize("name", ["UpToDate", "Replay", "RoomState"])
def test_the_answers_to_a_join_are_told_apart(name: str):
    """Each of the three is its own class."""
    reply = decode(orjson.dumps({"re": 7, "ok": REPLIES[name]}))
    assert isinstance(reply, Reply)
    assert type(join_answer(reply)).__name__ == name


@pytest.mark.parametrize(
    ("event_type", "data"),
    [("chat.edited", {"id": 1}), ("typing.changed", {"users": "nobody"})],
)
def test_an_event_that_is_not_understood_is_passed_on(event_type: str, data: dict[str, object]):
    """A newer gateway's event is unknown, not an error."""
    event = decode(json.dumps({"type": event_type, "room": ROOM_ID, "data": data}))
    assert isinstance(event, Event)
    assert event.data == UnknownEvent(event_type, data)


def test_a_refusal_carries_code_message_and_whether_to_try_again():
    """An error reply becomes the error that is raised."""
    error = {"code": "overloaded", "message": "Too much.", "retryable": True}
    reply = decode(json.dumps({"re": 3, "error": error}))
    assert isinstance(reply, Reply)
    assert reply.error is not None
    assert (reply.error.code, reply.error.message, reply.error.retryable) == tuple(error.values())


def test_unknown_notices_are_nothing():
    """What a newer gateway says of itself is left alone."""
    assert decode('{"type": "weather", "data": {}}') is None


@pytest.mark.parametrize("text", ["", "[]", '"re"', '{"re": "x"}', '{"room": 1, "type": "a"}'])
def test_what_is_no_message_is_an_error(text: str):
    """Something else than a gateway at the other end is noticed."""
    with pytest.raises(ValueError):  # noqa: PT011 - of orjson or pydantic
        decode(text)


def test_a_command_is_what_the_gateway_decodes():
    """The client's text passes the gateway's own decoder."""
    notice = {"room": ROOM_ID, "people": (), "count": 0, "typing": ()}
    room_id = RoomId(Behind.model_validate(notice).room)
    text = Command("chat.send", room_id, {"content": "Hi"}, key="k").encode(9)
    command = CommandDecoder(COMMANDS).decode(text)
    assert isinstance(command, ChatSend)
    assert (command.id, command.room, command.key, command.data.content) == (9, room_id, "k", "Hi")
