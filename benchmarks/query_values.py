"""What the cases ask about: rooms, people and messages of the large seed."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

from gateway.activities.chat.rules import SMALL_ROOM
from gateway.core.ids import RoomId, UserId
from gateway.storage.connection import Connection
from gateway.storage.large_seed.cast import ARCHIVE, BUSIEST, HALL, room_id, user_id

_ROOMS: Final = """
    select
        id, name, last_seq, message_count,
        (select count(*) from room_users where room_id = rooms.id) as members
    from rooms where not is_archived and message_count > 0 order by id
"""
_MEMBERS: Final = """
    select room_id, user_id, last_read_seq, joined_at
    from room_users tablesample bernoulli (5) repeatable (1)
"""
_MESSAGES: Final = """
    select room_id, id, seq, user_id, content, reply_to
    from messages tablesample bernoulli (1) repeatable (1) where deleted_at is null
"""


class SomeRoom(NamedTuple):
    """A room that is not archived."""

    id: RoomId
    name: str
    last_seq: int
    message_count: int
    members: int


class SomeMember(NamedTuple):
    """Somebody in a room."""

    room_id: RoomId
    user_id: UserId
    last_read_seq: int
    joined_at: datetime


class SomeMessage(NamedTuple):
    """A message that has not been deleted."""

    room_id: RoomId
    id: UUID
    seq: int
    user_id: UserId
    content: str
    reply_to: UUID | None


@dataclass
class World:
    """Draws what the next run asks about, always in the same order."""

    rooms: list[SomeRoom]
    members: list[SomeMember]
    messages: list[SomeMessage]
    hall: SomeRoom
    archive: SomeRoom
    busiest: UserId
    rng: Random = field(default_factory=lambda: Random("world"))  # noqa: S311 - no secret

    def __post_init__(self) -> None:
        small = {room.id for room in self.rooms if room.members <= SMALL_ROOM}
        self._in_small_rooms = [message for message in self.messages if message.room_id in small]
        self._weights = list(accumulate(room.message_count for room in self.rooms))

    def room(self) -> SomeRoom:
        """Return a room, the more often the more is said there."""
        return self.rng.choices(self.rooms, cum_weights=self._weights)[0]

    def member(self) -> SomeMember:
        """Return somebody in a room."""
        return self.rng.choice(self.members)

    def member_of(self, room: SomeRoom) -> SomeMember:
        """Return somebody in that room."""
        return self.rng.choice([member for member in self.members if member.room_id == room.id])

    def reply(self) -> SomeMessage:
        """Return a reply."""
        return self.rng.choice([message for message in self.messages if message.reply_to])

    def message(self) -> SomeMessage:
        """Return a message of any room."""
        return self.rng.choice(self.messages)

    def message_of_small_room(self) -> SomeMessage:
        """Return a message of a room in which markers are told."""
        return self.rng.choice(self._in_small_rooms)

    def seq(self, room: SomeRoom) -> int:
        """Return a place in a room's log."""
        return self.rng.randint(1, room.last_seq)

    def new_id(self) -> UUID:
        """Return an id that nothing has."""
        return UUID(int=self.rng.getrandbits(128), version=4)


async def read_world(conn: Connection) -> World:
    """Read what there is; ``SystemExit`` says what to do where the large seed is not."""
    rooms = {row["id"]: SomeRoom(**row) for row in await conn.fetch(_ROOMS)}
    if room_id(HALL) not in rooms:
        raise SystemExit("The large seed is not there: run `gateway seed --size large` first.")
    return World(
        rooms=list(rooms.values()),
        members=[SomeMember(**row) for row in await conn.fetch(_MEMBERS)],
        messages=[SomeMessage(**row) for row in await conn.fetch(_MESSAGES)],
        hall=rooms[room_id(HALL)],
        archive=rooms[room_id(ARCHIVE)],
        busiest=user_id(BUSIEST),
    )
