"""Open inboxes: what people's rooms and invitations look like, told as it changes.

By state, not by events. What is published of a room, or for a person, only says
whose inbox is to be read again; at most once a second it is read, for all of them
in one question, and each connection is told what differs from what it was told
before. So nothing can drift or get lost, a storm of messages costs a question a
second, and a peer that does not read has nothing buffered for it. What Redis
loses is found by reading every inbox again, once a minute, and every few seconds
while this instance does not hear the others.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

import structlog

from gateway.activities.rooms import inbox_reading
from gateway.activities.rooms.inbox import InboxChanged, InboxOpen
from gateway.activities.rooms.inbox_reading import Memberships, Place
from gateway.activities.rooms.views import PersonalInvitation
from gateway.backplane import keys
from gateway.backplane.publisher import Publisher
from gateway.backplane.subscriber import Subscriber
from gateway.core.errors import DatabaseUnavailable
from gateway.core.identity import Identity
from gateway.core.ids import RoomId, Seq, UserId
from gateway.core.protocol.encode import encode_notice
from gateway.core.publication import Kind
from gateway.runtime.connection import Connection
from gateway.runtime.gathering import Gathering
from gateway.runtime.supervision import Supervisor
from gateway.storage.database import Database
from gateway.storage.generated.inbox import ReadMembershipsRow

log = structlog.get_logger()

GATHER_SECONDS: Final = 0.05
"""How long a change waits for others. The echo of a publication of our own is among them."""

PAUSE_SECONDS: Final = 1.0
"""Time from one reading to the next."""

MAX_SHARE: Final = 0.1
"""Part of the time that may be spent on reading: longer readings make longer pauses."""

MAX_PAUSE_SECONDS: Final = 10.0
"""But none is longer."""

FULL_SECONDS: Final = 60.0
"""How often an inbox is read from which nothing was heard."""

DEAF_FULL_SECONDS: Final = 3.0
"""How often while the backplane is not heard: this is then the way that changes take."""

MAX_PEOPLE: Final = 500
"""Whole inboxes read at once; the others wait for the next reading."""

MAX_PLACES: Final = 5_000
"""Single rooms of people read at once, likewise."""

Invitations = dict[UserId, tuple[PersonalInvitation, ...]]

_State = tuple[list[ReadMembershipsRow], tuple[PersonalInvitation, ...]]
_T = TypeVar("_T")

_EVENTS: Final = bytes([Kind.EVENTS])
_ID_BYTES: Final = 16


@dataclass(slots=True)
class _Inbox:
    """What a connection was told: of each room no more than a number to compare."""

    told: dict[RoomId, int]
    invitations: tuple[PersonalInvitation, ...]
    is_behind: bool = False
    """Whether a change was not told, as the peer did not read."""


@dataclass(slots=True)
class _Person:
    """Somebody with an inbox open here, and the rooms that are listened to for that."""

    inboxes: dict[Connection, _Inbox] = field(default_factory=dict)
    rooms: set[RoomId] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _RoomEar:
    """Hears that something happened in a room."""

    inboxes: "Inboxes"
    room_id: RoomId

    def on_message(self, message: bytes) -> None:
        if message[:1] == _EVENTS:
            self.inboxes.room_changed(self.room_id)

    def on_gap(self) -> None:
        self.inboxes.room_changed(self.room_id)


@dataclass(frozen=True, slots=True)
class _UserEar:
    """Hears that somebody's inbox is to be read again."""

    inboxes: "Inboxes"
    user_id: UserId

    def on_message(self, message: bytes) -> None:
        room_id = RoomId(UUID(bytes=message)) if len(message) == _ID_BYTES else None
        self.inboxes.mark(room_id, [self.user_id])

    def on_gap(self) -> None:
        self.inboxes.mark(None, [self.user_id])


