"""The inbox: all rooms of a person at a glance, and who invites them. Commands and notices."""

from typing import ClassVar, Literal
from uuid import UUID

from gateway.activities.rooms.messages import NoData
from gateway.activities.rooms.views import MyRoom, PersonalInvitation
from gateway.core.protocol.base import Command, NoticeData, WireModel


class InboxOpen(Command):
    """Be told of all your rooms and invitations on this connection: now, and when they change.

    No room needs to be open for that. Opening it again starts over.
    """

    is_activity: ClassVar[bool] = False

    type: Literal["inbox.open"]
    data: NoData = NoData()


class InboxClose(Command):
    """Be told no more; one that is not open stays so."""

    is_activity: ClassVar[bool] = False

    type: Literal["inbox.close"]
    data: NoData = NoData()


class InboxState(WireModel):
    """Your rooms in the order of their names, and the invitations that you may accept."""

    rooms: tuple[MyRoom, ...]
    invitations: tuple[PersonalInvitation, ...]


class InboxChanged(NoticeData):
    """What your inbox shows that it did not: told about once a second, however much happens.

    `rooms` are new or replace those with the same `id`, `gone` are those that you are not a
    member of any more; a higher `last_seq` alone is not told. `invitations` replaces the whole
    list; null: as before.
    """

    type: ClassVar[str] = "inbox.changed"

    rooms: tuple[MyRoom, ...]
    gone: tuple[UUID, ...]
    invitations: tuple[PersonalInvitation, ...] | None


INBOX_COMMANDS: tuple[type[Command], ...] = (InboxOpen, InboxClose)
