"""The main job: people on two instances see each other, talk and decide."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from support.gateway_process import GatewayProcess, Guest
from support.socket_client import Message, SocketClient

Connect = Callable[[GatewayProcess, Guest], Awaitable[SocketClient]]


@pytest.fixture
async def both(
    pair: tuple[GatewayProcess, GatewayProcess],
    connect: Connect,
    ada: Guest,
    grace: Guest,
    room: str,
) -> tuple[SocketClient, SocketClient]:
    """Ada on the first instance and Grace on the second, both in the room and aware of it."""
    first, second = pair
    of_ada, of_grace = await connect(first, ada), await connect(second, grace)
    await of_ada.ask("room.join", room=room)
    await of_grace.ask("room.join", room=room)
    await of_ada.event("presence.changed", room, count=2)
    return of_ada, of_grace


def names(people: list[Message]) -> set[str]:
    """Return the names of people on the wire."""
    return {person["name"] for person in people}


async def test_whoever_joins_is_seen_on_the_other_instance(
    pair: tuple[GatewayProcess, GatewayProcess],
    connect: Connect,
    ada: Guest,
    grace: Guest,
    room: str,
):
    """And sees who is there already; the membership itself is an event of the log."""
    of_ada = await connect(pair[0], ada)
    state = await of_ada.ask("room.join", room=room)
    assert state["room"]["id"] == room
    assert state["room"]["role"] == "admin"
    of_grace = await connect(pair[1], grace)
    state = await of_grace.ask("room.join", room=room)
    assert names(state["people"]) == {ada.name, grace.name}
    assert state["room"]["role"] == "member"
    joined = await of_ada.event("member.joined", room)
    assert joined["data"]["user"]["id"] == grace.id
    assert joined["seq"] == state["position"]["seq"]
    change = await of_ada.event("presence.changed", room, count=2)
    assert names(change["data"]["joined"]) == {grace.name}
