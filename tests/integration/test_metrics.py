"""What Prometheus reads from a real instance, compared with what was done to it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from gateway.core.close_codes import CloseCode
from gateway.core.identity import Identity
from gateway.core.ids import RoomId, SessionId, UserId
from gateway.embedded import EmbeddedServers
from gateway.runtime.metrics import METRICS
from gateway.storage.database import Database, DatabaseSettings
from tests.support.gateway_process import GatewayProcess, Guest, running_gateway
from tests.support.ledgers import open_book, say
from tests.support.socket_client import Refused, SocketClient, open_socket

Samples = dict[str, float]

NOTICED_WITHIN_SECONDS = 15.0
MANY, MORE = 150, 20
CONTENT = "x" * 7_900
"""Many of these are far more than the buffers between the two sides hold."""

NO_ID = "00000000-0000-4000-8000-000000000000"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"


async def scrape(gateway: GatewayProcess) -> Samples:
    """Read every sample, by its name and its only label's value: ``name`` or ``name:value``."""
    async with gateway.http() as http:
        answer = await http.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, PLAIN)
    return {
        ":".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def scrape_until(gateway: GatewayProcess, name: str, wanted: float) -> Samples:
    """Read until a sample has the value."""
    async with asyncio.timeout(NOTICED_WITHIN_SECONDS):
        while (samples := await scrape(gateway))[name] != wanted:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    return samples


@pytest.fixture(scope="module")
async def lonely(
    servers: EmbeddedServers, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    """An instance that only these tests use, so that its counts are theirs."""
    async with running_gateway(
        tmp_path_factory.mktemp("lonely"),
        database_url=database_url,
        redis_url=servers.redis_url,
        arrivals_per_minute=10_000,
    ) as gateway:
        yield gateway


@pytest.fixture
async def before(lonely: GatewayProcess) -> Samples:
    """What had been counted before the test, when all connections were closed."""
    return await scrape_until(lonely, "parley_connections", 0)


def risen(before: Samples, after: Samples) -> Samples:
    """Return by how much each sample has grown."""
    return {name: value - before[name] for name, value in after.items()}


async def in_a_room(gateway: GatewayProcess, *clients: SocketClient, owner: Guest) -> str:
    """Let all of them into a new room, and wait until each has heard of the last one."""
    room = await gateway.new_room(owner, "Room")
    for client in clients:
        await client.ask("room.join", room=room)
    for client in clients:
        await client.event("presence.changed", room, count=len(clients))
    return room


async def test_a_scrape_tells_what_was_done(lonely: GatewayProcess, before: Samples):
    """Commands by their outcome, deliveries, connections, rooms, and the ledger's figures."""
    ada, grace = await lonely.new_guest("Ada"), await lonely.new_guest("Grace")
    async with (
        open_socket(lonely.socket_url, ada.token) as of_ada,
        open_socket(lonely.socket_url, grace.token) as of_grace,
    ):
        room = await in_a_room(lonely, of_ada, of_grace, owner=ada)
        settled = await scrape(lonely)
        for number in range(5):
            await of_ada.ask("chat.send", room=room, content=f"Message {number}")
        with pytest.raises(Refused, match="invalid_state"):
            await of_ada.ask("poker.reveal", room=room, story_id=NO_ID)
        for client in (of_ada, of_grace):
            await client.event("chat.message", room, content="Message 4")
        now = await scrape(lonely)
    news = risen(settled, now)
    assert news["parley_commands_total:committed"] == 5
    assert news["parley_commands_total:invalid_state"] == 1
    assert news["parley_errors_total:invalid_state"] == 1
    assert news["parley_deliveries_total"] == 5 * 2
    assert news["parley_command_seconds_count"] == 6
    assert news["parley_ledger_transaction_seconds_bucket:+Inf"] == 6
    assert news["parley_ledger_batch_commands_bucket:1.0"] == 6
    assert news["parley_ledger_batch_commands_sum"] == 6
    assert 0 < news["parley_ledger_transaction_seconds_sum"] <= news["parley_command_seconds_sum"]
    assert (now["parley_connections"], now["parley_rooms"], now["parley_ledger_queue"]) == (2, 1, 0)
    assert now["parley_backplane_hears"] == 1
    assert now["parley_live_instances"] >= 1
    assert 0 <= now["parley_database_pool_idle"] <= now["parley_database_pool_size"]
    assert now["process_resident_memory_bytes"] > 10_000_000
    after = await scrape_until(lonely, "parley_connections", 0)
    assert risen(before, after)["parley_connections_opened_total"] == 2
    assert after["parley_rooms"] == 0


async def test_mistakes_and_closes_are_told_by_their_codes(lonely: GatewayProcess, before: Samples):
    """Also those that come to no ledger."""
    async with open_socket(lonely.socket_url) as stranger:
        await stranger.send_text("no JSON")
        await stranger.error_notice()
        with pytest.raises(Refused, match="unauthenticated"):
            await stranger.ask("chat.send", room=NO_ID, content="Hello")
        await stranger.send_text(b"\xff")
        assert await stranger.closed() == CloseCode.NOT_UTF8
    news = risen(before, await scrape(lonely))
    assert news["parley_errors_total:bad_json"] == 1
    assert news["parley_errors_total:unauthenticated"] == 1
    assert news["parley_connections_closed_total:not_utf8"] == 1
    assert news["parley_connections_closed_total:slow_reader"] == 0
    assert news["parley_command_seconds_count"] == 0


async def test_a_slow_reader_shows_until_it_has_caught_up(lonely: GatewayProcess, before: Samples):
    """Parked once, however often the log has to wait for it, and fed from the log."""
    ada, grace = await lonely.new_guest("Ada"), await lonely.new_guest("Grace")
    slow = await SocketClient.open(
        lonely.socket_url, token=grace.token, receive_buffer_bytes=64 * 1024
    )
    async with open_socket(lonely.socket_url, ada.token) as of_ada:
        room = await in_a_room(lonely, slow, owner=ada)
        said = [
            await of_ada.say("chat.send", room=room, content=f"{number} {CONTENT}")
            for number in range(MANY)
        ]
        for command_id in said:
            await of_ada.answer(command_id)
        parked = risen(before, await scrape_until(lonely, "parley_readers_parked", 1))
        assert parked["parley_parkings_total"] == 1
        for number in range(MORE):
            await of_ada.ask("chat.send", room=room, content=f"{number} more")
        for _ in range(MANY + MORE):
            await slow.event("chat.message", room)
        await slow.take(lambda message: message.get("type") == "behind")
        news = risen(before, await scrape_until(lonely, "parley_readers_parked", 0))
    assert news["parley_parkings_total"] == 1
    assert MORE <= news["parley_log_events_total:catch_up"] <= MANY + MORE
    assert news["parley_log_events_total:heal"] == 0
    await slow.close()


async def test_every_metric_is_told_from_the_beginning(lonely: GatewayProcess):
    """In both formats, of which the reader chooses."""
    async with lonely.http() as http:
        plain = await http.get("/metrics")
        modern = await http.get(
            "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"}
        )
        described = await http.get("/docs/openapi.json")
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    families = {family.name: family for family in text_string_to_metric_families(plain.text)}
    assert families.keys() == {family.name for family in openmetrics_families(modern.text)}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, bool(family.samples)) == (metric.type, True)
    assert {name for name in families if not name.startswith("parley_")} == {
        "process_cpu_seconds",
        "process_max_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "python_gc_collections",
        "python_gc_objects_collected",
        "python_gc_objects_uncollectable",
    }
    assert "/metrics" not in described.json()["paths"]


