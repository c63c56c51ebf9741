import json
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activities.protocol import COMMANDS
from gateway.core.errors import BadJson, BadRequest, InvalidField, UnknownType
from gateway.core.protocol.base import MAX_INTEGER, Command
from gateway.core.protocol.decode import CommandDecoder, command_name, peek_id

ROOM = "0191d7a4-6d3c-7c51-b1a7-5f0e6a3b9c11"

EXAMPLES: dict[str, dict[str, Any]] = {
    "auth": {"data": {"token": "secret"}},
    "ping": {"data": {"sent_at": 1234.5}},
    "auth.register": {
        "data": {"email": "ada@example.com", "username": "Ada", "password": "x" * 12}
    },
    "auth.sign_in": {"data": {"email": "ada@example.com", "password": "x"}},
    "auth.guest": {"data": {"name": "Ada"}},
    "auth.change_password": {"data": {"old_password": "x", "new_password": "x" * 12}},
    "auth.sign_out": {},
    "session.list": {},
    "session.end": {"data": {"id": "9c56cc51b374c3ba"}},
    "session.end_others": {},
    "room.join": {"room": ROOM},
    "room.leave": {"room": ROOM},
    "presence.set": {"data": {"status": "away"}},
    "person.get": {"data": {"user_id": ROOM}},
    "person.list": {"data": {"user_ids": [ROOM]}},
    "typing.start": {"room": ROOM},
    "typing.stop": {"room": ROOM, "data": {}},
    "room.update": {"room": ROOM, "data": {"name": "Lounge"}},
    "room.create": {"data": {"name": "Lounge"}},
    "room.list": {},
    "room.directory": {"data": {"search": "lo"}},
    "room.invite_link": {"room": ROOM, "data": {"max_uses": 1}},
    "room.invite": {"room": ROOM, "data": {"user_id": ROOM}},
    "room.invitations": {"room": ROOM},
    "room.withdraw_invitation": {"room": ROOM, "data": {"invitation_id": ROOM}},
    "invitation.use": {"data": {"token": "secret"}},
    "invitation.accept": {"data": {"invitation_id": ROOM}},
    "invitation.decline": {"data": {"invitation_id": ROOM}},
    "inbox.open": {},
    "inbox.close": {},
    "member.leave": {"room": ROOM},
    "member.set_role": {"room": ROOM, "data": {"user_id": ROOM, "role": "admin"}},
    "member.kick": {"room": ROOM, "data": {"user_id": ROOM}},
    "member.ban": {"room": ROOM, "data": {"user_id": ROOM, "reason": "Advertising"}},
    "member.unban": {"room": ROOM, "data": {"user_id": ROOM}},
    "member.mute": {"room": ROOM, "data": {"user_id": ROOM, "until": None}},
    "chat.send": {"room": ROOM, "key": "k1", "data": {"content": "Hello"}},
    "chat.edit": {"room": ROOM, "data": {"message_id": ROOM, "content": "Hello"}},
    "chat.delete": {"room": ROOM, "data": {"message_id": ROOM}},
    "chat.read": {"room": ROOM, "data": {"seq": 3}},
    "chat.history": {"room": ROOM, "data": {"since": 3}},
    "chat.search": {"room": ROOM, "data": {"q": "lunch"}},
    "chat.get": {"room": ROOM, "data": {"message_id": ROOM}},
    "chat.edits": {"room": ROOM, "data": {"message_id": ROOM}},
    "chat.replies": {"room": ROOM, "data": {"message_id": ROOM, "limit": 100}},
    "chat.receipts": {"room": ROOM, "data": {"message_id": ROOM}},
    "room.members": {"room": ROOM},
    "room.bans": {"room": ROOM},
    "room.export": {"room": ROOM, "data": {"after": 200}},
    "reaction.add": {"room": ROOM, "data": {"message_id": ROOM, "emoji": "👍"}},
    "reaction.remove": {"room": ROOM, "data": {"message_id": ROOM, "emoji": "👍"}},
    "poker.start": {"room": ROOM, "data": {"title": "Sign-in page"}},
    "poker.vote": {"room": ROOM, "data": {"card": "5", "story_id": ROOM}},
    "poker.reveal": {"room": ROOM, "key": "k2"},
}
"""One right message for every command, without its ``id`` and ``type``."""

OPTIONAL = {
    ("ping", "data"),
    ("typing.stop", "data"),
    ("chat.read", "data"),
    ("room.export", "data"),
    ("chat.history", "data"),
    ("room.directory", "data"),
    ("room.invite_link", "data"),
}
"""Fields that may be left out, though the examples have them."""

decoder = CommandDecoder(COMMANDS)


