import json
import math
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activities.chat.messages import ChatMessage
from gateway.activities.rooms.messages import TypingChanged
from gateway.core.errors import GatewayError, InvalidField, Overloaded
from gateway.core.ids import RoomId, Seq, UserId
from gateway.core.protocol.base import Person
from gateway.core.protocol.connection import Draining, PingOk
from gateway.core.protocol.encode import (
    encode_ephemeral,
    encode_error,
    encode_event,
    encode_notice,
    encode_ok,
    encode_payload,
    encode_time,
)

ROOM = RoomId(UUID(int=1))
ADA = Person(id=UUID(int=2), name="Ada")
AT = datetime(2026, 11, 21, 9, 30, 0, 5, tzinfo=UTC)

plain_texts = st.text(st.characters(exclude_categories=["Cs"]))
moments = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2999, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-12, 12).map(lambda hours: timezone(timedelta(hours=hours))),
)


@given(
    content=plain_texts,
    key=st.none() | plain_texts,
    by=st.none() | st.uuids().map(UserId),
    seq=st.integers(1, 2**53).map(Seq),
    at=moments,
)
def test_an_event_is_json_that_says_what_went_in(
    content: str, key: str | None, by: UserId | None, seq: Seq, at: datetime
):
    """Whatever people type, as content or as a key."""
    data = ChatMessage(id=UUID(int=3), number=1, content=content, author=ADA)
    event = json.loads(encode_event("chat.message", ROOM, seq, at, by, key, encode_payload(data)))
    assert event.pop("data") == data.model_dump(mode="json")
    assert datetime.fromisoformat(event.pop("at")) == at
    assert event == {"type": "chat.message", "room": str(ROOM), "seq": seq} | (
        {"by": str(by)} if by else {}
    ) | ({"key": key} if key is not None else {})


def test_a_time_has_the_resolution_of_the_database_and_is_in_utc():
    """So that live and replay are the same bytes, whatever zone the driver answers in."""
    elsewhere = AT.astimezone(timezone(timedelta(hours=-7)))
    assert encode_time(AT) == encode_time(elsewhere) == b"2026-11-21T09:30:00.000005Z"


def test_an_ephemeral_event_has_no_place_in_the_log():
    """A client must not count it."""
    event = json.loads(encode_ephemeral(ROOM, TypingChanged(users=(ADA,))))
    assert event == {
        "type": "typing.changed",
        "room": str(ROOM),
        "data": {"users": [ADA.model_dump(mode="json")]},
    }


def test_replies_and_notices_have_the_shapes_that_the_protocol_names():
    """The four of them."""
    assert json.loads(encode_ok(7)) == {"re": 7, "ok": {}}
    assert json.loads(encode_ok(7, ADA)) == {"re": 7, "ok": ADA.model_dump(mode="json")}
    assert json.loads(encode_notice(Draining(reconnect_in_ms=40))) == {
        "type": "draining",
        "data": {"reconnect_in_ms": 40},
    }
    body = {"code": "overloaded", "message": "Later.", "retryable": True}
    assert json.loads(encode_error(7, Overloaded("Later."))) == {"re": 7, "error": body}
    assert json.loads(encode_error(None, Overloaded("Later."))) == {
        "type": "error",
        "data": {"error": body},
    }


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_cannot_say_does_not_break_the_reply(number: float):
    """A client may send ``1e999``; it must be able to read the answer."""
    reply = encode_ok(1, PingOk(sent_at=number, server_time_ms=0.0)).decode()

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    assert json.loads(reply, parse_constant=refuse)["ok"]["sent_at"] is None


@given(plain_texts)
def test_an_error_may_quote_anything(message: str):
    """Also what a client typed."""
    error: GatewayError = InvalidField(message)
    assert json.loads(encode_error(1, error))["error"]["message"] == message
