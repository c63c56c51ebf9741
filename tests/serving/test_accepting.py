"""The door, over real sockets and the event loop of the gateway."""

import asyncio
import itertools
import socket
from collections.abc import Callable
from typing import cast

import pytest
import uvloop
from typing_extensions import override

from gateway.serving import accepting
from gateway.serving.accepting import AT_ONCE, Door

STORM = 50


class Guest(asyncio.Protocol):
    """Somebody who has come in, and what they said."""

    def __init__(self, turn: int) -> None:
        self.turn = turn
        self.said = b""

    @override
    def data_received(self, data: bytes) -> None:
        self.said += data


async def storm(is_crowded: Callable[[int], bool]) -> list[Guest]:
    """Have a storm at a door, crowded or not as of the guests that are in; return all of them.

    One among them says nothing, one says much, and one has left again.
    """
    guests: list[Guest] = []
    turn = 0

    def let_in() -> Guest:
        guests.append(Guest(turn))
        return guests[-1]

    door = Door(let_in, lambda: is_crowded(len(guests)))
    server = await asyncio.get_running_loop().create_server(door.newcomer, "127.0.0.1", 0)
    clients = [socket.create_connection(server.sockets[0].getsockname()) for _ in range(STORM)]
    for client in clients[2:]:
        client.sendall(b"GET /ws")
    talkative = asyncio.get_running_loop().run_in_executor(
        None, clients[1].sendall, b"x" * 1_000_000
    )
    async with asyncio.timeout(15):
        while len(guests) < STORM - 1 or sum(len(guest.said) for guest in guests) < 1_000_000:
            turn += 1
            await asyncio.sleep(0)
    await talkative
    server.close()
    for client in clients:
        client.close()
    return guests


def turns(guests: list[Guest]) -> list[int]:
    """Return how many came in with each turn in which somebody did."""
    return [sum(guest.turn == turn for guest in guests) for turn in {g.turn for g in guests}]


def test_a_storm_comes_in_a_few_with_each_turn_of_the_loop():
    """Whoever is in has their turn between them; who says nothing stays outside."""
    guests = uvloop.run(storm(lambda _: False))
    assert len(guests) == STORM - 1
    assert max(turns(guests)) <= AT_ONCE
    assert sorted({guest.said[:7] for guest in guests}) == [b"GET /ws", b"xxxxxxx"]


def test_while_many_are_on_their_way_the_others_wait_at_the_door(monkeypatch: pytest.MonkeyPatch):
    """Nobody is refused."""
    monkeypatch.setattr(accepting, "PACE_SECONDS", 0.2)
    guests = uvloop.run(storm(lambda inside: inside <= AT_ONCE))
    assert len(guests) == STORM - 1
    by_turn = sorted(guest.turn for guest in guests)
    waits = [later - earlier for earlier, later in itertools.pairwise(by_turn)]
    assert min(waits[:AT_ONCE]) > 10  # one by one
    assert 0 in waits  # and when it was not crowded any more, several at once


def test_who_has_gone_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch):
    """At a crowded door, a place is theirs who are there."""
    monkeypatch.setattr(accepting, "PACE_SECONDS", 0.3)

    async def come_behind_a_dead_crowd() -> float:
        loop = asyncio.get_running_loop()
        door = Door(Answering, lambda: True)
        server = await loop.create_server(door.newcomer, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        for _ in range(20):
            with socket.create_connection(address) as gone:
                gone.sendall(b"GET /ws")
            await asyncio.sleep(0)
        started = loop.time()
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET /ws")
        await reader.read(100)
        writer.close()
        server.close()
        return loop.time() - started

    assert uvloop.run(come_behind_a_dead_crowd()) < 3


class Stumbling(asyncio.Protocol):
    """Fails at what it is told."""

    @override
    def data_received(self, data: bytes) -> None:
        raise ValueError(data)


class Answering(asyncio.Protocol):
    """Says back what it hears."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


async def answers(door: Door, *requests: bytes) -> list[bytes]:
    """Come to a door one after another; return what is heard first from inside, b"" if cut off."""
    server = await asyncio.get_running_loop().create_server(door.newcomer, "127.0.0.1", 0)
    heard, writers = [], []
    for request in requests:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writers.append(writer)
        writer.write(request)
        if request.startswith(b"GET"):
            async with asyncio.timeout(5):
                heard.append(await reader.read(100))
    for writer in writers:
        writer.close()
    server.close()
    return heard


def test_one_whose_protocol_fails_is_cut_off_and_does_not_bar_the_way():
    """Whoever stands behind comes in."""
    makers = iter([Stumbling, None, Answering])

    def make() -> asyncio.Protocol:
        maker = next(makers)
        if maker is None:
            raise ValueError("no protocol for this one")
        return maker()

    door = Door(make, lambda: False)
    assert uvloop.run(answers(door, b"GET /a", b"GET /b", b"GET /c")) == [b"", b"", b"GET /c"]


@pytest.mark.parametrize("question", [b"GET /health/live", b"GET /metrics HTTP/1.1"])
def test_who_asks_how_the_instance_is_does_not_wait(
    monkeypatch: pytest.MonkeyPatch, question: bytes
):
    """The probes of a load balancer and of Prometheus pass the crowd."""
    monkeypatch.setattr(accepting, "PACE_SECONDS", 60)
    door = Door(Answering, lambda: True)
    assert uvloop.run(answers(door, b"POST /", question)) == [question]


def test_who_says_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch):
    """Nobody counts them, so they must not stay."""
    monkeypatch.setattr(accepting, "SILENT_SECONDS", 0.05)

    async def come() -> bytes:
        door = Door(Answering, lambda: False)
        server = await asyncio.get_running_loop().create_server(door.newcomer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        async with asyncio.timeout(5):
            heard = await reader.read()
        writer.close()
        server.close()
        return heard

    assert uvloop.run(come()) == b""