def text(command: str, **changes: object) -> bytes:
    """Return the example of a command, with fields changed, or left out where ``...``."""
    message = {"id": 7, "type": command} | EXAMPLES[command] | changes
    return json.dumps({name: value for name, value in message.items() if value is not ...}).encode()


def test_every_command_has_an_example_here():
    """A new command is tested like the others."""
    assert set(EXAMPLES) == {command_name(command_type) for command_type in COMMANDS}


@pytest.mark.parametrize("command", EXAMPLES)
def test_every_command_is_decoded_into_its_own_type(command: str):
    """With the id that the reply will carry."""
    decoded = decoder.decode(text(command))
    assert command_name(type(decoded)) == command
    assert decoded.id == 7


@pytest.mark.parametrize("command_type", COMMANDS)
def test_every_number_has_a_bound(command_type: type[Command]):
    """One that PostgreSQL cannot hold would take its whole batch down."""

    def check(schema: object) -> None:
        if isinstance(schema, dict):
            if schema.get("type") == "integer":
                assert schema["maximum"] <= MAX_INTEGER
            for part in schema.values():
                check(part)
        elif isinstance(schema, list):
            for part in schema:
                check(part)

    check(command_type.model_json_schema())


def test_fields_arrive_as_what_they_are():
    """Ids as ids, and text without the white space around it."""
    decoded: Any = decoder.decode(text("chat.send", data={"content": "  Hello\n"}))
    assert decoded.room_id == UUID(ROOM)
    assert decoded.key == "k1"
    assert decoded.data.content == "Hello"


@pytest.mark.parametrize(
    "message",
    [b"", b" ", b"{", b"hello", b"\xff\xfe", b'{"id": 1', b'{"id": 1} {}', b'{"type": "\\ud800"}'],
)
def test_what_is_not_json_is_bad_json(message: bytes):
    """The sentence says where it went wrong, as far as is known."""
    with pytest.raises(BadJson):
        decoder.decode(message)


@pytest.mark.parametrize("message", [b"null", b"7", b'"ping"', b"[]", b"true"])
def test_json_that_is_no_object_is_bad_json(message: bytes):
    """A message is an object."""
    with pytest.raises(BadJson, match="A message is a JSON object"):
        decoder.decode(message)


@pytest.mark.parametrize("command", ["chat.sent", "", "PING", 5, None, ["ping"], {}])
def test_a_name_that_is_no_command_is_an_unknown_type(command: object):
    """Whatever it is."""
    with pytest.raises(UnknownType):
        decoder.decode(json.dumps({"id": 1, "type": command}).encode())


def test_the_name_of_an_unknown_command_is_repeated_only_in_part():
    """What a stranger wrote is not echoed at length."""
    with pytest.raises(UnknownType) as caught:
        decoder.decode(json.dumps({"id": 1, "type": "x" * 10_000}).encode())
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("command", EXAMPLES)
def test_an_unknown_field_is_an_error_that_names_it(command: str):
    """A typing mistake is told and not ignored; a long one is told in part."""
    with pytest.raises(InvalidField, match='"colour"'):
        decoder.decode(text(command, colour="red"))
    data = EXAMPLES[command].get("data", {}) | {"colour": "red"}
    with pytest.raises(InvalidField, match=r'"data\.colour"'):
        decoder.decode(text(command, data=data))
    with pytest.raises(InvalidField) as caught:
        decoder.decode(text(command, **{"x" * 10_000: 1}))
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (command, field)
        for command, example in EXAMPLES.items()
        for field in ("id", *example)
        if not (field == "key" or (command, field) in OPTIONAL)
    ],
)
def test_a_missing_field_is_an_error_that_names_it(command: str, field: str):
    """Every field without a default."""
    with pytest.raises(InvalidField, match=f'"{field}"'):
        decoder.decode(text(command, **{field: ...}))


