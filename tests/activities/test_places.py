"""Page tokens: what they say comes back, and nothing else is one."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activities.reading.places import MessagePlace, PersonPlace
from gateway.core.errors import InvalidField
from gateway.core.ids import Seq, UserId

seqs = st.integers(min_value=0, max_value=2**53).map(Seq)
times = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(st.uuids(), seqs)
def test_a_message_place_comes_back(scope: UUID, seq: Seq):
    """As text that needs no escaping in an address."""
    token = MessagePlace(scope, seq).encode()
    assert token.replace("-", "").replace("_", "").isalnum()
    assert MessagePlace.decode(token, scope, "before") == (scope, seq)


@given(st.uuids(), times, st.uuids())
def test_a_person_place_comes_back(scope: UUID, at: datetime, user_id: UUID):
    """To the microsecond, which is PostgreSQL's resolution."""
    place = PersonPlace(scope, at, UserId(user_id))
    assert PersonPlace.decode(place.encode(), scope, "after") == place


@given(st.uuids(), st.uuids(), seqs, times)
def test_a_place_is_good_where_it_comes_from(here: UUID, there: UUID, seq: Seq, at: datetime):
    """Neither in another room or thread nor in a list of another kind."""
    of_message, of_person = MessagePlace(here, seq), PersonPlace(here, at, UserId(there))
    if here != there:
        with pytest.raises(InvalidField, match='"before"'):
            MessagePlace.decode(of_message.encode(), there, "before")
        with pytest.raises(InvalidField, match='"after"'):
            PersonPlace.decode(of_person.encode(), there, "after")
    with pytest.raises(InvalidField):
        MessagePlace.decode(of_person.encode(), here, "before")
    with pytest.raises(InvalidField):
        PersonPlace.decode(of_message.encode(), here, "after")


tokens = st.text(max_size=60) | st.binary(max_size=60).map(
    lambda octets: base64.urlsafe_b64encode(octets).decode()
)


@given(st.uuids(), tokens | st.binary(min_size=8, max_size=24))
def test_any_text_is_a_place_or_an_invalid_field(scope: UUID, text: str | bytes):
    """Nothing else is raised, also where it begins like a token of this room."""
    if isinstance(text, bytes):
        text = base64.urlsafe_b64encode(scope.bytes + text).decode()
    for kind in (MessagePlace, PersonPlace):
        try:
            place = kind.decode(text, scope, "after")
        except InvalidField:
            continue
        assert kind.decode(place.encode(), scope, "after") == place
