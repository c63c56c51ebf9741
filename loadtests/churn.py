"""*churn*: people come, talk, go, and come back to what they missed."""

import argparse
import contextlib
import random

import gevent
from locust import task
from typing_extensions import override

from loadtests.connection import Disconnected, Refused
from loadtests.talker import Talker, TalkingTest


class Churn(TalkingTest):
    """Connections that do not last."""

    name = "churn"

    @override
    def add_options(self, group: "argparse._ArgumentGroup") -> None:
        super().add_options(group)
        group.add_argument(
            "--stay-seconds", type=float, default=30, help="A connection's time, on average."
        )
        group.add_argument(
            "--away-seconds", type=float, default=5, help="The time between two, on average."
        )

    @override
    def direct(self) -> None:
        super().direct()
        # Only who is there can be asked whether they have heard everything.
        self.wait_until(
            lambda: all(member.is_present for member in self.members), "everybody is back"
        )


class Visitor(Talker):
    """Somebody who comes and goes."""

    test = churn = Churn()

    @task
    @override
    def speak(self) -> None:
        """Mostly speak; go as often as it takes for the average stay."""
        options = self.churn.options
        if not self.is_ready:
            return
        if random.random() < options.message_seconds / options.stay_seconds:
            self.go_out()
            gevent.sleep(random.expovariate(1 / options.away_seconds))
            with contextlib.suppress(Disconnected, Refused):  # they are counted
                self.come_in()
        else:
            self.say()


Visitor.churn.listen()