@pytest.fixture
async def on_own_servers(
    private_servers: EmbeddedServers, tmp_path: Path
) -> AsyncIterator[GatewayProcess]:
    """An instance whose Redis the test may stop."""
    async with running_gateway(
        tmp_path,
        database_url=private_servers.database_url,
        redis_url=private_servers.redis_url,
    ) as gateway:
        yield gateway


@pytest.mark.slow
async def test_without_redis_the_backplane_is_not_heard_and_the_log_is_polled(
    on_own_servers: GatewayProcess, private_servers: EmbeddedServers
):
    """What another ledger commits meanwhile counts as healed; then Redis is heard again."""
    before = await scrape_until(on_own_servers, "parley_backplane_hears", 1)
    assert before["parley_backplane_echo_seconds_count"] > 0
    ada = await on_own_servers.new_guest("Ada")
    async with open_socket(on_own_servers.socket_url, ada.token) as of_ada:
        room = await in_a_room(on_own_servers, of_ada, owner=ada)
        await private_servers.stop_redis()
        await scrape_until(on_own_servers, "parley_backplane_hears", 0)
        await say_elsewhere(private_servers.database_url, RoomId(UUID(room)), ada)
        await of_ada.event("chat.message", room)
        healed = await scrape_until(on_own_servers, "parley_rooms_behind", 0)
    assert risen(before, healed)["parley_log_events_total:heal"] == 1
    assert risen(before, healed)["parley_gaps_healed_total"] == 1
    await private_servers.start_redis()
    await scrape_until(on_own_servers, "parley_backplane_hears", 1)


async def say_elsewhere(database_url: str, room_id: RoomId, guest: Guest) -> None:
    """Have another ledger commit a message, which publishes it to nobody."""
    actor = Identity(
        UserId(UUID(guest.id)), guest.name, None, is_guest=True, session_id=SessionId("elsewhere")
    )
    database = await Database.open(DatabaseSettings(database_url))
    async with open_book(database) as book:
        await book.ledger.submit(say(room_id, actor))
    await database.close()
