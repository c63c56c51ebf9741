"""What can go wrong for a program that uses the client.

::

    ClientError
    ├── GatewayUnreachable   nothing answers at the address
    ├── CommandError         the gateway refused: code, message, retryable
    │   ├── Forbidden            you may not
    │   │   ├── NotAMember       of this room
    │   │   ├── Muted            in this room, for the time being
    │   │   └── Banned           from this room
    │   ├── NotFound
    │   │   ├── UnknownRoom
    │   │   ├── UnknownMessage   of this room
    │   │   └── UnknownMember    of this room
    │   └── Conflict             not in this state
    │       ├── InvalidState
    │       └── LastAdmin        a room has at least one
    ├── NoAnswer             no answer in time; a durable command may have had its effect
    ├── MembershipEnded      somebody put you out of the room: kicked, or banned
    └── ConnectionEnded      the gateway does not want this connection back as it is

Codes without a class of their own come as ``CommandError``.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

PutOut = Literal["kicked", "banned"]
"""How somebody else ends a membership."""

_ENDINGS: Final[Mapping[PutOut | None, str]] = {
    "kicked": "You were put out of this room.",
    "banned": "You were banned from this room.",
    None: "You are not a member of this room any more.",
}


class ClientError(Exception):
    """Any failure of the client; the text is one sentence for people."""


class GatewayUnreachable(ClientError):
    """Nothing that speaks HTTP answers at the address."""


class CommandError(ClientError):
    """The gateway refused a command or a request.

    ``code`` is one of ``docs/errors.md``, and ``retryable`` tells whether the
    same command may succeed later.
    """

    known_code: ClassVar[str | None] = None
    """The code that is raised as this class."""

    def __init__(self, code: str, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable


class Forbidden(CommandError):
    """You may not do that."""

    known_code = "forbidden"


class NotAMember(Forbidden):
    """You are not a member of the room, or it is not open."""

    known_code = "not_a_member"


class Muted(Forbidden):
    """You may say nothing in this room for the time being; ``state.room.muted_until`` tells."""

    known_code = "muted"


class Banned(Forbidden):
    """You were put out of this room and may not come back."""

    known_code = "banned"


class NotFound(CommandError):
    """What is named does not exist, or not for you."""

    known_code = "not_found"


class UnknownRoom(NotFound):
    """There is no such room, or it is private."""

    known_code = "unknown_room"


class UnknownMessage(NotFound):
    """There is no such message in this room."""

    known_code = "unknown_message"


class UnknownMember(NotFound):
    """Nobody in this room has this id."""

    known_code = "unknown_member"


class Conflict(CommandError):
    """The command was right and the state was not."""

    known_code = "conflict"


class InvalidState(Conflict):
    """It is not possible now: the room is archived, the message deleted, no story open."""

    known_code = "invalid_state"


class LastAdmin(Conflict):
    """You are the room's only admin: make somebody else admin first."""

    known_code = "last_admin"


class NoAnswer(ClientError):
    """No answer came in time.

    Whether a durable command had its effect is not known. Giving it again with
    the same ``key`` is safe: it has one effect at most.
    """


class MembershipEnded(ClientError):
    """You are not a member of the room any more, and not by your own doing.

    ``reason`` is ``None`` where the gateway closed the room before the event
    that says why.
    """

    def __init__(self, reason: PutOut | None) -> None:
        super().__init__(_ENDINGS[reason])
        self.reason = reason


class ConnectionEnded(ClientError):
    """The gateway closed the connection for good; ``close_code`` tells why.

    It is ``None`` where the opening handshake was refused already.
    """

    def __init__(self, close_code: int | None, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code


_CLASSES: Final[Mapping[str, type[CommandError]]] = {
    error.known_code: error
    for error in (
        *(Forbidden, NotAMember, Muted, Banned),
        *(NotFound, UnknownRoom, UnknownMessage, UnknownMember),
        *(Conflict, InvalidState, LastAdmin),
    )
    if error.known_code
}


def command_error(code: str, message: str, *, retryable: bool) -> CommandError:
    """Return the error of this code, of the class that is made for it."""
    return _CLASSES.get(code, CommandError)(code, message, retryable=retryable)
