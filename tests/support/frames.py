"""What a client reads out of frames."""

from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import State
from websockets.uri import parse_uri


def payloads(frames: bytes) -> list[bytes]:
    """Return the payloads of frames laid end to end."""
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    client.receive_data(frames)
    assert client.parser_exc is None
    return [bytes(frame.data) for frame in client.events_received() if isinstance(frame, Frame)]
