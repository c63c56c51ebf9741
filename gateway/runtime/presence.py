"""Who is here, shared between instances and told to members.

Each instance announces its own people and folds what the others announce into
the rosters of its rooms (``core.roster``). What it announces it also writes
into a hash in Redis, for instances that open the room later and for those that
missed something. Whoever's instance dies is gone with its lease
(``liveness.py``), with no message from it.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import NamedTuple

import structlog
from redis.asyncio import Redis
from redis.client import NEVER_DECODE

from gateway.activities.rooms.messages import PresenceChanged
from gateway.backplane import keys
from gateway.backplane.client import answered_within, backplane_errors
from gateway.backplane.publisher import Publisher
from gateway.backplane.settings import RedisSettings
from gateway.core.coalescer import UNTIL_NEXT_TICK, Coalescer
from gateway.core.errors import BackplaneUnavailable
from gateway.core.ids import InstanceId, RoomId, UserId
from gateway.core.protocol.base import PersonHere, Status
from gateway.core.protocol.encode import encode_ephemeral
from gateway.core.publication import Kind, Publication
from gateway.core.roster import Change
from gateway.runtime.end_of_turn import EndOfTurn
from gateway.runtime.room import Room

log = structlog.get_logger()

LINGER_SECONDS = 3.0
"""How long a person whose connection broke stays: a reload does not flicker."""

FORGOTTEN_SECONDS = 24 * 3600
"""A room's presence nobody has touched for so long is left over, and Redis drops it."""

BIG_ROOM_SECONDS = 1.0
"""How often the members of a big room are told: to tell so many takes a while."""

READ_SECONDS = 1.0
"""How long a join waits for Redis to tell who is in the room."""

MISSED_SECONDS = 2.0
"""How often rooms are read again of which something may have been missed."""

MISSED_ROOMS = 100
"""How many of them are read in one round trip,"""

MISSED_READ_SECONDS = 5.0
"""which may take so long."""

GONE_AGAIN_SECONDS = 60.0
"""When Redis comes back, people who went within this time are said to be gone once more."""

MAX_GONE = 10_000
"""How many of them are remembered. A ghost beyond that ends with this instance's lease."""


_Entries = Mapping[bytes, bytes]
"""What a room's hash in Redis holds: a person for each instance and person."""


class _Gone(NamedTuple):
    """Somebody went; whether Redis took note is not known."""

    at: float
    room_id: RoomId
    user_id: UserId


