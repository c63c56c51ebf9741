"""Who is here and who is typing, shared between instances and told to members in ticks.

Each instance announces its own people and folds what the others announce into
the rosters of its rooms (``core.roster``). Its lease says that it lives; when
it stops renewing, its people are gone everywhere, with no message from it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from uuid import UUID

import structlog
from redis.asyncio import Redis

from gateway.activities.rooms.messages import PresenceChanged, TypingChanged
from gateway.backplane import keys
from gateway.backplane.client import backplane_errors
from gateway.backplane.leases import RENEW_SECONDS, Leases
from gateway.backplane.publisher import Publisher
from gateway.backplane.settings import RedisSettings
from gateway.core.errors import BackplaneUnavailable
from gateway.core.ids import InstanceId, RoomId, UserId
from gateway.core.protocol.base import Person
from gateway.core.protocol.encode import encode_ephemeral
from gateway.core.publication import Kind, Publication
from gateway.core.roster import Change
from gateway.core.typing_list import TYPING_SECONDS, TypingMark
from gateway.runtime.room import Room

log = structlog.get_logger()

TICK_SECONDS = 0.1
"""How long comings, goings and typing are collected before the members are told."""

LINGER_SECONDS = 3.0
"""How long a person whose connection broke stays: a reload or a deploy does not flicker."""

FORGOTTEN_SECONDS = 24 * 3600
"""A room's presence nobody has touched for so long is left over, and Redis drops it."""


