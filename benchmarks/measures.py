"""What is measured. Each measure returns one value a round; the report takes the median."""

from collections.abc import Callable, Sequence

from benchmarks.contenders import FRAME, JOINED, WELCOME, Contender, Gateway, join
from benchmarks.crowd import Crowd, upgrade_request
from benchmarks.processes import Server

MEMBERS_A_ROOM = 10
"""Members of each room where people are spread over rooms: a team."""

WARM_UP = 20
"""Connections that come and go first, so that what a process makes once is not counted."""


def micros_a_delivery(contender: Contender, crowd: Crowd, events: int, in_flight: int) -> float:
    """Return the CPU (µs) that an event costs the server for each member.

    ``in_flight`` events are published at once, the next ones when every member
    has got these.
    """
    before = contender.server.cpu_seconds()
    for _ in range(events // in_flight):
        contender.publish(in_flight)
        crowd.expect(in_flight * len(crowd) * len(FRAME))
    spent = contender.server.cpu_seconds() - before
    return spent / (events // in_flight * in_flight * len(crowd)) * 1e6


def micros_a_handshake(server: Server, count: int, *, until: bytes) -> float:
    """Return the CPU (µs) of taking in a connection that nobody has signed in on."""
    server.rest()
    with Crowd(server.port) as crowd:
        before = server.cpu_seconds()
        crowd.connect([upgrade_request()] * count, until=until)
        return (server.cpu_seconds() - before) / count * 1e6


def micros_a_join(gateway: Gateway, people: "People") -> float:
    """Return the CPU (µs) of a connection with sign-in by header, welcome, and a room's state."""
    gateway.server.rest()
    with Crowd(gateway.server.port) as crowd:
        before = gateway.server.cpu_seconds()
        people.come_in(crowd)
        return (gateway.server.cpu_seconds() - before) / len(people) * 1e6


def bytes_a_connection(gateway: Gateway, people: "People") -> float:
    """Return the memory (bytes) of an idle connection that has one room open."""
    with Crowd(gateway.server.port) as crowd:
        before = gateway.server.memory_bytes()
        people.come_in(crowd)
        crowd.settle()
        return (gateway.server.memory_bytes() - before) / len(people)


class People:
    """People, and the room that each goes to."""

    def __init__(self, tokens: Sequence[str], room_ids: Sequence[str]) -> None:
        self._tokens = tokens
        self._room_ids = room_ids

    def __len__(self) -> int:
        return len(self._tokens)

    @classmethod
    def in_teams(cls, gateway: Gateway, count: int) -> "People":
        """Make so many people, ten to a room."""
        tokens = gateway.new_guests(count)
        rooms = gateway.new_rooms(tokens[0], -(-count // MEMBERS_A_ROOM))
        return cls(tokens, [rooms[number // MEMBERS_A_ROOM] for number in range(count)])

    @classmethod
    def one_person(cls, gateway: Gateway, count: int) -> "People":
        """Make one person who comes on so many connections, into one room."""
        tokens = gateway.new_guests(1)
        return cls(tokens * count, gateway.new_rooms(tokens[0], 1) * count)

    def come_in(self, crowd: Crowd) -> None:
        """Connect, sign in, and join the room."""
        crowd.connect([upgrade_request(token) for token in self._tokens], until=WELCOME)
        crowd.ask([join(room_id) for room_id in self._room_ids], until=JOINED)


MakePeople = Callable[[Gateway, int], People]
"""``People.in_teams`` or ``People.one_person``."""
