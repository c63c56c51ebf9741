"""WebSocket frames as bytes (RFC 6455, section 5.2).

A frame from a server is not masked, so the same bytes are right for every
client: a room's event is framed once, and frames laid end to end are one
write. That is what makes fan-out cheap (``docs/design/fan-out.md``).
"""

import struct

_TEXT_FIN = 0x81
_SHORT = 126
_MEDIUM = 0x10000


def text_frame(payload: bytes) -> bytes:
    """Return ``payload`` (UTF-8) as one final, unmasked text frame."""
    size = len(payload)
    if size < _SHORT:
        return bytes((_TEXT_FIN, size)) + payload
    if size < _MEDIUM:
        return struct.pack("!BBH", _TEXT_FIN, 126, size) + payload
    return struct.pack("!BBQ", _TEXT_FIN, 127, size) + payload


def skip_frames(frames: bytes, count: int) -> bytes:
    """Return what follows the first ``count`` of these unmasked frames, laid end to end."""
    start = 0
    for _ in range(count):
        size = frames[start + 1]
        start += 2
        if size == 126:  # noqa: PLR2004 - the two markers of RFC 6455, section 5.2
            size = int.from_bytes(frames[start : start + 2])
            start += 2
        elif size == 127:  # noqa: PLR2004
            size = int.from_bytes(frames[start : start + 8])
            start += 8
        start += size
    return frames[start:]


PING = b"\x89\x00"
"""An empty ping; the peer's pong says that it lives."""
