"""How each server is spoken to: what a member sends to be in a room, and how an event is published.

Every event is the same text of 150 bytes, which begins with the time it was
sent: whatever a server wraps around it, the time is found again in what arrives.
It is published where an application behind several of these servers publishes:
on the Redis that connects them (as python-socketio's write-only manager, Channels'
``group_send`` and Socket.IO's emitter do), or at the broker's own door.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from benchmarks.contenders import JOINED, UPGRADED, WELCOME, Gateway, join
from benchmarks.crowd import client_frame, upgrade_request
from gateway.backplane.keys import room_channel
from gateway.backplane.link import pack
from gateway.core.frames import text_frame
from gateway.core.ids import RoomId
from gateway.core.publication import Kind, Publication


class Visit(NamedTuple):
    """What one member sends: to connect, and then to be in its room, where that is not enough."""

    opening: bytes
    joining: bytes = b""


class Dialect(Protocol):
    """How one server is spoken to. Rooms are numbers."""

    opened: bytes
    """Stands in the answer to the opening."""

    joined: bytes
    """Stands in the answer to what is sent then; empty where nothing is."""

    def visits(self, rooms: Sequence[int]) -> list[Visit]:
        """Return the visit of a member to each of these rooms; a room may be there often."""

    def publication(self, room: int, event: bytes) -> bytes:
        """Return the bytes that publish an event."""


class Parley:
    """Parley: signed in by header; an ephemeral event, as another instance publishes it."""

    opened = WELCOME
    joined = JOINED

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._tokens: list[str] = []
        self._rooms: list[str] = []

    def visits(self, rooms: Sequence[int]) -> list[Visit]:
        """Make people and rooms, where those of before are not enough."""
        self._tokens += self._gateway.new_guests(len(rooms) - len(self._tokens))
        self._rooms += self._gateway.new_rooms(self._tokens[0], max(rooms) + 1 - len(self._rooms))
        return [
            Visit(upgrade_request(token), join(self._rooms[room]))
            for token, room in zip(self._tokens, rooms, strict=False)
        ]

    def publication(self, room: int, event: bytes) -> bytes:
        """Publish on the room's channel."""
        publication = Publication(Kind.EPHEMERAL, text_frame(event))
        return pack(b"PUBLISH", room_channel(self.room_id(room)), publication.encode())

    def room_id(self, room: int) -> RoomId:
        """Return the id of a room that has been visited."""
        return RoomId(UUID(self._rooms[room]))


class SendLoop:
    """``send_loop.c``: whoever connects is in its only room."""

    opened = b""
    joined = b""

    def visits(self, rooms: Sequence[int]) -> list[Visit]:
        """Connect."""
        return [Visit(b"")] * len(rooms)

    def publication(self, _room: int, event: bytes) -> bytes:
        """Write the frame to its stdin."""
        return text_frame(event)


class RoomInPath:
    """The room is the path, and the channel of that name has its events: websockets, FastAPI."""

    opened = UPGRADED
    joined = b""
    channel = b"/ws/%d"

    def visits(self, rooms: Sequence[int]) -> list[Visit]:
        """Shake hands."""
        return [Visit(upgrade_request(path=f"/ws/{room}")) for room in rooms]

    def publication(self, room: int, event: bytes) -> bytes:
        """Publish the bare text."""
        return pack(b"PUBLISH", self.channel % room, event)


class FastAPI(RoomInPath):
    """The FastAPI broadcaster."""

    channel = b"fastapi:%d"


class Channels(RoomInPath):
    """Django Channels, with channels_redis' publish/subscribe layer."""

    channel = b"asgi__group__room_%d"

    def publication(self, room: int, event: bytes) -> bytes:
        """Send to the room's group."""
        message = {"type": "room.event", "text": event.decode()}
        return pack(b"PUBLISH", self.channel % room, msgpack(message))


class PythonSocketIO:
    """Engine.IO 4 and Socket.IO 5, over WebSocket at once; python-socketio's Redis manager."""

    opened = b'0{"sid"'
    joined = b'40{"sid"'

    def visits(self, rooms: Sequence[int]) -> list[Visit]:
        """Open the transport, then the default namespace, naming the room."""
        opening = upgrade_request(path="/socket.io/?EIO=4&transport=websocket")
        return [Visit(opening, client_frame(b'40{"room":"%d"}' % room)) for room in rooms]

    def publication(self, room: int, event: bytes) -> bytes:
        """Emit as a write-only manager does."""
        message = {
            "method": "emit",
            "event": "event",
            "data": [event.decode()],
            "binary": False,
            "namespace": "/",
            "room": str(room),
            "skip_sid": None,
            "callback": None,
            "host_id": "benchmark",
        }
        return pack(b"PUBLISH", b"socketio", json.dumps(message))


class SocketIO(PythonSocketIO):
    """The same protocol, with the Redis adapter of Socket.IO on Node."""

    def publication(self, room: int, event: bytes) -> bytes:
        """Broadcast as an emitter does."""
        packet = {"type": 2, "data": ["event", event.decode()], "nsp": "/"}
        options = {"rooms": [str(room)], "except": [], "flags": {}}
        message = msgpack(["benchmark", packet, options])
        return pack(b"PUBLISH", b"socket.io#/#%d#" % room, message)


class Nats:
    """NATS' own protocol, in WebSocket frames for members and bare for the publisher."""

    opened = b"INFO {"
    joined = b"PONG\r\n"
    hello = b'CONNECT {"verbose":false,"pedantic":false,"lang":"benchmark","version":"1"}\r\n'

    def visits(self, rooms: Sequence[int]) -> list[Visit]:
        """Connect and subscribe to the room's subject."""
        opening = upgrade_request()
        return [
            Visit(opening, client_frame(self.hello + b"SUB room.%d 1\r\nPING\r\n" % room))
            for room in rooms
        ]

    def publication(self, room: int, event: bytes) -> bytes:
        """Publish on the subject."""
        return b"PUB room.%d %d\r\n%b\r\n" % (room, len(event), event)


class Nchan:
    """Nchan: a subscriber's location, and a publisher's."""

    opened = UPGRADED
    joined = b""

    def visits(self, rooms: Sequence[int]) -> list[Visit]:
        """Shake hands."""
        return [Visit(upgrade_request(path=f"/ws/{room}")) for room in rooms]

    def publication(self, room: int, event: bytes) -> bytes:
        """Post it."""
        head = b"POST /publish/%d HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
        return head % (room, len(event)) + event


Packable = str | int | Sequence["Packable"] | Mapping[str, "Packable"]


def msgpack(value: Packable) -> bytes:
    """Return a value as MessagePack, as far as publications need it: what is small, and texts."""
    match value:
        case str():
            octets = value.encode()
            if len(octets) < 32:
                return bytes((0xA0 | len(octets),)) + octets
            return struct.pack("!BB", 0xD9, len(octets)) + octets
        case int():
            return bytes((value,))
        case Mapping():
            items = (msgpack(key) + msgpack(item) for key, item in value.items())
            return bytes((0x80 | len(value),)) + b"".join(items)
        case _:
            return bytes((0x90 | len(value),)) + b"".join(map(msgpack, value))