def test_a_missing_type_is_told_by_name():
    """It is the one field without which the others mean nothing."""
    with pytest.raises(InvalidField, match='"type" is missing'):
        decoder.decode(b'{"id": 1}')


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        ("ping", {"id": -1}),
        ("ping", {"id": MAX_INTEGER + 1}),
        ("ping", {"id": 10**400}),
        ("ping", {"id": 1.5}),
        ("ping", {"id": None}),
        ("ping", {"data": {"sent_at": "now"}}),
        ("room.join", {"room": "lobby"}),
        ("room.join", {"room": 7}),
        ("room.create", {"data": {"name": ""}}),
        ("room.create", {"data": {"name": "x" * 101}}),
        ("room.directory", {"data": {"search": "x" * 101}}),
        ("room.invite_link", {"data": {"expires_in_seconds": 0}}),
        ("room.invite_link", {"data": {"max_uses": 0}}),
        ("room.invite", {"data": {"user_id": "Grace"}}),
        ("invitation.use", {"data": {"token": ""}}),
        ("invitation.accept", {"data": {"invitation_id": 7}}),
        ("chat.send", {"key": ""}),
        ("chat.history", {"data": {"limit": 0}}),
        ("chat.history", {"data": {"limit": 101}}),
        ("chat.history", {"data": {"offset": 10_001}}),
        ("chat.history", {"data": {"since": -1}}),
        ("chat.history", {"data": {"since": 2**53}}),
        ("chat.history", {"data": {"since": 1, "offset": 1}}),
        ("chat.history", {"data": {"before": ""}}),
        ("chat.history", {"data": {"before": "x" * 101}}),
        ("chat.search", {"data": {"q": "x" * 201}}),
        ("chat.search", {"data": {"q": "a\0b"}}),
        ("chat.replies", {"data": {"message_id": ROOM, "limit": 101}}),
        ("room.members", {"data": {"limit": -1}}),
        ("chat.send", {"key": "k" * 65}),
        ("chat.send", {"key": "k\0"}),
        ("chat.send", {"key": 7}),
        ("chat.send", {"data": {"content": ""}}),
        ("chat.send", {"data": {"content": " \n "}}),
        ("chat.send", {"data": {"content": "a\0b"}}),
        ("chat.send", {"data": {"content": "x" * 8_001}}),
        ("chat.send", {"data": {"content": ["Hello"]}}),
        ("chat.send", {"data": "Hello"}),
        ("poker.start", {"data": {"title": "a\0b"}}),
        ("poker.start", {"data": {"title": "x" * 256}}),
        ("poker.vote", {"data": {"card": "5\0"}}),
        ("poker.vote", {"data": {"card": ""}}),
        ("poker.vote", {"data": {"card": 5}}),
        ("poker.vote", {"data": {"card": "5", "story_id": "first"}}),
        ("auth", {"data": {"token": ""}}),
        ("auth", {"data": {"token": "x" * 4_097}}),
    ],
)
def test_a_field_out_of_its_range_is_an_invalid_field(command: str, changes: dict[str, object]):
    """NUL among them, which PostgreSQL's text cannot hold."""
    with pytest.raises(InvalidField):
        decoder.decode(text(command, **changes))


@pytest.mark.parametrize("command_id", [0, 1, MAX_INTEGER])
def test_every_id_that_javascript_can_count_is_taken(command_id: int):
    """From 0 to Number.MAX_SAFE_INTEGER."""
    assert decoder.decode(text("ping", id=command_id)).id == command_id


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([*EXAMPLES, ROOM]),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)
broken_examples = st.builds(
    lambda command, changes: text(command, **changes),
    st.sampled_from(list(EXAMPLES)),
    st.dictionaries(st.sampled_from(["id", "type", "room", "key", "data", "more"]), json_values),
)
texts = st.binary(max_size=60) | json_values.map(json.dumps).map(str.encode) | broken_examples


@given(texts)
def test_any_bytes_become_a_command_or_a_bad_request(message: bytes):
    """Nothing that a client sends raises anything else."""
    try:
        answer: Command | BadRequest = decoder.decode(message)
    except BadRequest as error:
        answer = error
    assert isinstance(answer, (*COMMANDS, BadJson, InvalidField, UnknownType))
    if isinstance(answer, BadRequest):
        assert answer.message.endswith(".")
        assert len(answer.message) < 1_000


@given(texts)
def test_the_id_of_any_bytes_is_one_that_a_reply_can_carry_or_none(message: bytes):
    """So a message that could not be understood is answered as such, where it has an id."""
    command_id = peek_id(message)
    assert command_id is None or (type(command_id) is int and 0 <= command_id <= MAX_INTEGER)


@pytest.mark.parametrize(
    ("message", "command_id"),
    [
        (b'{"id": 7, "type": "nonsense"}', 7),
        (b'{"id": 0}', 0),
        (b'{"id": -1}', None),
        (b'{"id": 9007199254740992}', None),
        (b'{"id": "7"}', None),
        (b'{"id": true}', None),
        (b'{"id": 7', None),
        (b"[7]", None),
    ],
)
def test_the_id_is_found_where_it_is_readable(message: bytes, command_id: int | None):
    """And nowhere else."""
    assert peek_id(message) == command_id


def test_two_commands_of_one_name_are_found_at_the_start():
    """Not when the second one is first used."""

    class Again(Command):
        """Another ping."""

        type: Literal["ping"]

    with pytest.raises(ValueError, match="two commands are named 'ping'"):
        CommandDecoder([*COMMANDS, Again])
