"""*storm*: everybody connects at once, while a few who are in already go on talking."""

import argparse
import time

import gevent
from gevent.event import Event
from typing_extensions import override

from loadtests.member import Member
from loadtests.talker import Talker, TalkingTest


class Storm(TalkingTest):
    """Insiders talk; then the others come."""

    name = "storm"
    message_seconds = 2.0

    def __init__(self) -> None:
        super().__init__()
        self._door = Event()

    @override
    def add_options(self, group: "argparse._ArgumentGroup") -> None:
        super().add_options(group)
        group.add_argument(
            "--insiders", type=int, default=100, help="How many are in before: whole rooms."
        )
        group.add_argument(
            "--calm-seconds", type=float, default=10, help="How long before and after the storm."
        )

    @override
    def wait_at_the_door(self, member: Member) -> None:
        if not self.is_insider(member):
            self._door.wait()

    def is_insider(self, member: Member) -> bool:
        """Whether somebody is in before the storm."""
        return bool(member.seat.number < self.options.insiders)

    @override
    def direct(self) -> None:
        self.await_arrivals(min(self.options.insiders, self.users))
        self.wait_until(lambda: len(self.members) == self.users, "everybody is at the door")
        with self.working():
            gevent.sleep(self.options.calm_seconds)
            started, before = time.monotonic(), self.arrived
            self._door.set()
            self.await_arrivals(self.users)
            rate = (self.arrived - before) / (time.monotonic() - started)
            self.notes.append(("came in a second, during the storm", f"{rate:,.0f}"))
            gevent.sleep(self.options.calm_seconds)


class Newcomer(Talker):
    """Somebody who comes with the storm, and then listens; or an insider, who talks."""

    test = storm = Storm()

    @property
    @override
    def is_ready(self) -> bool:
        return super().is_ready and self.storm.is_insider(self)


Newcomer.storm.listen()