class Presence:
    """The presence and typing of every room that is open here."""

    def __init__(
        self,
        instance_id: InstanceId,
        redis: Redis,
        settings: RedisSettings,
        publisher: Publisher,
        rooms: Mapping[RoomId, Room],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._instance_id = instance_id
        self._redis = redis
        self._settings = settings
        self._publisher = publisher
        self._rooms = rooms
        self._now = now
        self._leases = Leases(redis, settings, instance_id)
        self._live: frozenset[InstanceId] = frozenset({instance_id})
        self._local: dict[RoomId, dict[UserId, _Local]] = {}
        self._roster_changed: set[Room] = set()
        self._typing_changed: set[Room] = set()
        self._typing_rooms: set[Room] = set()

    # What local connections do

    def arrive(self, room: Room, person: Person) -> None:
        """Count one more local connection of a person in a room."""
        people = self._local.setdefault(room.id, {})
        local = people.setdefault(UserId(person.id), _Local(person))
        local.connections += 1
        local.keep()
        if local.connections == 1:
            self._announce(room.id, Change(instance_id=self._instance_id, here=(person,)))

    def depart(self, room: Room, user_id: UserId, *, for_good: bool) -> None:
        """Count one less; the last one ends the person's presence, at once if ``for_good``."""
        local = self._local.get(room.id, {}).get(user_id)
        if local is None:
            return
        local.connections -= 1
        if local.connections > 0:
            return
        if user_id in room.typing.users:
            self.mark_typing(room, user_id, typing=False)
        if for_good:
            self._gone(room.id, user_id)
        else:
            loop = asyncio.get_running_loop()
            local.linger = loop.call_later(LINGER_SECONDS, self._gone, room.id, user_id)

    def mark_typing(self, room: Room, user_id: UserId, *, typing: bool) -> None:
        """Say that a person has started, goes on, or has stopped typing."""
        mark = TypingMark(user_id, TYPING_SECONDS if typing else 0.0)
        key = keys.typing(room.id)
        if typing:
            self._publisher.send("ZADD", key, time.time() + TYPING_SECONDS, str(user_id))
            self._publisher.send("EXPIRE", key, int(TYPING_SECONDS) + 1)
        else:
            self._publisher.send("ZREM", key, str(user_id))
        publication = Publication(Kind.TYPING, mark.encode())
        self._publisher.publish(keys.room_channel(room.id), publication.encode())
        self.room_heard(room, publication)

    # What the hub tells

    async def room_opened(self, room: Room) -> None:
        """Read who is in the room on other instances, and who is typing there."""
        if not self._publisher.is_up:
            return  # they are announced again when Redis is back
        try:
            entries, typing, live = await self._read_room(room.id)
        except BackplaneUnavailable as error:
            log.warning("presence.not_read", room=str(room.id), error=error.message)
            return
        for field, person in entries.items():
            instance_id, _, _ = field.rpartition(":")
            if instance_id in live:
                change = Change(
                    instance_id=InstanceId(instance_id),
                    here=(Person.model_validate_json(person),),
                )
                room.roster.fold(change)
            else:
                self._publisher.send("HDEL", keys.room_presence(room.id), field)
        room.roster.take_diff()  # nobody is in yet who could be told
        for user_id, until in typing:
            mark = TypingMark(UserId(UUID(user_id)), min(until - time.time(), TYPING_SECONDS))
            if mark.seconds > 0:
                room.typing.fold(mark, self._now())

    def room_heard(self, room: Room, publication: Publication) -> None:
        """Take in what another instance, or this one, announced."""
        try:
            if publication.kind is Kind.PRESENCE:
                room.roster.fold(Change.decode(publication.body))
                self._roster_changed.add(room)
            elif publication.kind is Kind.TYPING:
                self._typing_rooms.add(room)
                if room.typing.fold(TypingMark.decode(publication.body), self._now()):
                    self._typing_changed.add(room)
        except ValueError as error:
            log.error("presence.unreadable", room=str(room.id), error=str(error))

    def announce_all(self) -> None:
        """Say anew who is here: Redis may have lost it."""
        for room_id, people in self._local.items():
            here = tuple(local.person for local in people.values())
            self._announce(room_id, Change(instance_id=self._instance_id, here=here))

    # Services

    async def run_ticks(self) -> None:
        """Tell members what has changed, a few times a second: until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._expire_typing()
            changed, self._roster_changed = self._roster_changed, set()
            for room in changed:
                self._tell_presence(room)
            changed, self._typing_changed = self._typing_changed, set()
            for room in changed:
                self._tell_typing(room)

    async def run_leases(self) -> None:
        """Renew this instance's lease and drop the people of dead ones: until cancelled."""
        while True:
            try:
                await self._renew()
            except BackplaneUnavailable as error:
                log.warning("presence.lease_not_renewed", error=error.message)
            await asyncio.sleep(RENEW_SECONDS)

    async def stop(self) -> None:
        """Say that everybody here is gone, and give up the lease."""
        for room_id, people in list(self._local.items()):
            for user_id in list(people):
                self._gone(room_id, user_id)
        with suppress(BackplaneUnavailable):
            await self._leases.give_up()

    async def _renew(self) -> None:
        renewal = await self._leases.renew()
        if not renewal.held:
            self.announce_all()
        # Missing from one answer may be a race with its start; from two, it is dead.
        live = renewal.live | self._live
        self._live = renewal.live
        for room in self._rooms.values():
            room.roster.keep_instances(live)
            self._roster_changed.add(room)

    async def _read_room(
        self, room_id: RoomId
    ) -> tuple[dict[str, str], list[tuple[str, float]], list[str]]:
        with backplane_errors(self._settings):
            pipe = self._redis.pipeline(transaction=False)
            pipe.hgetall(keys.room_presence(room_id))
            pipe.zrange(keys.typing(room_id), 0, -1, withscores=True)
            pipe.zrange(keys.INSTANCES, 0, -1)
            entries, typing, live = await pipe.execute()
        return entries, typing, live

    def _announce(self, room_id: RoomId, change: Change) -> None:
        key = keys.room_presence(room_id)
        for person in change.here:
            field = f"{self._instance_id}:{person.id}"
            self._publisher.send("HSET", key, field, person.model_dump_json())
        for user_id in change.gone:
            self._publisher.send("HDEL", key, f"{self._instance_id}:{user_id}")
        if change.here:
            self._publisher.send("EXPIRE", key, FORGOTTEN_SECONDS)
        publication = Publication(Kind.PRESENCE, change.encode())
        self._publisher.publish(keys.room_channel(room_id), publication.encode())
        # Heard here at once, so that presence is right even while Redis is away; the
        # echo changes nothing.
        if (room := self._rooms.get(room_id)) is not None:
            self.room_heard(room, publication)

    def _gone(self, room_id: RoomId, user_id: UserId) -> None:
        people = self._local.get(room_id, {})
        if local := people.pop(user_id, None):
            local.keep()
        if not people:
            self._local.pop(room_id, None)
        self._announce(room_id, Change(instance_id=self._instance_id, gone=(user_id,)))

    def _expire_typing(self) -> None:
        for room in list(self._typing_rooms):
            if room.typing.expire(self._now()):
                self._typing_changed.add(room)
            if not room.typing:
                self._typing_rooms.discard(room)

    def _tell_presence(self, room: Room) -> None:
        if diff := room.roster.take_diff():
            event = PresenceChanged(joined=diff.joined, left=diff.left, count=len(room.roster))
            room.tell(encode_ephemeral(room.id, event))

    def _tell_typing(self, room: Room) -> None:
        event = TypingChanged(users=typing_people(room))
        room.tell(encode_ephemeral(room.id, event))


class _Local:
    """A person whom this instance serves in a room, by so many connections."""

    __slots__ = ("connections", "linger", "person")

    def __init__(self, person: Person) -> None:
        self.person = person
        self.connections = 0
        self.linger: asyncio.TimerHandle | None = None

    def keep(self) -> None:
        """Call off the end of the person's presence."""
        if self.linger is not None:
            self.linger.cancel()
            self.linger = None


def typing_people(room: Room) -> tuple[Person, ...]:
    """Return who types, as far as they are known to be here."""
    return tuple(room.roster[user_id] for user_id in room.typing.users if user_id in room.roster)
