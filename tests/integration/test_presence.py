"""How people are, over several connections and instances, and what is written down of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import httpx
import pytest

from tests.support.gateway_process import GatewayProcess, Guest
from tests.support.socket_client import Closed, Message, Refused, SocketClient
from tests.support.waiting import WAIT_SECONDS

Connect = Callable[[GatewayProcess, Guest], Awaitable[SocketClient]]
StartGateway = Callable[..., Awaitable[GatewayProcess]]
Pair = tuple[GatewayProcess, GatewayProcess]

GHOST_SECONDS = 15.0
"""Promise P7."""


@pytest.fixture
async def watcher(pair: Pair, connect: Connect, ada: Guest, room: str) -> SocketClient:
    """Ada, on the first instance, who looks on."""
    of_ada = await connect(pair[0], ada)
    await of_ada.ask("room.join", room=room)
    return of_ada


async def status_of(client: SocketClient, room: str, guest: Guest) -> str:
    """Wait until somebody's status is told to be another, and return it."""

    def changed(message: Message) -> bool:
        if message.get("type") != "presence.changed" or message["room"] != room:
            return False
        return guest.id in {person["id"] for person in message["data"]["changed"]}

    change = await client.take(changed)
    (status,) = (p["status"] for p in change["data"]["changed"] if p["id"] == guest.id)
    assert isinstance(status, str)
    return status


@pytest.fixture
async def asking(pair: Pair, ada: Guest) -> AsyncIterator[httpx.AsyncClient]:
    """Ada, who asks about people; over HTTP, where she may as often as she likes."""
    async with pair[0].http(ada) as http:
        yield http


async def look_up(http: httpx.AsyncClient, guest: Guest) -> Message:
    """Return what is written of a person."""
    view: Message = (await http.get(f"/v1/people/{guest.id}")).json()
    return view


async def until_online(http: httpx.AsyncClient, guest: Guest, *, wanted: bool) -> Message:
    """Ask about a person until it is written that they are online, or are not."""
    async with asyncio.timeout(WAIT_SECONDS):
        while (view := await look_up(http, guest))["is_online"] != wanted:
            pass  # a round trip a turn
    return view


async def test_who_has_several_tabs_is_away_when_all_of_them_are(
    pair: Pair, connect: Connect, watcher: SocketClient, grace: Guest, room: str
):
    """On one instance and on two: the busiest wins, also where one of them goes."""
    tabs = [await connect(gateway, grace) for gateway in (pair[0], pair[0], pair[1])]
    for tab in tabs:
        await tab.ask("room.join", room=room)
    for tab in tabs:
        await tab.ask("presence.set", status="away")
    assert await status_of(watcher, room, grace) == "away"
    late = await connect(pair[1], await pair[1].new_guest("Hopper"))
    state = await late.ask("room.join", room=room)
    assert {p["name"]: p["status"] for p in state["people"]}[grace.name] == "away"
    await tabs[2].ask("ping")
    await tabs[2].ask("chat.send", room=room, content="Back")
    for client in (watcher, late):
        assert await status_of(client, room, grace) == "online"
    await tabs[2].ask("room.leave", room=room)
    assert await status_of(watcher, room, grace) == "away"
    await tabs[0].ask("presence.set", status="online")
    assert await status_of(watcher, room, grace) == "online"


async def test_who_falls_idle_is_away_until_the_next_command(
    start_gateway: StartGateway, connect: Connect, watcher: SocketClient, grace: Guest, room: str
):
    """After ``AWAY_AFTER_SECONDS``, whatever the pings say; seen from another instance."""
    of_grace = await connect(await start_gateway(away_after_seconds=0.5), grace)
    await of_grace.ask("room.join", room=room)
    await of_grace.ask("ping")
    assert await status_of(watcher, room, grace) == "away"
    await of_grace.ask("ping")
    await of_grace.ask("typing.start", room=room)
    assert await status_of(watcher, room, grace) == "online"


