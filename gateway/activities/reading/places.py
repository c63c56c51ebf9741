"""Page tokens: where a page ends, as text that clients pass on and do not look inside (pure).

A token names what it is a page of, its ``scope``: a room, or a thread by its
root. Elsewhere it is an error and not a page of something else.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from gateway.core.errors import InvalidField
from gateway.core.ids import Seq, UserId

_MESSAGE: Final = struct.Struct(">16sQ")  # scope, seq
_PERSON: Final = struct.Struct(">16sQ16s")  # scope, microseconds of Unix time, id
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MAX_SEQ: Final = 2**53


class MessagePlace(NamedTuple):
    """A place in the order of messages: at one, or where one was."""

    scope: UUID
    seq: Seq

    def encode(self) -> str:
        """Return the token."""
        return _text(_MESSAGE.pack(self.scope.bytes, self.seq))

    @classmethod
    def decode(cls, token: str, scope: UUID, field: str) -> "MessagePlace":
        """Return the place of a token of this ``scope``; ``InvalidField`` with ``field``'s name."""
        wire = _bytes(token)
        if len(wire) == _MESSAGE.size:
            found, seq = _MESSAGE.unpack(wire)
            if found == scope.bytes and seq <= _MAX_SEQ:
                return cls(scope, Seq(seq))
        raise _wrong(field)


class PersonPlace(NamedTuple):
    """A place in a list of people in the order of a time."""

    scope: UUID
    at: datetime
    user_id: UserId

    def encode(self) -> str:
        """Return the token."""
        microseconds = (self.at - _UNIX_EPOCH) // _MICROSECOND
        return _text(_PERSON.pack(self.scope.bytes, microseconds, self.user_id.bytes))

    @classmethod
    def decode(cls, token: str, scope: UUID, field: str) -> "PersonPlace":
        """Return the place of a token of this ``scope``; ``InvalidField`` with ``field``'s name."""
        wire = _bytes(token)
        if len(wire) == _PERSON.size:
            found, microseconds, user_id = _PERSON.unpack(wire)
            try:
                at = _UNIX_EPOCH + timedelta(microseconds=microseconds)
            except OverflowError:  # beyond the year 9999
                raise _wrong(field) from None
            if found == scope.bytes:
                return cls(scope, at, UserId(UUID(bytes=user_id)))
        raise _wrong(field)


def _text(wire: bytes) -> str:
    return urlsafe_b64encode(wire).rstrip(b"=").decode()


def _bytes(token: str) -> bytes:
    try:
        return urlsafe_b64decode(token + "==")  # spare padding does no harm, missing padding would
    except ValueError:
        return b""


def _wrong(field: str) -> InvalidField:
    return InvalidField(f'The field "{field}" is wrong: it comes from another page of this list.')
