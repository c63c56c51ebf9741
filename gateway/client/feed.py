"""What arrives for one room: its state, and the events that wait for whoever iterates."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final
from uuid import UUID

from gateway.activities.protocol import Behind, RoomState
from gateway.activities.rooms.messages import MemberLeft
from gateway.client import state as reducer
from gateway.client.errors import MembershipEnded
from gateway.client.events import Connected, Disconnected, Event, Resumed, RoomSnapshot
from gateway.client.wire import JoinAnswer
from gateway.core.ids import RoomId

MAX_EVENTS: Final = 1_000
"""Events kept of a room. Past it the connection is not read, so that TCP slows the gateway."""

MAX_EVENTS_BEFORE_REPLY: Final = 10_000
"""Events kept while a command's reply stands behind them in the stream. Past it the rule above
holds again, and the command gets no answer."""


class Gap(Exception):
    """An event came that does not follow on the state: something is missing."""


class Feed:
    """The receiving side of a room. Synchronous but for ``next``; the connection fills it.

    Until somebody iterates for the first time, only the newest ``MAX_EVENTS``
    are kept: who only looks at the state need not take events.
    """

    def __init__(self, room_id: RoomId, own_id: UUID, on_space: Callable[[], None]) -> None:
        """``own_id`` is whose room this is; ``on_space`` is called when an event was taken."""
        self.room_id = room_id
        self.is_leaving = False
        """Whether you are giving up your membership: coming back to the room would renew it."""
        self.is_left_out = False
        """Whether a reconnection has therefore not joined it."""
        self.state: RoomState | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._own_id = own_id
        self._member_at = 0
        """A place in the log at which you were a member; leaving before it is history."""
        self._on_space = on_space
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._is_iterated = False
        self._is_closed = False
        self._failure: Exception | None = None

    @property
    def is_full(self) -> bool:
        """Whether events should wait until some were taken."""
        return self._is_iterated and not self._is_closed and len(self._events) >= MAX_EVENTS

    @property
    def is_overfull(self) -> bool:
        """Whether events must wait, whoever waits for what comes after them."""
        return self.is_full and len(self._events) >= MAX_EVENTS_BEFORE_REPLY

    @property
    def is_closed(self) -> bool:
        """Whether no more events come."""
        return self._is_closed

    # The connection's side

    def open(self, answer: JoinAnswer) -> None:
        """Begin with the room's state, or go on from where the connection was lost.

        ``ValueError`` when there is nothing to go on from.
        """
        if isinstance(answer, RoomState):
            self.state = answer
            self._push(Event(RoomSnapshot(answer), self.room_id))
        elif self.state is None:
            raise ValueError("a room that was never open cannot be resumed")
        else:
            missed = answer.position.seq - self.state.position.seq
            self.state = reducer.resumed(self.state, answer)
            self._push(Event(Resumed(missed), self.room_id))
        self._member_at = answer.position.seq
        self.is_left_out = False
        if not self.opened.done():
            self.opened.set_result(None)

    def receive(self, event: Event) -> None:
        """Take in an event of the room; ``Gap`` if something before it is missing."""
        if self.state is None or reducer.is_covered(self.state, event):
            return
        if not reducer.follows(self.state, event):
            raise Gap(f"event {event.seq} came after {self.state.position.seq}")
        self.state = reducer.after(self.state, event, self._own_id)
        self._push(event)
        if (
            isinstance(event.data, MemberLeft)
            and event.data.user.id == self._own_id
            and (event.seq or 0) > self._member_at
        ):
            self._end_membership(event.data)

    def put_out(self) -> None:
        """End, as the gateway has closed the room. Before the first state it means an older feed.

        Its notice may overtake the event that says why.
        """
        if self.state is not None and not self._is_closed:
            self.fail(MembershipEnded(None))

    def catch_up(self, behind: Behind) -> None:
        """Take in how the room stands after the gateway had to skip what is not durable."""
        if self.state is not None:
            self.state = reducer.caught_up(self.state, behind)
            self._push(Event(behind, self.room_id))

    def tell(self, change: Connected | Disconnected) -> None:
        """Take in a change of the connection, once the room is open.

        Several failed attempts in a row leave the last one only.
        """
        if self.state is None:
            return
        is_again = isinstance(change, Disconnected)
        if is_again and self._events and isinstance(self._events[-1].data, Disconnected):
            self._events.pop()
        self._push(Event(change, self.room_id))

    def fail(self, error: Exception) -> None:
        """End with an error, which comes after the events that are here already."""
        self._failure = error
        self.close()
        if not self.opened.done():
            self.opened.set_exception(error)

    def close(self) -> None:
        """End; iterating ends after the events that are here already."""
        self._is_closed = True
        self._arrived.set()
        self._on_space()

    # The reader's side

    async def next(self) -> Event | None:
        """Return the next event, or ``None`` after the room was left; raise what made it fail."""
        self._is_iterated = True
        while not self._events:
            if self._failure is not None:
                raise self._failure
            if self._is_closed:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        self._on_space()
        return self._events.popleft()

    def _end_membership(self, left: MemberLeft) -> None:
        """End, after the event: cleanly where it was your own doing, here or elsewhere."""
        if left.reason == "left":
            self.close()
        else:
            self.fail(MembershipEnded(left.reason))

    def _push(self, event: Event) -> None:
        if not self._is_iterated and len(self._events) >= MAX_EVENTS:
            self._events.popleft()
        self._events.append(event)
        self._arrived.set()
