"""Who is typing in a room: a short list in which every entry expires by itself."""

from typing import NamedTuple, Self
from uuid import UUID

import orjson

from gateway.core.ids import InstanceId, UserId

TYPING_SECONDS = 6.0
"""How long one ``typing.start`` is good for."""


class TypingMark(NamedTuple):
    """Somebody on an instance types for so many seconds from now; 0 means they have stopped.

    A duration and not a time, so that the clocks of two instances need not agree.
    """

    instance_id: InstanceId
    user_id: UserId
    seconds: float

    def encode(self) -> bytes:
        """Return the body of a ``TYPING`` publication."""
        return orjson.dumps([self.instance_id, str(self.user_id), self.seconds])

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Return the mark in ``body``; ``ValueError`` if it is not one."""
        try:
            instance_id, user_id, seconds = orjson.loads(body)
            seconds = min(float(seconds), TYPING_SECONDS)
            return cls(InstanceId(instance_id), UserId(UUID(user_id)), seconds)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a typing mark: {error}") from error


class TypingList:
    """The people typing in one room. ``now`` is seconds of any steady clock."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[UserId, float] = {}

    def __bool__(self) -> bool:
        """Tell whether anybody types."""
        return bool(self._until)

    @property
    def users(self) -> tuple[UserId, ...]:
        """Everybody who types, in the order in which they began."""
        return tuple(self._until)

    def seconds_left(self, user_id: UserId, now: float) -> float:
        """Return how long a person counts as typing without another mark; 0 if they do not."""
        return max(0.0, self._until.get(user_id, now) - now)

    def fold(self, mark: TypingMark, now: float) -> bool:
        """Take in a mark; tell whether the list of names changed."""
        if mark.seconds > 0:
            was_typing = mark.user_id in self._until
            self._until[mark.user_id] = now + mark.seconds
            return not was_typing
        return self._until.pop(mark.user_id, None) is not None

    def expire(self, now: float) -> bool:
        """Drop whoever's time is over; tell whether the list changed."""
        over = [user_id for user_id, until in self._until.items() if until <= now]
        for user_id in over:
            del self._until[user_id]
        return bool(over)
