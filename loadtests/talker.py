"""People who only talk: what the scenarios about coming, going and dying have in common."""

import argparse
import random
from typing import ClassVar

from locust import task
from typing_extensions import override

from loadtests.load_test import LoadTest
from loadtests.member import Member


class TalkingTest(LoadTest):
    """A run in which everybody says something now and then."""

    message_seconds: ClassVar[float] = 20.0

    @override
    def add_options(self, group: "argparse._ArgumentGroup") -> None:
        group.add_argument(
            "--message-seconds",
            type=float,
            default=self.message_seconds,
            help="A person's time between messages.",
        )


class Talker(Member):
    """Somebody who says something now and then."""

    abstract = True

    @override
    def wait_time(self) -> float:
        """Wait as people do who know nothing of each other (a Poisson process)."""
        return random.expovariate(1 / float(self.test.options.message_seconds))

    @task
    def speak(self) -> None:
        """Say something."""
        if self.is_ready:
            self.say()
