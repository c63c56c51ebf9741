from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from gateway.core.frames import DEFLATE_FROM_BYTES, PING, deflate_frames, text_frame
from tests.support.frames import payloads


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


def noise(size: int) -> bytes:
    """Return bytes that cannot be compressed, the same every time."""
    return Random(size).randbytes(size)  # noqa: S311 - no secret


MESSAGES = st.lists(
    st.one_of(
        st.text(max_size=20).map(str.encode),
        st.builds(lambda text, n: text.encode() * n, st.text(min_size=1), st.integers(100, 5_000)),
        st.integers(0, 70_000).map(lambda size: noise(size).hex().encode()),
    ),
    max_size=5,
)


@given(MESSAGES)
def test_compressed_frames_are_read_as_the_same_messages(messages: list[bytes]):
    """Each for itself: a client may miss any of them and still read the next."""
    frames = b"".join(map(text_frame, messages))
    deflated = deflate_frames(frames)
    assert payloads(deflated) == messages
    assert len(deflated) <= len(frames)


def test_only_what_is_worth_it_is_compressed():
    """The others stay the bytes that they are."""
    short = text_frame(b"a" * (DEFLATE_FROM_BYTES - 1))
    noisy = text_frame(noise(1_000))
    long = text_frame(b"a" * DEFLATE_FROM_BYTES)
    assert deflate_frames(short + noisy) == short + noisy
    deflated = deflate_frames(short + long + noisy)
    assert deflated.startswith(short)
    assert deflated.endswith(noisy)
    assert len(deflated) < len(short + noisy) + 20
