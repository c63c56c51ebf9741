"""What is shown of rooms to who is not in them at the moment."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from gateway.activities.rooms.messages import Role, RoomInfo
from gateway.core.errors import InvalidField
from gateway.core.protocol.base import Person, WireModel
from gateway.core.text import is_plain


class RoomView(WireModel):
    """A room, as one person stands to it: `role` is null for who is not a member."""

    id: UUID
    name: str
    description: str | None
    is_private: bool
    role: Role | None


class MyRoom(RoomInfo):
    """A room you are a member of, with how many messages you have not read, and mention you.

    Deleted messages do not count. `read_up_to` is your read marker, a `seq` of the room's log,
    which ends at `last_seq`. An archived room can be read, not written.
    """

    is_archived: bool
    unread: int
    mentions: int
    read_up_to: int
    last_seq: int


class MyRooms(WireModel):
    """Your rooms, in the order of their names."""

    rooms: tuple[MyRoom, ...]


class PersonalInvitation(WireModel):
    """Somebody invites you into a room, until then; `by` is null once their account is deleted."""

    id: UUID
    room: RoomView
    by: Person | None
    expires_at: datetime


class MyInvitations(WireModel):
    """Who invites you, the newest hundred first."""

    invitations: tuple[PersonalInvitation, ...]


class InvitedPerson(WireModel):
    """Somebody who is invited and has not come in; `by` is null once that account is deleted."""

    id: UUID
    user: Person
    by: Person | None
    created_at: datetime
    expires_at: datetime


class InvitationLink(WireModel):
    """A link that is still good, without its token; so many people have come in by it."""

    id: UUID
    by: Person
    created_at: datetime
    expires_at: datetime
    max_uses: int | None
    uses: int


class OpenInvitations(WireModel):
    """The ways into a room that are open: the newest hundred of each kind."""

    people: tuple[InvitedPerson, ...]
    links: tuple[InvitationLink, ...]


class PublicRoom(WireModel):
    """A room that everybody may find and join."""

    id: UUID
    name: str
    description: str | None


class DirectoryPage(WireModel):
    """Public rooms in the order of their names. `next` is the `after` of the page that follows."""

    rooms: tuple[PublicRoom, ...]
    next: str | None


class Invitation(WireModel):
    """A way into a room. `token` is shown this once; whoever has it may come in. `id` withdraws."""

    id: UUID
    token: str
    expires_at: datetime
    max_uses: int | None


class DirectoryPlace(NamedTuple):
    """The last room of a directory page: where the next page goes on."""

    name: str
    room_id: UUID

    def encode(self) -> str:
        """Return the place as text for a URL; clients pass it on and do not look inside."""
        return urlsafe_b64encode(self.room_id.bytes + self.name.encode()).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> "DirectoryPlace":
        """Return the place in ``text``, or raise ``InvalidField``."""
        try:
            # Spare padding does no harm, missing padding is an error.
            place = urlsafe_b64decode(text + "==")
            name = place[16:].decode()
            room_id = UUID(bytes=place[:16])
        except ValueError:  # base64, UTF-8 and UUID all say so
            name, room_id = "\0", UUID(int=0)
        if not is_plain(name):
            raise InvalidField('The field "after" is wrong: it is the "next" of a page before.')
        return cls(name, room_id)


BEGINNING: Final = DirectoryPlace("", UUID(int=0))
"""Before the first room."""
