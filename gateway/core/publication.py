"""What instances tell each other about a room.

A publication is a header of 17 bytes and a body that the receiver passes on
without looking inside: for durable events the WebSocket frames, end to end,
ready to be written to every member.
"""

import enum
import struct
from typing import NamedTuple, Self

from gateway.core.frames import skip_frames
from gateway.core.ids import Seq

_HEADER = struct.Struct("!BQQ")


class Kind(enum.IntEnum):
    """What a publication's body is."""

    EVENTS = 1
    """Frames of the durable events ``first`` … ``last``, in order."""

    EPHEMERAL = 2
    """Frames without a place in the log; lost is lost."""

    PRESENCE = 3
    """A change of one instance's people in the room (JSON, see ``core.roster``)."""

    TYPING = 4
    """Somebody started or stopped typing (JSON, see ``core.typing_list``)."""


class Publication(NamedTuple):
    """One message on a room's channel. ``first`` and ``last`` are 0 but for ``EVENTS``."""

    kind: Kind
    body: bytes
    first: Seq = Seq(0)
    last: Seq = Seq(0)

    def encode(self) -> bytes:
        """Return the bytes to publish."""
        return _HEADER.pack(self.kind, self.first, self.last) + self.body

    def after(self, seq: Seq) -> Self:
        """Return the part that follows event ``seq``, which is one of these or the one before."""
        if seq < self.first:
            return self
        rest = skip_frames(self.body, seq - self.first + 1)
        return self._replace(body=rest, first=Seq(seq + 1))

    def until(self, seq: Seq) -> Self:
        """Return the part that ends with event ``seq``, which is one of these."""
        body = self.body[: len(self.body) - len(self.after(seq).body)]
        return self._replace(body=body, last=seq)

    @classmethod
    def decode(cls, message: bytes) -> Self:
        """Return the publication in ``message``; ``ValueError`` if another program wrote it."""
        try:
            kind, first, last = _HEADER.unpack_from(message)
        except struct.error as error:
            raise ValueError("a publication is shorter than its header") from error
        return cls(Kind(kind), message[_HEADER.size :], Seq(first), Seq(last))
