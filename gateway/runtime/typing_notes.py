"""Who is typing, shared between instances and told to members.

Marks expire by themselves on every instance (``core.typing_list``), so a lost
one does no lasting harm. A sorted set in Redis keeps them for instances that
open the room later.
"""

import time
from collections.abc import Callable
from itertools import islice
from uuid import UUID

import structlog
from redis.asyncio import Redis

from gateway.activities.rooms.messages import TypingChanged
from gateway.backplane import keys
from gateway.backplane.client import backplane_errors
from gateway.backplane.publisher import Publisher
from gateway.backplane.settings import RedisSettings
from gateway.core.coalescer import UNTIL_NEXT_TICK, Coalescer
from gateway.core.errors import BackplaneUnavailable
from gateway.core.ids import InstanceId, RoomId, UserId
from gateway.core.protocol.base import Person
from gateway.core.protocol.encode import encode_ephemeral
from gateway.core.publication import Kind, Publication
from gateway.core.typing_list import TYPING_SECONDS, TypingMark
from gateway.runtime.end_of_turn import EndOfTurn
from gateway.runtime.room import Room

log = structlog.get_logger()

MAX_TYPISTS = 20
"""People who are told to be typing, where more are."""

REPEAT_SECONDS = 1.0
"""A start repeated within this time is not passed on: the others know."""

KEY_SECONDS = int(TYPING_SECONDS) + 1
"""Life of a room's sorted set without another mark."""


class TypingNotes:
    """The typing lists of every room that is open here."""

    def __init__(
        self,
        instance_id: InstanceId,
        redis: Redis,
        settings: RedisSettings,
        publisher: Publisher,
        end_of_turn: EndOfTurn,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._instance_id = instance_id
        self._redis = redis
        self._settings = settings
        self._publisher = publisher
        self._now = now
        self._news = Coalescer(self._tell, lambda: end_of_turn.tell(self._tell_first))
        self._active: dict[Room, tuple[Person, ...]] = {}
        """Rooms in which somebody types, and whom the members were told last."""

    def mark(self, room: Room, user_id: UserId, *, typing: bool) -> None:
        """Take in that a person has started, goes on, or has stopped typing."""
        if not self._is_news(room, user_id, typing=typing):
            return
        key = keys.typing(room.id)
        if typing:
            self._publisher.send("ZADD", key, time.time() + TYPING_SECONDS, str(user_id))
            self._publisher.send("EXPIRE", key, KEY_SECONDS)
        else:
            self._publisher.send("ZREM", key, str(user_id))
        mark = TypingMark(self._instance_id, user_id, TYPING_SECONDS if typing else 0.0)
        publication = Publication(Kind.TYPING, mark.encode())
        self._publisher.publish(keys.room_channel(room.id), publication.encode())
        self._fold(room, mark)

    def heard(self, room: Room, publication: Publication) -> None:
        """Take in what another instance announced."""
        try:
            mark = TypingMark.decode(publication.body)
        except ValueError as error:
            log.error("typing.unreadable", room=str(room.id), error=str(error))
            return
        if mark.instance_id != self._instance_id:  # our own we have folded already
            self._fold(room, mark)

    async def opened(self, room: Room) -> None:
        """Read who is typing, if Redis tells; whoever goes on typing is heard again anyway."""
        if not self._publisher.is_up:
            return
        try:
            with backplane_errors(self._settings):
                # redis-py types every answer that ZRANGE may have.
                marks: list[tuple[str, float]] = await self._redis.zrange(  # type: ignore[assignment]
                    keys.typing(room.id), 0, -1, withscores=True
                )
        except BackplaneUnavailable as error:
            log.warning("typing.not_read", room=str(room.id), error=error.message)
            return
        for user_id, until in marks:
            try:
                typist = UserId(UUID(user_id))
            except ValueError as error:
                log.error("typing.unreadable", room=str(room.id), error=str(error))
                continue
            seconds = min(until - time.time(), TYPING_SECONDS)
            self._fold(room, TypingMark(self._instance_id, typist, seconds))

    def missed(self, room_id: RoomId) -> None:
        """Do nothing: who goes on typing is heard again, and who has stopped expires."""

    def tick(self) -> None:
        """Tell members who is typing, where that has changed since they were told last."""
        now = self._now()
        for room in self._active:
            if room.typing.expire(now):
                self._news.changed(room)
        self._news.tick(now)

    def _is_news(self, room: Room, user_id: UserId, *, typing: bool) -> bool:
        """Whether a mark says more than is known; who types on says it with every key."""
        seconds_left = room.typing.seconds_left(user_id, self._now())
        return seconds_left <= TYPING_SECONDS - REPEAT_SECONDS if typing else seconds_left > 0

    def _tell_first(self) -> None:
        self._news.tell_first(self._now())

    def _tell(self, room: Room) -> float | None:
        """Tell the members who is typing; return how long not to do so again."""
        people, told = typing_people(room), self._active.get(room, ())
        if room.typing:
            self._active[room] = people
        else:
            self._active.pop(room, None)
        if people == told:
            return None
        room.tell(encode_ephemeral(room.id, TypingChanged(users=people)))
        return UNTIL_NEXT_TICK

    def _fold(self, room: Room, mark: TypingMark) -> None:
        if room.typing.fold(mark, self._now()):
            self._active.setdefault(room, ())
            self._news.changed(room)


def typing_people(room: Room) -> tuple[Person, ...]:
    """Return who types, as far as they are known to be here, and no more than fit on a line."""
    here = (room.roster[user_id] for user_id in room.typing.users if user_id in room.roster)
    return tuple(islice(here, MAX_TYPISTS))
