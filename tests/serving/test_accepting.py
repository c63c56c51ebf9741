import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from typing_extensions import override

from gateway.runtime.supervision import Supervisor
from gateway.serving import accepting
from gateway.serving.accepting import accept
from tests.support.waiting import WAIT_SECONDS

TURNS = 50


class Door:
    """Takes connections in, while it is crowded or not."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.is_crowded = False
        self.taken: list[asyncio.BaseTransport] = []
        self._address = address

    def knock(self, clients: int) -> list[socket.socket]:
        """Connect so many, all of which the kernel lets in."""
        return [socket.create_connection(self._address) for _ in range(clients)]

    async def has_taken(self, clients: int) -> None:
        """Wait until so many are in."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.taken) < clients:  # noqa: ASYNC110 - it is the acceptor's turn
                await asyncio.sleep(0)


@asynccontextmanager
async def open_door() -> AsyncIterator[Door]:
    """Accept for the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        door = Door(listener.getsockname())

        class Guest(asyncio.Protocol):
            @override
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                door.taken.append(transport)

        supervisor = Supervisor()
        supervisor.service("accept", accept(listener, Guest, lambda: door.is_crowded))
        yield door
        await supervisor.stop()
        for transport in door.taken:
            transport.close()


async def test_a_storm_is_taken_one_in_a_turn_of_the_loop():
    """Whoever is in has a turn between any two of them."""
    async with open_door() as door:
        clients = door.knock(30)
        before = len(door.taken)
        while before < len(clients):
            await asyncio.sleep(0)
            assert len(door.taken) - before <= 1
            before = len(door.taken)
        for client in clients:
            client.close()


async def test_while_many_are_on_their_way_in_the_others_wait_at_the_door(
    monkeypatch: pytest.MonkeyPatch,
):
    """One comes in now and then; nobody is refused."""
    monkeypatch.setattr(accepting, "PACE_SECONDS", 0.05)
    async with open_door() as door:
        door.is_crowded = True
        clients = door.knock(5)
        await door.has_taken(1)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert len(door.taken) < len(clients)
        door.is_crowded = False
        await door.has_taken(len(clients))
        for client in clients:
            client.close()
