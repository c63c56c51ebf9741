"""*storm*: everybody connects at once, while a few who are in already go on talking.

At once means spread over ``RUSH_SECONDS``, or little more: one process that opened ten thousand
connections in one breath would take half a second for it, and then find
everything late that it was sent meanwhile.
"""

import argparse
import time
from typing import Final

import gevent
from gevent.event import Event
from typing_extensions import override

from loadtests.member import Member
from loadtests.talker import Talker, TalkingTest

RUSH_SECONDS: Final = 1.0

RUSHES: Final = 100
"""Groups in which they come, one after another."""


class Storm(TalkingTest):
    """Insiders talk; then the others come."""

    name = "storm"
    message_seconds = 2.0

    def __init__(self) -> None:
        super().__init__()
        self._doors = [Event() for _ in range(RUSHES)]

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
            self._doors[member.seat.number % RUSHES].wait()

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
            for door in self._doors:
                door.set()
                gevent.sleep(RUSH_SECONDS / RUSHES)
            rush = time.monotonic() - started
            self.notes.append(("until the last of the storm knocked", f"{rush:.1f} s"))
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
