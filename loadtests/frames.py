"""Just enough of RFC 6455 for a load client: its handshake, its frames, and the server's."""

import struct

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA

_FINAL = 0x80
_MASKED = 0x80
_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


class ProtocolError(Exception):
    """The server sent what this client does not take."""


def upgrade_request(host: str, token: str) -> bytes:
    """Return an opening handshake (section 4.1) that signs in with a bearer token."""
    return (
        "GET /ws HTTP/1.1\r\n"
        f"Host: {host}\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {_KEY.decode()}\r\n"
        "Sec-WebSocket-Protocol: parley.v1\r\n"
        f"Authorization: Bearer {token}\r\n"
        "\r\n"
    ).encode()


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a message below 64 KB as a client's frame. The mask is zero: it is a mask, too."""
    size = len(payload)
    if size < 126:
        return bytes((_FINAL | opcode, _MASKED | size, 0, 0, 0, 0)) + payload
    return struct.pack("!BBHI", _FINAL | opcode, _MASKED | 126, size, 0) + payload


def split_frames(octets: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the whole frames in there, as (opcode, payload), and the rest.

    Raises ``ProtocolError`` where a message comes in several frames: the gateway never does that.
    """
    frames: list[tuple[int, bytes]] = []
    start, end = 0, len(octets)
    while end - start >= 2:
        size, header = octets[start + 1], 2
        if size == 126:
            size, header = int.from_bytes(octets[start + 2 : start + 4]), 4
        elif size == 127:
            size, header = int.from_bytes(octets[start + 2 : start + 10]), 10
        first = start + header
        if end < first + size:
            break
        if not octets[start] & _FINAL:
            raise ProtocolError("a message came in several frames")
        frames.append((octets[start] & 0x0F, octets[first : first + size]))
        start = first + size
    return frames, octets[start:]
