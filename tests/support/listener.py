"""A member of a room who notes what it is told, without a socket."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from gateway.core.close_codes import CloseCode
from gateway.core.ids import Position, RoomId, Seq
from gateway.runtime.room import Room
from tests.support.frames import payloads


class Listener:
    """In a room of its own, which is flushed when the listener is asked, if not before."""

    takes_deflate = False
    user_id = None

    def __init__(self, schedule_flush: Callable[[Room], None] = lambda _room: None) -> None:
        self.room = Room(RoomId(uuid4()), Position(1, Seq(0)), schedule_flush, lambda _: None)
        self.writes = 0
        self.room.expect(self)
        self.room.admit(self, Seq(0))
        self._frames = b""

    def write(self, frames: bytes) -> None:
        """Note what the room writes."""
        self._frames += frames
        self.writes += 1

    def put_out(self, room_id: RoomId) -> None:
        """Never happens here."""
        raise AssertionError(room_id)

    def start_over(self, code: CloseCode) -> None:
        """Never happens here."""
        raise AssertionError(code)

    def heard(self) -> list[dict[str, Any]]:
        """Return the data of the events that were told since the last call."""
        self.room.flush()
        frames, self._frames = self._frames, b""
        return [json.loads(payload)["data"] for payload in payloads(frames)]
