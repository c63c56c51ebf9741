"""Coming back from far behind."""

import random
import time
from collections.abc import Callable

import pytest

from tests.chaos.crowd import connected, settle
from tests.chaos.site import Site
from tests.support.journal import Journal, Received, Snapshot
from tests.support.recorder import Recorder
from tests.support.socket_client import open_socket
from tests.support.waiting import WAIT_SECONDS

pytestmark = pytest.mark.slow

MISSED_EVENTS = 1_000
SPEAKERS = 10
"""Each may say a hundred things at once before it is told to slow down."""


async def test_a_thousand_missed_events_come_in_order(
    site: Site, journal: Journal, record_testsuite_property: Callable[[str, object], None]
):
    """After a cut, on either instance; how long it takes is in the report of the tests.

    Not what it takes an instance, and its connections to PostgreSQL, to do
    something for the first time: each has replayed another room before.
    """
    home, *_ = site.instances
    owner = await home.gateway.new_guest("Owner")
    room, other = [await home.gateway.new_room(owner, name) for name in ("Room", "Other")]
    speakers = []
    for number in range(SPEAKERS):
        guest = await home.gateway.new_guest(f"Speaker {number}")
        rng = random.Random(number)  # noqa: S311 - pauses
        speakers.append(Recorder(f"s{number}", guest, [home.direct_url], [room], journal, rng))
    async with connected(site, *speakers):
        async with open_socket(home.direct_url, owner.token) as client:
            since = (await client.ask("room.join", room=room))["position"]
            before = (await client.ask("room.join", room=other))["position"]
            await client.ask("chat.send", room=other, content="Hello")
        for speaker in speakers:
            for _ in range(MISSED_EVENTS // SPEAKERS):
                speaker.say(room)
        assert not await settle(speakers, site.servers.database_url, WAIT_SECONDS)
    live = [entry for entry in speakers[0].records[room].told if not isinstance(entry, Snapshot)]
    for number, instance in enumerate(site.instances):
        async with open_socket(instance.direct_url, owner.token) as client:
            await client.ask("room.join", room=other, since=before)
            await client.event("chat.message", other)
            client.received.clear()
            started = time.perf_counter()
            reply = await client.ask("room.join", room=room, since=since)
            seqs = [(await client.take(lambda message: "seq" in message))["seq"]]
            while len(seqs) < MISSED_EVENTS:
                seqs.append((await client.take(lambda message: "seq" in message))["seq"])
            seconds = time.perf_counter() - started
            record_testsuite_property(f"resume_seconds_on_instance_{number}", seconds)
        assert reply["resume"] == "replay"
        assert seqs == [*range(since["seq"] + 1, since["seq"] + 1 + MISSED_EVENTS)]
        assert not [
            entry.seq for entry in live if _is_missing(entry, client.received, since["seq"])
        ]


def _is_missing(entry: Received, received: bytes, after: int) -> bool:
    return entry.seq > after and entry.raw not in received
