"""The shapes every message has, whatever the activity.

========  =====================================================================
command   ``{"id": 7, "type": "chat.send", "room": "…", "key": "…", "data": {…}}``
reply     ``{"re": 7, "ok": {…}}`` or ``{"re": 7, "error": {"code", "message", "retryable"}}``
event     ``{"type": "chat.message", "room": "…", "seq": 42, "at": "…", "by": "…", "data": {…}}``
notice    ``{"type": "welcome", "data": {…}}``
========  =====================================================================

Commands are validated strictly: an unknown field is an error, so a typing
mistake is told and not ignored. Events may grow fields; clients ignore what
they do not know.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.core.ids import RoomId

MAX_INTEGER = 2**53 - 1
"""The largest integer JavaScript holds exactly (ECMA-262, Number.MAX_SAFE_INTEGER).

No number that a client sends is larger: PostgreSQL could not hold any number.
"""

# PostgreSQL's text cannot hold NUL.
Key = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
"""Names a durable command, per person and room: the same key again has no second effect."""


class WireModel(BaseModel):
    """Anything that is part of a message."""

    model_config = ConfigDict(frozen=True)


class CommandData(WireModel):
    """The ``data`` of a command."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Command(CommandData):
    """What a client asks for. ``id`` is chosen by the client and comes back in the reply."""

    is_activity: ClassVar[bool] = True
    """Whether it shows that somebody is there, and not a client that does so by itself or asks."""

    id: Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER)]
    type: str

    @property
    def shows_activity(self) -> bool:
        """Whether this one does."""
        return self.is_activity


class RoomCommand(Command):
    """A command about one room."""

    room: UUID

    @property
    def room_id(self) -> RoomId:
        """The room, as the type that the rest of the gateway uses."""
        return RoomId(self.room)


class DurableCommand(RoomCommand):
    """A command whose effect is an event of the room's log.

    The reply leaves after the commit. Sent again with the same ``key``, a command
    that made an event has no second effect and gets the first reply again; a key
    that was used for another command is refused.
    """

    makes: ClassVar[str]
    """The type of the first event that it makes."""

    key: Key | None = None


class EventData(WireModel):
    """The ``data`` of an event; the class names the event's ``type``."""

    type: ClassVar[str]


class NoticeData(WireModel):
    """The ``data`` of a notice: something the server says that belongs to no room."""

    type: ClassVar[str]


class Person(WireModel):
    """Somebody, as others see them."""

    id: UUID
    name: str
    avatar_url: str | None = None


Status = Literal["online", "away"]
"""How somebody is here. Who is offline is not here."""


class PersonHere(Person):
    """Somebody who is in a room. Away is whose every connection has been idle for a while."""

    status: Status = "online"

    def being(self, status: Status) -> "PersonHere":
        """Return the same person with this status.

        It shares the set of its fields with all the others, which halves it: of
        ten thousand idle connections everybody is away.
        """
        return PersonHere.model_construct(
            _FIELDS_OF_PERSON_HERE,
            id=self.id,
            name=self.name,
            avatar_url=self.avatar_url,
            status=status,
        )


_FIELDS_OF_PERSON_HERE: Final = set(PersonHere.model_fields)


class Committed(WireModel):
    """The reply to a durable command: where in the log its effect stands.

    ``seq`` and ``at`` are null where the command changed nothing (you were a
    member already) and so made no event.
    """

    seq: int | None
    at: datetime | None
