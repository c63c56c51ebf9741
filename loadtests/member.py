"""A person: one user of Locust's, one connection, one room."""

import contextlib
import random
import time
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Final

import gevent
from locust import User
from typing_extensions import override

from loadtests.connection import Connection, Disconnected, Message, Refused
from loadtests.record import Fault, Hearing

if TYPE_CHECKING:
    from loadtests.load_test import LoadTest

_numbers = count(1)

WORDS: Final = "the plan for this sprint is to keep what works and to mend what does not "


class Member(User):
    """Comes in, hears everything, checks all of it, and does what a scenario's tasks say."""

    abstract = True
    test: ClassVar["LoadTest"]

    def __init__(self, environment: Any) -> None:  # noqa: ANN401 - as Locust has it
        super().__init__(environment)
        self.is_present = False
        """Whether the room is open on the connection, so that everything is to be heard."""
        self.seat = self.test.take_seat(self)
        self.hearing = Hearing(self.seat.record)
        self._connection: Connection | None = None
        self._unacknowledged: dict[str, Message] = {}
        self._typing: frozenset[str] = frozenset()
        self._missing_since: int | None = None

    # What Locust calls

    @override
    def on_start(self) -> None:
        """Come in, when the scenario opens the door."""
        self.test.wait_at_the_door(self)
        # Who fails stays and does nothing: for one who goes, Locust would send another.
        with contextlib.suppress(Disconnected, Refused):
            self.come_in()
        self.test.arrived += 1

    @override
    def on_stop(self) -> None:
        """Go home."""
        self.go_out()

    # What a scenario's tasks are made of

    @property
    def is_ready(self) -> bool:
        """Whether it makes sense to do something now."""
        return self.is_present and not self.test.is_quiet

    @property
    def unanswered(self) -> int:
        """How many commands wait for their reply."""
        return self._connection.unanswered if self._connection and self._connection.is_open else 0

    def come_in(self) -> None:
        """Connect and join. Raises ``Disconnected`` or ``Refused``, and counts it."""
        with self.test.measured("connect", "/ws"):
            self._connection = Connection(
                self.test.address_for(self), self.seat.guest.token, self._hear, self._cut_off
            )
        self.join()

    def join(self) -> None:
        """Open the room: all of it, or from where this person had heard it."""
        since = self.hearing.since
        command: Message = {"type": "room.join", "room": self.seat.record.id}
        if since is not None:
            command["data"] = {"since": since}
        if since is not None:
            self._mark("here")  # a first arrival would count its own join as the gateway's delay
            self._missing_since = self._missing_since or time.monotonic_ns()
        with self.test.measured("join", "resume" if since else "room.join"):
            self._ask(command, self._joined)
        for key, command in list(self._unacknowledged.items()):
            self.seat.record.repeated.add(key)
            self._send_durable(command)

    def leave(self) -> None:
        """Close the room, and stay connected."""
        self._mark("here")
        self.is_present = False
        with self.test.measured("ack", "room.leave"):
            self._ask({"type": "room.leave", "room": self.seat.record.id, "data": {}})

    def go_out(self) -> None:
        """Close the connection."""
        self.is_present = False
        for what in ("here", "typing"):  # what is told of it is told without a stamp
            self.seat.record.marks.pop(f"{what} {self.seat.guest.id}", None)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def type_and_say(self, typing_seconds: float) -> None:
        """Type for so long, and then say it."""
        self.type("typing.start")
        gevent.sleep(typing_seconds)
        self.type("typing.stop")
        if self.is_ready:
            self.say()

    def type(self, command: str) -> None:
        """Begin or stop typing."""
        self._mark("typing")
        self._send({"type": command, "room": self.seat.record.id, "data": {}})

    def say(self) -> None:
        """Say something, as long as messages in a chat are."""
        self.do("chat.send", {"content": (WORDS * 3)[: random.randint(10, 160)]})

    def do(self, command: str, data: Message) -> None:
        """Send a durable command, and again after each return until it is answered."""
        key = f"{time.monotonic_ns()}.{next(_numbers)}"
        message = {"type": command, "room": self.seat.record.id, "key": key, "data": data}
        self._unacknowledged[key] = message
        self._send_durable(message)

    # What a scenario may look at

    def heard(self, message: Message) -> None:
        """React to a durable event. Must not block."""

    # Sending

    def _ask(self, command: Message, at_once: Any = None) -> None:  # noqa: ANN401
        if self._connection is None:
            raise Disconnected("gone home")
        self._connection.ask(command, at_once)

    def _send(self, command: Message, key: str = "") -> None:
        if not self.is_present or self._connection is None:
            return
        started = time.monotonic_ns()

        def answered(reply: Message, now: int) -> None:
            error = Refused(reply["error"]["code"]) if "error" in reply else None
            self.test.fire("ack", command["type"], now - started, error)
            if key and self._unacknowledged.pop(key, None) and error is None:
                self._acknowledged(key, reply["ok"]["seq"])

        try:
            self._connection.send(command, answered)
        except Disconnected:
            return  # _cut_off has counted it

    def _send_durable(self, command: Message) -> None:
        self._send(command, command["key"])

    def _acknowledged(self, key: str, seq: int) -> None:
        try:
            self.seat.record.acknowledged(key, seq)
        except Fault as fault:
            self.test.fault("acknowledgement", fault)

    def _mark(self, what: str) -> None:
        self.seat.record.marks[f"{what} {self.seat.guest.id}"] = time.monotonic_ns()

    # Hearing: called by the event loop, so nothing here may block

    def _joined(self, reply: Message) -> None:
        position = reply["position"]
        try:
            self.hearing.joined(reply["resume"], position["epoch"], position["seq"])
        except Fault as fault:
            self.test.fault("order", fault)
        self._typing = frozenset(person["id"] for person in reply["typing"])
        self.is_present = True
        self._note_caught_up(time.monotonic_ns())

    def _hear(self, message: Message, now: int) -> None:
        if "seq" in message:
            self._hear_durable(message, now)
        elif message["type"] == "typing.changed":
            typing = frozenset(person["id"] for person in message["data"]["users"])
            self._hear_told_in_ticks(message, "typing", self._typing ^ typing, now)
            self._typing = typing
        elif message["type"] == "presence.changed":
            data = message["data"]
            changed = {person["id"] for person in data["joined"]}.union(data["left"])
            self._hear_told_in_ticks(message, "here", changed, now)
        elif message["type"] == "error":
            self.test.fault("error notice", Fault(message["data"]["error"]["code"]))
        else:
            self.test.fire("notice", message["type"], None)

    def _hear_durable(self, message: Message, now: int) -> None:
        key = message.get("key")
        try:
            is_new = self.hearing.take(message["seq"], key)
        except Fault as fault:
            self.test.fault("order", fault)
            return
        if is_new:
            taken = None
            if key is not None and key not in self.seat.record.repeated:
                taken = now - int(key.partition(".")[0])
            self.test.fire("deliver", message["type"], taken)
        else:
            self.test.fire("replay", message["type"], None)
            self._note_caught_up(now)
        self.heard(message)

    def _hear_told_in_ticks(
        self, message: Message, what: str, changed: frozenset[str] | set[str], now: int
    ) -> None:
        marks = self.seat.record.marks
        since = [marks[mark] for one in changed if (mark := f"{what} {one}") in marks]
        self.test.fire("deliver", message["type"], now - min(since) if since else None)

    def _note_caught_up(self, now: int) -> None:
        if self._missing_since is not None and self.hearing.is_caught_up:
            self.test.fire("resume", "caught up", now - self._missing_since)
            self._missing_since = None

    def _cut_off(self, reason: str) -> None:
        self.is_present = False
        self._missing_since = time.monotonic_ns()
        self.test.cut_off(self, reason)
