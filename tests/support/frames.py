"""What a client reads out of frames."""

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.protocol import State
from websockets.uri import parse_uri

from gateway.core.frames import DEFLATE_WINDOW_BITS


def payloads(frames: bytes) -> list[bytes]:
    """Return the payloads of frames laid end to end, of which some may be compressed."""
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    client.extensions = [PerMessageDeflate(True, True, DEFLATE_WINDOW_BITS, DEFLATE_WINDOW_BITS)]
    client.receive_data(frames)
    assert client.parser_exc is None
    return [bytes(frame.data) for frame in client.events_received() if isinstance(frame, Frame)]
