"""*stadium*: everybody in one room, and somebody speaks once a second.

``everybody`` is how long it took until the last one had heard it. This client
takes some 18 µs for each delivery, so the last of 10,000 is read 180 ms after
the first: what the gateway alone takes, ``make bench`` tells.
"""

import argparse
import random
import time
from collections import Counter

import gevent
from locust import task
from typing_extensions import override

from loadtests.connection import Message
from loadtests.load_test import LoadTest
from loadtests.member import Member


class Stadium(LoadTest):
    """One room."""

    name = "stadium"
    p99_ms = 1000.0

    def __init__(self) -> None:
        super().__init__()
        self._hearers: Counter[int] = Counter()

    @override
    def room_size(self) -> int:
        return self.users

    @override
    def add_options(self, group: "argparse._ArgumentGroup") -> None:
        group.add_argument(
            "--messages-per-second", type=float, default=1.0, help="Said by one or another."
        )

    @override
    def direct(self) -> None:
        self.await_arrivals(self.users)
        gevent.spawn(self._speak)
        self.work(self.options.hold_seconds)

    def heard_by_one(self, message: Message) -> None:
        """Count who has heard something; the last one ends its time."""
        seq = message["seq"]
        self._hearers[seq] += 1
        if self._hearers[seq] == self.users and "key" in message:
            sent = int(message["key"].partition(".")[0])
            self.fire("everybody", message["type"], time.monotonic_ns() - sent)

    def _speak(self) -> None:
        while True:
            gevent.sleep(1 / self.options.messages_per_second)
            speaker = random.choice(self.members)
            if speaker.is_ready:
                speaker.say()


class Spectator(Member):
    """Somebody who listens, and speaks when it is their turn."""

    test = stadium = Stadium()

    @task
    def listen(self) -> None:
        """Do nothing of one's own accord: Locust wants everybody to have a task."""
        gevent.sleep(self.stadium.options.hold_seconds)

    @override
    def heard(self, message: Message) -> None:
        self.stadium.heard_by_one(message)


Spectator.stadium.listen()
