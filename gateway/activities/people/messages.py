"""Commands about people, whatever room they are in."""

from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field

from gateway.core.protocol.base import Command, CommandData, Person, Status, WireModel

MAX_ASKED: Final = 100
"""People who are asked about at once."""


class PersonView(Person):
    """Somebody, and whether they are connected.

    ``last_seen`` is when they last went; of who has never been connected, when
    the account was made.
    """

    is_online: bool
    last_seen: datetime


class PeopleView(WireModel):
    """Those of the people asked about that there are, each once, in no order."""

    people: tuple[PersonView, ...]


class PresenceSetData(CommandData):
    """How you are on this connection."""

    status: Status


class PresenceSet(Command):
    """Say how you are on this connection, instead of leaving it to the gateway.

    Left alone, a connection on which you did nothing for a while (five minutes,
    unless the gateway is set otherwise) is away. ``away`` holds until you do
    something; ``online`` until you say ``away``. To do something is to give a
    command that says or changes something: no question, no ``ping``, ``chat.read``,
    ``inbox.open`` or sign-in, and no ``room.join`` with ``since``.
    In a room you are away when all your connections that have it open are.
    """

    is_activity: ClassVar[bool] = False

    type: Literal["presence.set"]
    data: PresenceSetData


class PersonGetData(CommandData):
    """Who."""

    user_id: UUID


class PersonGet(Command):
    """Ask whether somebody is connected, and when they were last."""

    is_activity: ClassVar[bool] = False

    type: Literal["person.get"]
    data: PersonGetData


class PersonListData(CommandData):
    """Who, a hundred at most."""

    user_ids: Annotated[tuple[UUID, ...], Field(max_length=MAX_ASKED)]


class PersonList(Command):
    """Ask the same of several people at once. Who does not exist is left out."""

    is_activity: ClassVar[bool] = False

    type: Literal["person.list"]
    data: PersonListData


PEOPLE_COMMANDS: tuple[type[Command], ...] = (PresenceSet, PersonGet, PersonList)
