"""What ends a membership ends it at once, on live connections everywhere."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.support.gateway_process import GatewayProcess, Guest
from tests.support.socket_client import Message, Refused, SocketClient

Connect = Callable[..., Awaitable[SocketClient]]
StartGateway = Callable[..., Awaitable[GatewayProcess]]
Pair = tuple[GatewayProcess, GatewayProcess]


def room_closed(room: str) -> Callable[[Message], bool]:
    """Return the test for the notice that a room is closed."""
    return lambda m: m.get("type") == "room.closed" and m["data"] == {"room": room}


async def hears_nothing_of(client: SocketClient, room: str) -> bool:
    """Whether nothing of a room comes before the answer to a ping."""
    await client.ask("ping")
    await asyncio.sleep(0.2)
    await client.ask("ping")
    heard: list[Message] = []
    while True:
        try:
            async with asyncio.timeout(0.1):
                heard.append(await client.take(lambda m: m.get("room") == room))
        except TimeoutError:
            return heard == []


@pytest.mark.parametrize("command", ["member.kick", "member.ban"])
async def test_who_is_put_out_hears_that_and_nothing_more(
    pair: Pair, connect: Connect, ada: Guest, grace: Guest, room: str, *, command: str
):
    """On every connection, whichever instance; the others see them go."""
    of_ada = await connect(pair[0], ada)
    await of_ada.ask("room.join", room=room)
    tabs = [await connect(gateway, grace) for gateway in pair]
    for tab in tabs:
        await tab.ask("room.join", room=room)
    while grace.id not in {
        person["id"] for person in (await of_ada.event("presence.changed", room))["data"]["joined"]
    }:
        pass
    await of_ada.ask(command, room=room, user_id=grace.id)
    await of_ada.ask("chat.send", room=room, content="Are they gone?")
    for tab in tabs:
        left = await tab.event("member.left", room)
        assert left["data"]["user"]["id"] == grace.id
        await tab.take(room_closed(room))
        with pytest.raises(Refused, match="not_a_member"):
            await tab.ask("chat.send", room=room, content="But")
        with pytest.raises(Refused, match="not_a_member"):
            await tab.ask("typing.start", room=room)
        while await of_left_overs(tab, room):
            pass
        assert await hears_nothing_of(tab, room)
    await of_ada.event("presence.changed", room, left=[grace.id])
    if command == "member.ban":
        with pytest.raises(Refused, match="banned"):
            await tabs[0].ask("room.join", room=room)
    else:
        assert (await tabs[0].ask("room.join", room=room))["room"]["role"] == "member"


async def of_left_overs(client: SocketClient, room: str) -> bool:
    """Take one event of the room that came before its end."""
    try:
        async with asyncio.timeout(0.1):
            event = await client.take(lambda m: m.get("room") == room)
    except TimeoutError:
        return False
    assert event.get("data", {}).get("content") != "Are they gone?"
    return True


async def test_who_was_put_out_while_away_does_not_come_back_by_resuming(
    pair: Pair, connect: Connect, ada: Guest, grace: Guest, room: str
):
    """Only by joining anew, which is a decision."""
    of_ada, of_grace = await connect(pair[0], ada), await connect(pair[1], grace)
    position = (await of_grace.ask("room.join", room=room))["position"]
    await of_grace.close()
    await of_ada.ask("member.kick", room=room, user_id=grace.id)
    again = await connect(pair[1], grace)
    with pytest.raises(Refused, match="not_a_member"):
        await again.ask("room.join", room=room, since=position)
    assert (await again.ask("room.join", room=room))["resume"] == "snapshot"


async def test_who_leaves_is_out_on_all_their_connections(
    pair: Pair, connect: Connect, ada: Guest, grace: Guest, room: str
):
    """For good: the other tab does not linger."""
    of_ada = await connect(pair[0], ada)
    await of_ada.ask("room.join", room=room)
    tabs = [await connect(gateway, grace) for gateway in pair]
    for tab in tabs:
        await tab.ask("room.join", room=room)
    await tabs[0].ask("member.leave", room=room)
    for tab in tabs:
        await tab.take(room_closed(room))
    await of_ada.event("member.left", room)


async def test_a_kick_reaches_an_instance_that_does_not_hear(
    start_gateway: StartGateway, connect: Connect
):
    """Without Redis the event comes from the log, and does what it does."""
    first, second = [await start_gateway(redis_url="redis://127.0.0.1:1/0") for _ in range(2)]
    ada, grace = await first.new_guest("Ada"), await second.new_guest("Grace")
    room = await first.new_room(ada, "Deaf")
    of_ada, of_grace = await connect(first, ada), await connect(second, grace)
    await of_grace.ask("room.join", room=room)
    await of_ada.ask("member.kick", room=room, user_id=grace.id)
    await of_grace.event("member.left", room)
    await of_grace.take(room_closed(room))


async def test_a_mute_and_a_role_hold_at_once_on_the_other_instance(
    pair: Pair, connect: Connect, ada: Guest, grace: Guest, room: str
):
    """Every command reads its actor's standing under the room's lock."""
    of_ada, of_grace = await connect(pair[0], ada), await connect(pair[1], grace)
    await of_grace.ask("room.join", room=room)
    until = "2099-01-01T00:00:00Z"
    await of_ada.ask("member.mute", room=room, user_id=grace.id, until=until)
    with pytest.raises(Refused, match="muted"):
        await of_grace.ask("chat.send", room=room, content="x")
    await of_ada.ask("member.mute", room=room, user_id=grace.id, until=None)
    await of_grace.ask("chat.send", room=room, content="x")
    with pytest.raises(Refused, match="forbidden"):
        await of_grace.ask("room.update", room=room, name="Mine")
    await of_ada.ask("member.set_role", room=room, user_id=grace.id, role="admin")
    await of_grace.ask("room.update", room=room, name="Mine")
    state = await of_grace.ask("room.join", room=room)
    assert (state["room"]["name"], state["room"]["role"]) == ("Mine", "admin")


async def test_a_deleted_message_is_in_no_replay(
    pair: Pair, connect: Connect, ada: Guest, grace: Guest, room: str
):
    """Not even where the page of the log had been read before, on the other instance."""
    of_ada, of_grace = await connect(pair[0], ada), await connect(pair[1], grace)
    state = await of_grace.ask("room.join", room=room)
    await of_ada.ask("chat.send", room=room, content="my secret")
    message = (await of_grace.event("chat.message", room))["data"]["id"]
    for _ in range(2):
        tab = await connect(pair[1], grace)
        answer = await tab.ask("room.join", room=room, since=state["position"])
        assert answer["resume"] == "replay"
        await tab.event("chat.message", room, content="my secret")
    await of_ada.ask("chat.delete", room=room, message_id=message)
    await of_grace.event("chat.deleted", room)
    tab = await connect(pair[1], grace)
    await tab.ask("room.join", room=room, since=state["position"])
    assert (await tab.event("chat.message", room))["data"]["content"] == ""
    await tab.event("chat.deleted", room)
    assert b"secret" not in tab.received
