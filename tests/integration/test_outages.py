"""What an instance says and does while PostgreSQL or Redis is away, and after."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.backplane.client import open_client
from gateway.backplane.settings import RedisSettings
from gateway.embedded import EmbeddedServers, embedded_servers
from tests.support.backplane import paused
from tests.support.gateway_process import GatewayProcess, running_gateway
from tests.support.inbox import Inbox
from tests.support.socket_client import Refused, SocketClient, open_socket

pytestmark = pytest.mark.slow

Pair = tuple[GatewayProcess, GatewayProcess]

NOTICED_WITHIN_SECONDS = 10.0


@pytest.fixture(scope="module")
async def own_servers() -> AsyncIterator[EmbeddedServers]:
    """PostgreSQL and Redis for the tests of this module, each of which leaves them running."""
    # Short, for the path of the sockets in it.
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        async with embedded_servers(Path(folder)) as running:
            yield running


@pytest.fixture(scope="module")
async def fragile(
    own_servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    """Two instances on them."""
    folder = tmp_path_factory.mktemp("fragile")
    settings = {
        "database_url": own_servers.database_url,
        "redis_url": own_servers.redis_url,
        "arrivals_per_minute": 1_000,
    }
    async with (
        running_gateway(folder, **settings) as first,
        running_gateway(folder, **settings) as second,
    ):
        yield first, second


async def ready(gateway: GatewayProcess, *, wanted: int) -> dict[str, bool]:
    """Ask for the health until the status is the wanted one; return which parts are well."""
    async with gateway.http() as http, asyncio.timeout(NOTICED_WITHIN_SECONDS):
        while (answer := await http.get("/health/ready")).status_code != wanted:
            pass  # the answer takes its time
    return {name: part["ok"] for name, part in answer.json()["parts"].items()}


async def both_in_a_room(one: SocketClient, two: SocketClient, room: str) -> None:
    """Let both join and see each other."""
    await one.ask("room.join", room=room)
    await two.ask("room.join", room=room)
    await one.event("presence.changed", room, count=2)


async def test_without_redis_events_still_arrive_and_health_says_so(
    fragile: Pair, own_servers: EmbeddedServers
):
    """Promises P2 and P9: nothing is lost or doubled, and presence is right again after."""
    first, second = fragile
    ada, grace = await first.new_guest("Ada"), await second.new_guest("Grace")
    room = await first.new_room(ada, "Room")
    async with (
        open_socket(first.socket_url, ada.token) as of_ada,
        open_socket(second.socket_url, grace.token) as of_grace,
    ):
        await both_in_a_room(of_ada, of_grace, room)
        await ready(first, wanted=200)
        await own_servers.stop_redis()
        assert not (await ready(first, wanted=503))["backplane"]
        async with first.http() as http:
            assert (await http.get("/health/live")).status_code == 200
        seqs = []
        for number in range(3):
            ok = await of_ada.ask("chat.send", room=room, content=f"Without Redis {number}")
            seqs.append(ok["seq"])
        assert [(await of_grace.event("chat.message", room))["seq"] for _ in seqs] == seqs
        await own_servers.start_redis()
        for gateway in fragile:
            assert all((await ready(gateway, wanted=200)).values())
        hopper = await second.new_guest("Hopper")
        async with open_socket(second.socket_url, hopper.token) as of_hopper:
            state = await of_hopper.ask("room.join", room=room)
            here = {person["id"] for person in state["people"]}
            while here != {ada.id, grace.id, hopper.id}:
                change = (await of_hopper.event("presence.changed", room))["data"]
                here |= {person["id"] for person in change["joined"]}
            ok = await of_ada.ask("chat.send", room=room, content="With Redis")
            assert ok["seq"] == seqs[-1] + 2  # Hopper became a member
            for client in (of_grace, of_hopper):
                assert (await client.event("chat.message", room))["seq"] == ok["seq"]


async def test_without_redis_inboxes_follow_and_none_has_missed_anything_after(
    fragile: Pair, own_servers: EmbeddedServers
):
    """What is said for a person alone, too: a marker in a big room, an invitation."""
    first, second = fragile
    ada, grace = await first.new_guest("Ada"), await second.new_guest("Grace")
    room = await first.new_room(ada, "Room")
    secret = await first.new_room(ada, "Secret", is_private=True)
    async with (
        open_socket(first.socket_url, ada.token) as of_ada,
        open_socket(first.socket_url, grace.token) as near,
        open_socket(second.socket_url, grace.token) as far,
    ):
        await near.ask("room.join", room=room)
        inboxes = [await Inbox.open(client) for client in (near, far)]
        await ready(first, wanted=200)
        await own_servers.stop_redis()
        await ready(first, wanted=503)
        await of_ada.ask("chat.send", room=room, content="Hello", mentions=[grace.id])
        await of_ada.ask("room.invite", room=secret, user_id=grace.id)
        for inbox in inboxes:
            await inbox.shows(room, unread=1, mentions=1)
            await inbox.until(lambda inbox: len(inbox.invitations) == 1)
        await near.ask("chat.read", room=room)
        await own_servers.start_redis()
        for gateway in fragile:
            await ready(gateway, wanted=200)
        await of_ada.ask("chat.send", room=room, content="And on")
        for inbox in inboxes:
            await inbox.shows(room, unread=1, mentions=0)
    first_shown, second_shown = inboxes
    assert first_shown.rooms == second_shown.rooms


async def test_a_redis_that_hangs_is_noticed_like_one_that_is_gone(
    fragile: Pair, own_servers: EmbeddedServers
):
    """Every connection to it still stands."""
    first, second = fragile
    ada, grace = await first.new_guest("Ada"), await second.new_guest("Grace")
    room = await first.new_room(ada, "Room")
    async with (
        open_socket(first.socket_url, ada.token) as of_ada,
        open_socket(second.socket_url, grace.token) as of_grace,
    ):
        await both_in_a_room(of_ada, of_grace, room)
        with paused(own_servers.pids["redis"]):
            assert not (await ready(second, wanted=503))["backplane"]
            ok = await of_ada.ask("chat.send", room=room, content="Meanwhile")
            assert (await of_grace.event("chat.message", room))["seq"] == ok["seq"]
        for gateway in fragile:
            assert all((await ready(gateway, wanted=200)).values())
        ok = await of_grace.ask("chat.send", room=room, content="And on")
        for client in (of_ada, of_grace):
            event = await client.event("chat.message", room, content="And on")
            assert event["seq"] == ok["seq"]


async def test_an_emptied_redis_is_filled_again_with_who_is_here(
    fragile: Pair, own_servers: EmbeddedServers
):
    """Every key can be lost: those who are in stay, and who comes later sees them soon."""
    first, second = fragile
    ada, grace = await first.new_guest("Ada"), await second.new_guest("Grace")
    room = await first.new_room(ada, "Room")
    async with (
        open_socket(first.socket_url, ada.token) as of_ada,
        open_socket(second.socket_url, grace.token) as of_grace,
    ):
        await of_ada.ask("room.join", room=room)
        async with open_client(RedisSettings(url=own_servers.redis_url)) as redis:
            await redis.flushall()
        state = await of_grace.ask("room.join", room=room)
        here = {person["id"] for person in state["people"]}
        while here != {ada.id, grace.id}:
            change = (await of_grace.event("presence.changed", room))["data"]
            here |= {person["id"] for person in change["joined"]}
        await of_ada.event("presence.changed", room, count=2)


async def test_without_postgresql_commands_are_refused_and_connections_live(
    fragile: Pair, own_servers: EmbeddedServers
):
    """The refusal may be retried with the same key, which then has its one effect."""
    first, second = fragile
    ada, grace = await first.new_guest("Ada"), await second.new_guest("Grace")
    room = await first.new_room(ada, "Room")
    async with (
        open_socket(first.socket_url, ada.token) as of_ada,
        open_socket(second.socket_url, grace.token) as of_grace,
    ):
        await both_in_a_room(of_ada, of_grace, room)
        before = await of_ada.ask("chat.send", room=room, content="Before")
        await own_servers.stop_postgres()
        parts = await ready(first, wanted=503)
        assert (parts["database"], parts["backplane"]) == (False, True)
        with pytest.raises(Refused) as caught:
            await of_ada.ask("chat.send", room=room, key="k", content="Again")
        assert (caught.value.code, caught.value.retryable) == ("database_unavailable", True)
        with pytest.raises(Refused, match="database_unavailable"):
            await of_ada.ask("room.join", room=room)
        await of_ada.ask("ping")
        await own_servers.start_postgres()
        for gateway in fragile:
            assert all((await ready(gateway, wanted=200)).values())
        await of_ada.ask("room.join", room=room)
        ok = await of_ada.ask("chat.send", room=room, key="k", content="Again")
        assert ok["seq"] == before["seq"] + 1
        assert await of_ada.ask("chat.send", room=room, key="k", content="Again") == ok
        heard = [await of_grace.event("chat.message", room) for _ in range(2)]
        assert [event["seq"] for event in heard] == [before["seq"], ok["seq"]]


async def test_every_part_is_named_with_its_time(pair: Pair):
    """For whoever looks why an instance gets no traffic."""
    assert all((await ready(pair[0], wanted=200)).values())
    async with pair[0].http() as http:
        answer = await http.get("/health/ready")
    parts = answer.json()["parts"]
    assert set(parts) == {"database", "backplane", "migrations", "serving"}
    assert all(part["ms"] >= 0 and part["detail"] for part in parts.values())
