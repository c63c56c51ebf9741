"""*office*: teams of ten who type, talk and estimate, and leave the room for a while.

Each event is one delivery for everybody in the room, so the wanted rate of
deliveries says how much a team may do; what the poker rounds and the breaks
leave of it are messages, each with a beginning and an end of typing.
"""

import argparse
import contextlib
import random
from typing import Final

import gevent
from locust import task
from typing_extensions import override

from loadtests.connection import Disconnected, Message, Refused
from loadtests.load_test import LoadTest
from loadtests.member import Member

CARDS: Final = ("1", "2", "3", "5", "8", "13", "?")

EVENTS_A_MESSAGE: Final = 3
"""Somebody types, somebody types no more, and what they said."""

EVENTS_A_BREAK: Final = 2
"""Somebody went, somebody came."""

TYPING_SECONDS: Final = (1.0, 4.0)
THINKING_SECONDS: Final = (0.5, 4.0)
BREAK_SECONDS: Final = (2.0, 5.0)

REVEAL_AFTER_SECONDS: Final = 10.0
"""How long the host waits for those who do not vote."""


class Office(LoadTest):
    """People who work together."""

    name = "office"

    @override
    def add_options(self, group: "argparse._ArgumentGroup") -> None:
        group.add_argument(
            "--deliveries", type=float, default=None,
            help="Deliveries a second to aim at, over all; as many as people, if not given.",
        )  # fmt: skip
        group.add_argument(
            "--round-seconds", type=float, default=60, help="A team's time between poker rounds."
        )
        group.add_argument(
            "--break-seconds", type=float, default=200, help="A person's time between breaks."
        )

    @property
    def seconds_between_deeds(self) -> float:
        """How long somebody waits before they do something, on average."""
        size = self.room_size()
        rate = (self.options.deliveries or self.users) / self.users  # events a second, each room
        rounds = (size + 2) / self.options.round_seconds
        breaks = size / self.options.break_seconds
        messages = (rate - rounds - EVENTS_A_BREAK * breaks) / EVENTS_A_MESSAGE
        pause: float = size / (messages + breaks) - sum(TYPING_SECONDS) / 2
        if messages <= 0 or pause <= 0:
            raise SystemExit("people cannot do as much, or as little, as --deliveries wants")
        return pause

    @override
    def direct(self) -> None:
        self.await_arrivals(self.users)
        for host in self.members[:: self.room_size()]:
            if isinstance(host, Colleague):
                gevent.spawn_later(random.random() * self.options.round_seconds, host.play)
        self.work(self.options.hold_seconds)


class Colleague(Member):
    """Somebody in a team; the first one hosts its poker rounds."""

    test = office = Office()

    def __init__(self, environment: object) -> None:
        super().__init__(environment)
        self._story = ""
        self._voted = 0

    @override
    def wait_time(self) -> float:
        """Wait as people do who know nothing of each other (a Poisson process)."""
        return random.expovariate(1 / self.office.seconds_between_deeds)

    @task
    def do_something(self) -> None:
        """Mostly say something, now and then leave the room for a moment."""
        if not self.is_ready:
            return
        if random.random() < self.office.seconds_between_deeds / self.office.options.break_seconds:
            self.take_a_break()
        else:
            self.type_and_say(random.uniform(*TYPING_SECONDS))

    def take_a_break(self) -> None:
        """Leave the room, come back, and get what was missed."""
        with contextlib.suppress(Disconnected, Refused):  # they are counted
            self.leave()
            gevent.sleep(random.uniform(*BREAK_SECONDS))
            self.join()

    def play(self) -> None:
        """Host a round every now and then."""
        while not self.office.is_quiet:
            if self.is_ready:
                self._voted = 0
                self.do("poker.start", {"title": "How much work is it?"})
                self._await_votes()
                if self.is_ready and self._voted:
                    self.do("poker.reveal", {"story_id": self._story})
            gevent.sleep(self.office.options.round_seconds)

    def vote(self, story_id: str) -> None:
        """Vote, unless the cards are on the table already."""
        if self.is_ready and story_id == self._story:
            self.do("poker.vote", {"card": random.choice(CARDS), "story_id": story_id})

    @override
    def heard(self, message: Message) -> None:
        kind, data = message["type"], message["data"]
        if kind == "poker.started":
            self._story = data["story"]["id"]
            gevent.spawn_later(random.uniform(*THINKING_SECONDS), self.vote, self._story)
        elif kind == "poker.voted":
            self._voted = data["voted"]
        elif kind == "poker.revealed":
            self._story = ""

    def _await_votes(self) -> None:
        with gevent.Timeout(REVEAL_AFTER_SECONDS, False):
            while self._voted < self.office.room_size():
                gevent.sleep(0.1)


Colleague.office.listen()