class Inboxes:
    """The inboxes that are open on this instance."""

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        subscriber: Subscriber,
        supervisor: Supervisor,
        hears: Callable[[], bool],
    ) -> None:
        """``hears`` tells whether this instance hears the backplane."""
        self._database = database
        self._publisher = publisher
        self._subscriber = subscriber
        self._hears = hears
        self._openings = Gathering("open inboxes", self._read_states, supervisor, MAX_PEOPLE)
        self._owners: dict[Connection, UserId] = {}
        self._people: dict[UserId, _Person] = {}
        self._followers: dict[RoomId, set[UserId]] = {}
        # To be read again. Dictionaries, as they are worked off in order.
        self._rooms: dict[RoomId, None] = {}
        self._places: dict[Place, None] = {}
        self._whole: dict[UserId, None] = {}
        self._read_at: dict[UserId, float] = {}
        """When each whole inbox was read, the longest ago first."""
        self._wake = asyncio.Event()
        self.reads = 0
        """How often inboxes were read again."""
        self.notices = 0
        """Changes that were told."""

    @property
    def opened(self) -> int:
        """How many connections have their inbox open."""
        return len(self._owners)

    # Opening and closing

    async def open(self, connection: Connection, identity: Identity, command: InboxOpen) -> None:
        """Reply with the whole inbox and tell its changes from now on.

        Raises ``DatabaseUnavailable`` or ``Overloaded``.
        """
        user_id = identity.user_id
        rows, invitations = await self._openings.ask(user_id)
        if not connection.is_open:
            return
        # No await from here on: the reply and the changes are one sequence.
        self._owners[connection] = user_id
        person = self._people.get(user_id)
        if person is None:
            person = self._people[user_id] = _Person()
            self._listen(keys.user_channel(user_id), _UserEar(self, user_id))
        told = {RoomId(row.id): _digest(row) for row in rows}
        person.inboxes[connection] = _Inbox(told, invitations)
        for room_id in told:
            self._follow(user_id, person, room_id)
        connection.reply(command, inbox_reading.state(rows, invitations))
        # What happened between the reading and now was not heard.
        self.mark(None, [user_id])

    def close(self, connection: Connection) -> None:
        """Tell a connection no more; one without an open inbox is none."""
        user_id = self._owners.pop(connection, None)
        if user_id is None:
            return
        person = self._people[user_id]
        del person.inboxes[connection]
        if not person.inboxes:
            for room_id in list(person.rooms):
                self._unfollow(user_id, person, room_id)
            del self._people[user_id]
            self._read_at.pop(user_id, None)
            self._subscriber.unsubscribe(keys.user_channel(user_id), _UserEar(self, user_id))

    def resumed(self, connection: Connection) -> None:
        """Tell a connection what it missed while it did not read."""
        user_id = self._owners.get(connection)
        if user_id is not None and self._people[user_id].inboxes[connection].is_behind:
            self.mark(None, [user_id])

    # What is to be read again

    def look_again(self, room_id: RoomId | None, user_ids: Iterable[UserId]) -> None:
        """Have people's inboxes read again on all instances: at a room, or all of them."""
        message = room_id.bytes if room_id is not None else b""
        for user_id in user_ids:
            self._publisher.publish(keys.user_channel(user_id), message)
            self.mark(room_id, [user_id])

    def look_at_all(self) -> None:
        """Read everything again: something may have been missed."""
        self.mark(None, list(self._people))

    def room_changed(self, room_id: RoomId) -> None:
        """Note that something happened in a room."""
        if room_id in self._followers:
            self._rooms[room_id] = None
            self._wake.set()

    def mark(self, room_id: RoomId | None, user_ids: Iterable[UserId]) -> None:
        """Note whose inboxes are to be read again here: at a room, or all of them."""
        for user_id in user_ids:
            if user_id not in self._people:
                continue
            if room_id is None:
                self._whole[user_id] = None
            else:
                self._places[user_id, room_id] = None
            self._wake.set()

    def _take(self) -> tuple[list[UserId], list[Place]]:
        """Return whose inboxes to read now, whole or at a room; the rest waits."""
        oldest = time.monotonic() - (FULL_SECONDS if self._hears() else DEAF_FULL_SECONDS)
        overdue = itertools.takewhile(lambda entry: entry[1] < oldest, self._read_at.items())
        self._whole |= dict.fromkeys(
            user_id for user_id, _ in itertools.islice(overdue, MAX_PEOPLE)
        )
        rooms, self._rooms = self._rooms, {}
        for room_id in rooms:
            followers = self._followers.get(room_id, ())
            self._places |= dict.fromkeys((user_id, room_id) for user_id in followers)
        people = _take_first(self._whole, MAX_PEOPLE)
        asked = set(people)
        places = _take_first(self._places, MAX_PLACES)
        if self._whole or self._places:
            self._wake.set()
        return (
            [user_id for user_id in people if user_id in self._people],
            [place for place in places if place[0] in self._people and place[0] not in asked],
        )

    # Reading and telling

    async def run(self) -> None:
        """Read again what has changed, and tell it: until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_SECONDS):
                    await self._wake.wait()
                    await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
            people, places = self._take()
            if people or places:
                started_at = time.monotonic()
                has_read = await self._read(people, places)
                took_seconds = time.monotonic() - started_at if has_read else 0.0
                pause_seconds = min(took_seconds / MAX_SHARE, MAX_PAUSE_SECONDS)
                await asyncio.sleep(max(PAUSE_SECONDS, pause_seconds))

    async def _read(self, people: Sequence[UserId], places: Sequence[Place]) -> bool:
        """Read and tell. Return whether it could be read; if not, it is to be read again."""
        try:
            async with self._database.connection() as conn:
                rows = await inbox_reading.read_memberships(conn, people, places)
                # Who came into a room, or was put out of it, has other invitations, too.
                movers = {place[0] for place in places if self._has_moved(place, rows)}
                invitations = await inbox_reading.read_invitations(conn, [*people, *movers])
        except DatabaseUnavailable as error:
            log.warning("inboxes.no_database", error=error.message)
            self._whole |= dict.fromkeys(people)
            self._places |= dict.fromkeys(places)
            self._wake.set()
            return False
        self.reads += 1
        now = time.monotonic()
        for user_id in people:
            self._read_at.pop(user_id, None)
            if user_id in self._people:
                self._read_at[user_id] = now
        self._tell(people, places, rows, invitations)
        return True

    def _has_moved(self, place: Place, rows: Memberships) -> bool:
        user_id, room_id = place
        person = self._people.get(user_id)
        return person is not None and (place not in rows or room_id not in person.rooms)

    def _tell(
        self,
        people: Sequence[UserId],
        places: Sequence[Place],
        rows: Memberships,
        invitations: Invitations,
    ) -> None:
        """Tell each connection what differs from what it was told."""
        found: dict[UserId, dict[RoomId, ReadMembershipsRow]] = {}
        for (user_id, room_id), row in rows.items():
            found.setdefault(user_id, {})[room_id] = row
        looked_at: dict[UserId, set[RoomId]] = {}
        for user_id, room_id in places:
            looked_at.setdefault(user_id, set()).add(room_id)
        for user_id in {*people, *looked_at}:
            person = self._people.get(user_id)
            if person is None:
                continue  # closed meanwhile
            now = found.get(user_id, {})
            scope = looked_at.get(user_id)  # None: everything
            self._listen_to_rooms(user_id, person, now, scope)
            for connection, inbox in person.inboxes.items():
                if connection.is_paused:
                    inbox.is_behind = True
                else:
                    self._tell_one(connection, inbox, now, scope, invitations.get(user_id))

    def _listen_to_rooms(
        self,
        user_id: UserId,
        person: _Person,
        now: dict[RoomId, ReadMembershipsRow],
        scope: set[RoomId] | None,
    ) -> None:
        for room_id in now.keys() - person.rooms:
            self._follow(user_id, person, room_id)
        for room_id in (person.rooms if scope is None else person.rooms & scope) - now.keys():
            self._unfollow(user_id, person, room_id)

    def _tell_one(
        self,
        connection: Connection,
        inbox: _Inbox,
        now: dict[RoomId, ReadMembershipsRow],
        scope: set[RoomId] | None,
        invitations: tuple[PersonalInvitation, ...] | None,
    ) -> None:
        if scope is None:
            inbox.is_behind = False
        changed = {
            room_id: row for room_id, row in now.items() if inbox.told.get(room_id) != _digest(row)
        }
        known = inbox.told.keys() if scope is None else inbox.told.keys() & scope
        gone = known - now.keys()
        if invitations == inbox.invitations:
            invitations = None
        if not changed and not gone and invitations is None:
            return
        inbox.told |= {room_id: _digest(row) for room_id, row in changed.items()}
        for room_id in gone:
            del inbox.told[room_id]
        if invitations is not None:
            inbox.invitations = invitations
        self.notices += 1
        notice = InboxChanged(
            rooms=inbox_reading.views(changed.values()),
            gone=tuple(gone),
            invitations=invitations,
        )
        connection.send(encode_notice(notice))

    async def _read_states(self, people: Sequence[UserId]) -> Sequence[_State]:
        """Read the inboxes of those who open them at this moment."""
        wanted = list(set(people))
        async with self._database.connection() as conn:
            rows = await inbox_reading.read_memberships(conn, wanted)
            invitations = await inbox_reading.read_invitations(conn, wanted)
        found: dict[UserId, list[ReadMembershipsRow]] = {user_id: [] for user_id in wanted}
        for (user_id, _), row in rows.items():
            found[user_id].append(row)
        return [(found[user_id], invitations[user_id]) for user_id in people]

    # Listening

    def _listen(self, channel: bytes, ear: _RoomEar | _UserEar) -> None:
        confirmed = self._subscriber.subscribe(channel, ear)
        # What was published before Redis had heard of it was missed.
        confirmed.add_done_callback(lambda _: ear.on_gap())

    def _follow(self, user_id: UserId, person: _Person, room_id: RoomId) -> None:
        person.rooms.add(room_id)
        followers = self._followers.get(room_id)
        if followers is None:
            self._followers[room_id] = {user_id}
            self._listen(keys.room_channel(room_id), _RoomEar(self, room_id))
        else:
            followers.add(user_id)

    def _unfollow(self, user_id: UserId, person: _Person, room_id: RoomId) -> None:
        person.rooms.discard(room_id)
        followers = self._followers[room_id]
        followers.discard(user_id)
        if not followers:
            del self._followers[room_id]
            self._subscriber.unsubscribe(keys.room_channel(room_id), _RoomEar(self, room_id))


def _digest(row: ReadMembershipsRow) -> int:
    """Return a number that is another one when a person sees something else of a room."""
    return hash(row._replace(last_seq=Seq(0)))


def _take_first(waiting: dict[_T, None], most: int) -> list[_T]:
    """Take the first out of a dictionary that is worked off in order."""
    taken = list(itertools.islice(waiting, most))
    for entry in taken:
        del waiting[entry]
    return taken
