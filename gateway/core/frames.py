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


PING = b"\x89\x00"
"""An empty ping; the peer's pong says that it lives."""