class Presence:
    """The rosters of every room that is open here."""

    def __init__(
        self,
        instance_id: InstanceId,
        redis: Redis,
        settings: RedisSettings,
        publisher: Publisher,
        rooms: Mapping[RoomId, Room],
        end_of_turn: EndOfTurn,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._instance_id = instance_id
        self._redis = redis
        self._settings = settings
        self._publisher = publisher
        self._rooms = rooms
        self._now = now
        self.linger_seconds = LINGER_SECONDS
        """How long a person stays; longer while many are sent away, who come back by and by."""
        self._local: dict[RoomId, dict[UserId, _Local]] = {}
        self._news = Coalescer(self._tell, lambda: end_of_turn.tell(self._tell_first))
        self._unread: set[RoomId] = set()
        self._readings: dict[Room, list[list[Change]]] = {}
        """What is heard of rooms that are being read, for each reading."""
        self._gone_lately: deque[_Gone] = deque(maxlen=MAX_GONE)
        self._unsaid: dict[RoomId, set[UserId]] = {}
        """Whose status may be another than was announced: the next tick does it, by the room."""

    # What local connections do

    def arrive(self, room: Room, person: PersonHere, *, away: bool) -> None:
        """Count one more local connection of a person in a room."""
        people = self._local.setdefault(room.id, {})
        user_id = UserId(person.id)
        local = people.setdefault(user_id, _Local(person))
        local.connections += 1
        local.busy += not away
        local.keep()
        if local.connections == 1:
            local.person = person
            change = Change(instance_id=self._instance_id, here=(local.say(),))
            self._announce(room.id, change)
        else:
            self._look_at_status(room.id, user_id, local)

    def depart(self, room: Room, user_id: UserId, *, away: bool, for_good: bool) -> bool:
        """Count one less; the last one ends the person's presence, at once if ``for_good``.

        Return whether it was the last one here.
        """
        local = self._local.get(room.id, {}).get(user_id)
        if local is None:
            return False
        local.connections -= 1
        local.busy -= not away
        if local.connections > 0:
            self._look_at_status(room.id, user_id, local)
            return False
        if for_good:
            self._gone(room.id, user_id)
        else:
            loop = asyncio.get_running_loop()
            local.linger = loop.call_later(self.linger_seconds, self._gone, room.id, user_id)
        return True

    def set_away(self, rooms: Iterable[Room], user_id: UserId, *, away: bool) -> None:
        """Take in that a person's connection, with these rooms open, is away now, or busy."""
        for room in rooms:
            if (local := self._local.get(room.id, {}).get(user_id)) is not None:
                local.busy += -1 if away else 1
                self._look_at_status(room.id, user_id, local)

    def announce_all(self) -> None:
        """Say anew who is here and who has gone: Redis may have lost it, or not heard it."""
        for room_id, people in self._local.items():
            here = tuple(local.person for local in people.values())
            self._announce(room_id, Change(instance_id=self._instance_id, here=here))
        for gone in self._gone_lately:
            if gone.user_id not in self._local.get(gone.room_id, {}):
                change = Change(instance_id=self._instance_id, gone=(gone.user_id,))
                self._announce(gone.room_id, change)

    def leave_all(self) -> None:
        """Say that everybody here is gone: this instance stops."""
        for room_id, people in list(self._local.items()):
            for user_id in list(people):
                self._gone(room_id, user_id)

    # What is heard

    def heard(self, room: Room, publication: Publication) -> None:
        """Take in what another instance announced."""
        try:
            change = Change.decode(publication.body)
        except ValueError as error:
            log.error("presence.unreadable", room=str(room.id), error=str(error))
            return
        if change.instance_id != self._instance_id:  # our own we have folded already
            self._fold(room, change)

    async def opened(self, room: Room) -> None:
        """Read who is in the room on other instances, if Redis tells in time."""
        try:
            await self._read([room], READ_SECONDS)
        except BackplaneUnavailable as error:
            log.warning("presence.not_read", room=str(room.id), error=error.message)
            self._unread.add(room.id)
        room.roster.take_diff()  # nobody is in yet who could be told

    def missed(self, room_id: RoomId) -> None:
        """Have a room read again soon: announcements may have been lost."""
        self._unread.add(room_id)

    def keep_instances(self, live: frozenset[InstanceId]) -> None:
        """Forget the people of instances that no longer live."""
        for room in self._rooms.values():
            room.roster.keep_instances(live | {self._instance_id})
            self._news.changed(room)

    async def run(self) -> None:
        """Read again what was missed, from time to time: until cancelled."""
        while True:
            try:
                await self.read_missed()
            except BackplaneUnavailable as error:
                log.warning("presence.not_read", rooms=len(self._unread), error=error.message)
            await asyncio.sleep(MISSED_SECONDS)

    async def read_missed(self) -> None:
        """Read the rooms again of which something may have been missed.

        ``BackplaneUnavailable`` leaves what is left for later.
        """
        while some := set(islice(self._unread, MISSED_ROOMS)):
            self._unread -= some  # what is missed from now on is to be read once more
            rooms = [self._rooms[room_id] for room_id in some if room_id in self._rooms]
            try:
                await self._read(rooms, MISSED_READ_SECONDS)
            except BaseException:
                self._unread |= some
                raise

    def tick(self) -> None:
        """Announce what has changed here, and tell members of all that has since the last time."""
        self._say_statuses()
        self._news.tick(self._now())

    # Inside

    def _announce(self, room_id: RoomId, change: Change) -> None:
        """Tell the other instances, the hash in Redis, and our own roster."""
        key = keys.room_presence(room_id)
        for user_id in change.gone:
            self._publisher.send("HDEL", key, f"{self._instance_id}:{user_id}")
        if change.here:
            entries = [
                (f"{self._instance_id}:{person.id}", person.model_dump_json())
                for person in change.here
            ]
            self._publisher.send("HSET", key, *chain.from_iterable(entries))
            self._publisher.send("EXPIRE", key, FORGOTTEN_SECONDS)
        publication = Publication(Kind.PRESENCE, change.encode())
        self._publisher.publish(keys.room_channel(room_id), publication.encode())
        if (room := self._rooms.get(room_id)) is not None:
            self._fold(room, change)

    def _look_at_status(self, room_id: RoomId, user_id: UserId, local: "_Local") -> None:
        if local.status != local.person.status:
            self._unsaid.setdefault(room_id, set()).add(user_id)

    def _say_statuses(self) -> None:
        """Announce whose status is another than was said last."""
        unsaid, self._unsaid = self._unsaid, {}
        for room_id, user_ids in unsaid.items():
            people = self._local.get(room_id, {})
            locals_ = [people[user_id] for user_id in user_ids if user_id in people]
            here = tuple(one.say() for one in locals_ if one.status != one.person.status)
            if here:
                self._announce(room_id, Change(instance_id=self._instance_id, here=here))

    def _fold(self, room: Room, change: Change) -> None:
        room.roster.fold(change)
        self._news.changed(room)
        for heard in self._readings.get(room, ()):
            heard.append(change)

    def _tell_first(self) -> None:
        self._news.tell_first(self._now())

    def _tell(self, room: Room) -> float | None:
        """Tell the members who has come and gone; return how long not to do so again."""
        diff = room.roster.take_diff()
        if diff is None:
            return None
        event = PresenceChanged(
            joined=diff.joined,
            left=diff.left,
            changed=diff.changed,
            count=len(room.roster),
            reset=diff.reset,
        )
        room.tell(encode_ephemeral(room.id, event))
        return BIG_ROOM_SECONDS if room.roster.is_big else UNTIL_NEXT_TICK

    def _gone(self, room_id: RoomId, user_id: UserId) -> None:
        people = self._local.get(room_id, {})
        if local := people.pop(user_id, None):
            local.keep()
        if not people:
            self._local.pop(room_id, None)
        self._note_gone(_Gone(self._now(), room_id, user_id))
        self._announce(room_id, Change(instance_id=self._instance_id, gone=(user_id,)))

    def _note_gone(self, gone: _Gone) -> None:
        self._gone_lately.append(gone)
        while self._publisher.is_up and self._gone_lately[0].at < gone.at - GONE_AGAIN_SECONDS:
            self._gone_lately.popleft()

    async def _read(self, rooms: Collection[Room], within_seconds: float) -> None:
        """Make the rosters what Redis says, and then what was heard meanwhile.

        Raises ``BackplaneUnavailable``.
        """
        with contextlib.ExitStack() as stack:
            heard = {room: stack.enter_context(self._listening(room)) for room in rooms}
            async with answered_within(within_seconds):
                found, live = await self._read_entries([room.id for room in rooms])
            for room, entries in zip(rooms, found, strict=True):
                changes = self._changes(room.id, entries, live)
                room.roster.replace([*changes, *self._own(room.id)])
                for change in heard[room]:
                    room.roster.fold(change)
                if self._rooms.get(room.id) is room:  # else nobody is in it yet, or any more
                    self._news.changed(room)
                await asyncio.sleep(0)  # a big room takes a while

    @contextlib.contextmanager
    def _listening(self, room: Room) -> Iterator[list[Change]]:
        """Collect what is heard of a room; it may be read more than once at a time."""
        heard: list[Change] = []
        readings = self._readings.setdefault(room, [])
        readings.append(heard)
        try:
            yield heard
        finally:
            readings[:] = [other for other in readings if other is not heard]
            if not readings:
                del self._readings[room]

    def _own(self, room_id: RoomId) -> list[Change]:
        """Return what this instance itself says: of its own people it knows best."""
        people = self._local.get(room_id, {}).values()
        return [Change(instance_id=self._instance_id, here=tuple(one.person for one in people))]

    async def _read_entries(
        self, room_ids: Collection[RoomId]
    ) -> tuple[list[_Entries], frozenset[InstanceId]]:
        """Return what Redis says of each room, and which instances live."""
        if not self._publisher.is_up:
            raise BackplaneUnavailable("Redis is away.")
        with backplane_errors(self._settings):
            pipe = self._redis.pipeline(transaction=False)
            for room_id in room_ids:
                # As bytes: one that is no text must not spoil the others.
                pipe.execute_command("HGETALL", keys.room_presence(room_id), **{NEVER_DECODE: True})
            pipe.zrange(keys.INSTANCES, 0, -1)
            *found, live = await pipe.execute()
        return found, frozenset(map(InstanceId, live))

    def _changes(
        self, room_id: RoomId, entries: _Entries, live: Collection[InstanceId]
    ) -> list[Change]:
        """Return what the other living instances say, and drop what dead ones left in Redis."""
        changes = []
        for field, person in entries.items():
            instance_id = InstanceId(field.rpartition(b":")[0].decode(errors="replace"))
            if instance_id not in live:
                self._publisher.send("HDEL", keys.room_presence(room_id), field)
            elif instance_id != self._instance_id:
                try:
                    here = (PersonHere.model_validate_json(person),)
                except ValueError as error:
                    log.error("presence.unreadable", room=str(room_id), error=str(error))
                    continue
                changes.append(Change(instance_id=instance_id, here=here))
        return changes


class _Local:
    """A person whom this instance serves in a room, by so many connections.

    ``busy`` of them are not away. ``person`` is what was said of them last.
    """

    __slots__ = ("busy", "connections", "linger", "person")

    def __init__(self, person: PersonHere) -> None:
        self.person = person
        self.connections = 0
        self.busy = 0
        self.linger: asyncio.TimerHandle | None = None

    @property
    def status(self) -> Status:
        """How they are; without a connection, as they were: they may come back."""
        if not self.connections:
            return self.person.status
        return "online" if self.busy else "away"

    def say(self) -> PersonHere:
        """Return the person as they are now, to be announced."""
        if self.person.status != self.status:
            self.person = self.person.being(self.status)
        return self.person

    def keep(self) -> None:
        """Call off the end of the person's presence."""
        if self.linger is not None:
            self.linger.cancel()
            self.linger = None
