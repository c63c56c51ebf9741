import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from gateway.core.frames import PING, text_frame


def parse(octets: bytes) -> list[Frame]:
    """Read frames as a client does that follows RFC 6455."""
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    client.receive_data(octets)
    assert client.parser_exc is None
    frames = client.events_received()
    assert all(isinstance(frame, Frame) for frame in frames)
    return frames


@given(st.lists(st.text().map(str.encode), min_size=1, max_size=5))
def test_frames_laid_end_to_end_are_read_as_the_messages_they_were_made_of(messages: list[bytes]):
    """Joined writes rest on this."""
    frames = parse(b"".join(map(text_frame, messages)))
    assert [frame.data for frame in frames] == messages
    assert all(frame.opcode is Opcode.TEXT and frame.fin for frame in frames)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 0xFFFF, 0x10000, 0x10001])
def test_each_form_of_the_length_is_used_where_it_is_the_shortest(size: int):
    """RFC 6455, section 5.2: seven bits, sixteen or sixty-four, and the minimal one of them."""
    payload = b"a" * size
    (frame,) = parse(text_frame(payload))
    assert frame.data == payload
    assert text_frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


def test_a_ping_is_an_empty_control_frame():
    """A client answers it without being told to."""
    (frame,) = parse(PING)
    assert (frame.opcode, frame.data, frame.fin) == (Opcode.PING, b"", True)
