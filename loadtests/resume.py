"""*resume*: one of two instances is killed; its people come to the other and miss nothing.

Every room has one person on the instance that lives, and what is said meanwhile
is replayed to the others. A command that was not answered is sent again with its key.
"""

import argparse
import contextlib
import os
import random
import signal
from urllib.parse import urlsplit

import gevent
from typing_extensions import override

from loadtests.connection import Disconnected, Refused
from loadtests.figures import percentile
from loadtests.member import Member
from loadtests.summary import Claim
from loadtests.talker import Talker, TalkingTest


class Resume(TalkingTest):
    """People on two instances, until there is one."""

    name = "resume"
    p99_ms = 250.0

    def __init__(self) -> None:
        super().__init__()
        self._is_killed = False

    @override
    def add_options(self, group: "argparse._ArgumentGroup") -> None:
        super().add_options(group)
        group.add_argument(
            "--second-host", default=None, help="The instance that lives; --host is the other one."
        )
        group.add_argument(
            "--jitter-seconds", type=float, default=2, help="Within which time they come back."
        )
        group.add_argument(
            "--resume-seconds", type=float, default=20, help="When the last is to have everything."
        )

    @override
    def address_for(self, member: Member) -> tuple[str, int]:
        if self.is_on_first(member) and not self._is_killed:
            return self.address
        second = urlsplit(self.options.second_host)
        return second.hostname or "", second.port or 80

    def is_on_first(self, member: Member) -> bool:
        """Whether somebody begins on the instance that is killed."""
        return (member.seat.number + 1) % self.room_size() != 0

    @override
    def direct(self) -> None:
        self.await_arrivals(self.users)
        with self.working():
            gevent.sleep(self.options.hold_seconds / 3)
            self._is_killed = True
            os.kill(self.options.gateway_pid[0], signal.SIGKILL)
            self.wait_until(
                lambda: all(member.is_present for member in self.members), "everybody is back"
            )
            gevent.sleep(self.options.hold_seconds * 2 / 3)

    @override
    def cut_off(self, member: Member, reason: str) -> None:
        if not self._is_killed or not self.is_on_first(member):
            super().cut_off(member, reason)
            return
        self.fire("cut off", "killed", None)
        jitter = random.uniform(0, self.options.jitter_seconds)
        gevent.spawn_later(jitter, self._come_back, member)

    @override
    def claims(self) -> list[Claim]:
        row = self.figures.rows.get(("resume", "caught up"))
        slowest = percentile(sorted(row.times), 100) / 1000 if row else 0.0
        limit = self.options.resume_seconds
        return [
            *super().claims(),
            Claim(
                f"everybody has everything within {limit:g} s of the kill",
                0 < slowest < limit,
                f"{slowest:.1f} s",
            ),
        ]

    def _come_back(self, member: Member) -> None:
        with contextlib.suppress(Disconnected, Refused):  # they are counted
            member.come_in()


class Colleague(Talker):
    """Somebody on either instance."""

    test = resume = Resume()


Colleague.resume.listen()