async def test_who_comes_back_is_as_they_were(
    pair: Pair, connect: Connect, watcher: SocketClient, grace: Guest, room: str
):
    """Without being busy for a moment; with the first room of a connection."""
    before = await connect(pair[1], grace)
    state = await before.ask("room.join", room=room)
    await before.ask("presence.set", status="away")
    assert await status_of(watcher, room, grace) == "away"
    after = await connect(pair[0], grace)
    since = {name: state["position"][name] for name in ("epoch", "seq")}
    back = await after.ask("room.join", room=room, since=since, status="away")
    assert {p["id"]: p["status"] for p in back["people"]}[grace.id] == "away"
    await before.abort()
    await after.ask("typing.start", room=room)
    assert await status_of(watcher, room, grace) == "online"
    other = (await after.ask("room.create", name="Other"))["id"]
    late = await after.ask("room.join", room=other, status="away")
    assert {p["id"]: p["status"] for p in late["people"]}[grace.id] == "online"


async def test_what_is_written_of_a_person_is_what_is_so(
    pair: Pair, connect: Connect, watcher: SocketClient, asking: httpx.AsyncClient, grace: Guest
):
    """Over WebSocket and HTTP alike; who went was seen when they went."""
    assert not (await look_up(asking, grace))["is_online"]
    of_grace = await connect(pair[1], grace)
    here = await until_online(asking, grace, wanted=True)
    await of_grace.close()
    gone = await until_online(asking, grace, wanted=False)
    assert gone["last_seen"] > here["last_seen"]
    assert await watcher.ask("person.get", user_id=grace.id) == gone
    nobody = str(uuid4())
    listed = await watcher.ask("person.list", user_ids=[nobody, grace.id])
    assert listed == {"people": [gone]}
    with pytest.raises(Refused, match="unknown_person"):
        await watcher.ask("person.get", user_id=nobody)


@pytest.mark.slow
async def test_the_people_of_a_killed_instance_are_offline_within_fifteen_seconds(
    pair: Pair,
    start_gateway: StartGateway,
    connect: Connect,
    asking: httpx.AsyncClient,
    grace: Guest,
):
    """Promise P7, in what is written as well; who had a tab elsewhere stays online."""
    doomed = await start_gateway()
    hopper = await pair[0].new_guest("Hopper")
    for gateway, guest in ((doomed, hopper), (doomed, grace), (pair[1], grace)):
        await connect(gateway, guest)
    for guest in (hopper, grace):
        here = await until_online(asking, guest, wanted=True)
    await doomed.kill()
    async with asyncio.timeout(GHOST_SECONDS):
        gone = await until_online(asking, hopper, wanted=False)
    assert gone["last_seen"] > here["last_seen"]
    assert (await until_online(asking, grace, wanted=True))["is_online"]


@pytest.mark.slow
async def test_a_drain_does_not_flicker(
    pair: Pair,
    start_gateway: StartGateway,
    connect: Connect,
    watcher: SocketClient,
    asking: httpx.AsyncClient,
    grace: Guest,
    room: str,
):
    """Who comes back elsewhere was never gone, in the room or in what is written; others are."""
    drained = await start_gateway()
    hopper = await pair[0].new_guest("Hopper")
    of_grace, of_hopper = await connect(drained, grace), await connect(drained, hopper)
    for client in (of_grace, of_hopper):
        await client.ask("room.join", room=room)
    for guest in (grace, hopper):
        await until_online(asking, guest, wanted=True)
    stopped = asyncio.Event()

    async def stop() -> None:
        await drained.clean_up()
        stopped.set()

    async def come_back() -> None:
        for client in (of_grace, of_hopper):
            with pytest.raises(Closed):
                await client.event("never", room)
            await client.abort()
        back = await connect(pair[1], grace)
        await back.ask("room.join", room=room)
        while not stopped.is_set():
            assert (await look_up(asking, grace))["is_online"]

    await asyncio.gather(stop(), come_back())
    assert not (await look_up(asking, hopper))["is_online"]
    assert (await look_up(asking, grace))["is_online"]
    left = await watcher.take(
        lambda message: message.get("type") == "presence.changed" and bool(message["data"]["left"])
    )
    assert left["data"]["left"] == [hopper.id]
