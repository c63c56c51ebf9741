"""Everything a client can do wrong has its answer, and the connection lives where it can."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from gateway.core.frames import text_frame
from tests.support.gateway_process import GatewayProcess, Guest
from tests.support.socket_client import Refused, SocketClient

Connect = Callable[..., Awaitable[SocketClient]]
Pair = tuple[GatewayProcess, GatewayProcess]


@pytest.fixture
async def client(pair: Pair, connect: Connect, ada: Guest) -> SocketClient:
    """Ada's connection."""
    return await connect(pair[0], ada)


async def refusal(client: SocketClient, command: str, **fields: object) -> str:
    """Give a command that is refused, check that the connection lives, return the code."""
    with pytest.raises(Refused) as caught:
        await client.ask(command, **fields)
    assert caught.value.message.endswith(".")
    await client.ask("ping")
    return caught.value.code


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET //[ HTTP/1.1", [], b"404"),
        ("GET /ws HTTP/1.1", ["Origin: http://a.example", "Origin: http://b.example"], b"400"),
        ("GET /ws HTTP/1.1", ["Authorization: Bearer a", "Authorization: Bearer b"], b"400"),
        ("GET /ws HTTP/1.1", ["Accept: nonsense;q=much"], b"101"),
    ],
)
async def test_a_strange_handshake_is_answered_and_bars_nobodys_way(
    pair: Pair, connect: Connect, ada: Guest, request_line: str, headers: list[str], status: bytes
):
    """Nobody is counted in who is not, and whoever comes next is let in."""
    host, _, port = pair[0].url.removeprefix("http://").partition(":")
    upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    lines = [request_line, f"Host: {host}:{port}", *upgrade, key, *headers, "", ""]
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(5):
        assert (await reader.readline()).split(b" ")[1] == status
    writer.close()
    client = await connect(pair[0], ada)
    await client.ask("ping")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hello", "bad_json"),
        ("[1, 2]", "bad_json"),
        ("", "bad_json"),
        ('{"id": 1, "type":', "bad_json"),
        ("[" * 60_000, "bad_json"),
        ('{"type": "ping"}', "invalid_field"),
        ('{"id": "x", "type": "ping"}', "invalid_field"),
        ('{"type": "nonsense"}', "unknown_type"),
        ("x" * 65_537, "too_large"),
    ],
)
async def test_a_message_without_a_readable_id_gets_an_error_notice(
    client: SocketClient, text: str, code: str
):
    """There is nothing to which a reply could refer."""
    await client.send_text(text)
    notice = await client.error_notice()
    assert (notice.code, notice.retryable) == (code, False)
    await client.ask("ping")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "chat.sned"}, "unknown_type"),
        ({}, "invalid_field"),
        ({"type": "chat.send", "data": {"content": "Hello"}}, "invalid_field"),
        ({"type": "room.join", "room": "lobby"}, "invalid_field"),
        ({"type": "ping", "colour": "red"}, "invalid_field"),
        ({"type": "ping", "data": {"sent_at": 1, "colour": "red"}}, "invalid_field"),
        ({"type": "ping", "data": "x" * 70_000}, "too_large"),
        (
            {"type": "chat.send", "room": str(uuid4()), "key": "\0", "data": {"content": "x"}},
            "invalid_field",
        ),
        (
            {"type": "chat.send", "room": str(uuid4()), "data": {"content": "a\0b"}},
            "invalid_field",
        ),
    ],
)
async def test_a_wrong_message_with_an_id_gets_a_reply(
    client: SocketClient, message: dict[str, object], code: str
):
    """So the program that sent it knows which of its commands it was."""
    await client.send_text(json.dumps({"id": 1_000} | message))
    with pytest.raises(Refused) as caught:
        await client.answer(1_000)
    assert caught.value.code == code
    await client.ask("ping")


async def test_a_binary_message_is_refused_and_the_connection_lives(client: SocketClient):
    """The protocol is JSON text."""
    await client.send_binary(b'{"id": 1, "type": "ping"}')
    assert (await client.error_notice()).code == "binary_frame"
    await client.ask("ping")


async def test_a_message_in_several_frames_is_one_message(client: SocketClient):
    """Even when a frame ends within a character."""
    message = '{"id": 1000, "type": "ping", "data": {"sent_at": 5, "☕": 1}}'.encode()
    cut = message.index("☕".encode()) + 1
    await client.send_fragments(message[:9], message[9:cut], b"", message[cut:])
    with pytest.raises(Refused, match=r"data\.☕"):
        await client.answer(1_000)
    await client.send_fragments(b'{"id": 1001, ', b'"type": "ping"}')
    assert "server_time_ms" in await client.answer(1_001)


async def test_a_client_may_ping_by_the_protocol_as_well(client: SocketClient):
    """A browser cannot, a proxy may."""
    await client.send_raw(bytes.fromhex("898500000000") + b"hello")
    await client.ask("ping")  # whose reply may leave first, when both come in one segment
    await client.ask("ping")
    assert b"\x8a\x05hello" in client.received


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (text_frame(b"{}"), 1002),
        (bytes.fromhex("838000000000"), 1002),
        (bytes.fromhex("c18000000000"), 1002),
        (bytes.fromhex("808000000000"), 1002),
        (bytes.fromhex("818200000000fffe"), 1007),
        (bytes.fromhex("81ff000000000010000100000000") + b"x" * 64, 1009),
    ],
    ids=["unmasked", "reserved opcode", "reserved bit", "stray continuation", "UTF-8", "too big"],
)
async def test_what_breaks_the_protocol_ends_the_connection_with_the_code_for_it(
    pair: Pair, client: SocketClient, octets: bytes, code: int
):
    """RFC 6455, section 7.4.1; the instance does not mind."""
    await client.send_raw(octets)
    assert await client.closed() == code
    async with pair[0].http() as http:
        assert (await http.get("/health/live")).status_code == 200


async def test_a_flood_is_slowed_down_and_then_ended(client: SocketClient):
    """Each refusal says that the same command may pass later, until patience is over."""
    flood = [await client.say("ping") for _ in range(150)]
    for command_id in flood:
        await client.answer(command_id)
    for _ in range(500):
        await client.say("ping")
    refused = await client.take(lambda message: "error" in message)
    assert refused["error"]["code"] == "rate_limited"
    assert refused["error"]["retryable"]
    assert await client.closed() == 4202


async def test_who_keeps_sending_nonsense_is_sent_away(client: SocketClient):
    """Twenty mistakes are forgiven."""
    for _ in range(20):
        await client.send_text("nonsense")
        await client.error_notice()
    await client.ask("ping")
    for _ in range(20):
        await client.send_text("nonsense")
    assert await client.closed() == 4202


# Signing in


async def test_before_signing_in_every_command_is_refused_but_a_ping(
    pair: Pair, connect: Connect, ada: Guest, room: str
):
    """Signing in on the connection then opens it."""
    stranger = await connect(pair[0])
    assert stranger.welcome["data"]["user"] is None
    for command in ("room.join", "poker.reveal"):
        assert await refusal(stranger, command, room=room) == "unauthenticated"
    assert await refusal(stranger, "chat.send", room=room, content="Hi") == "unauthenticated"
    for command in ("room.leave", "typing.start", "typing.stop"):
        assert await refusal(stranger, command, room=room) == "not_a_member"
    assert await refusal(stranger, "auth", token="wrong") == "invalid_token"
    assert await refusal(stranger, "auth", token="ü" * 40) == "invalid_token"
    assert (await stranger.ask("auth", token=ada.token))["user"]["id"] == ada.id
    assert await refusal(stranger, "auth", token=ada.token) == "already_authenticated"
    assert (await stranger.ask("room.join", room=room))["room"]["id"] == room


async def test_commands_behind_one_that_waits_are_carried_out_in_their_order(
    pair: Pair, connect: Connect, ada: Guest, room: str
):
    """A client need not wait for its sign-in, nor for the room."""
    client = await connect(pair[0])
    said = [
        await client.say("auth", token=ada.token),
        await client.say("room.join", room=room),
        *[await client.say("chat.send", room=room, content=f"{n}") for n in range(100)],
    ]
    seqs = [(await client.answer(command_id)).get("seq") for command_id in said][2:]
    assert seqs == [*range(seqs[0], seqs[0] + 100)]


# Rooms


async def test_rooms_that_are_unknown_and_private_are_refused_alike(
    pair: Pair, client: SocketClient, grace: Guest
):
    """Nobody learns that a private room exists."""
    private = await pair[1].new_room(grace, "Secret", is_private=True)
    for room in (str(uuid4()), private):
        for command, fields in (
            ("room.join", {}),
            ("chat.send", {"content": "Hi"}),
            ("poker.start", {"title": "Story"}),
            ("poker.vote", {"card": "5"}),
            ("poker.reveal", {}),
        ):
            assert await refusal(client, command, room=room, **fields) == "unknown_room"
        for command in ("typing.start", "typing.stop", "room.leave"):
            assert await refusal(client, command, room=room) == "not_a_member"


async def test_only_members_write_into_a_room(
    pair: Pair, connect: Connect, grace: Guest, room: str
):
    """A public room can be joined, and must be."""
    stranger = await connect(pair[1], grace)
    assert await refusal(stranger, "chat.send", room=room, content="Hi") == "not_a_member"
    assert await refusal(stranger, "poker.vote", room=room, card="5") == "not_a_member"
    await stranger.ask("room.join", room=room)
    await stranger.ask("chat.send", room=room, content="Hi")


async def test_the_rules_of_the_game_are_told_one_by_one(
    pair: Pair, connect: Connect, client: SocketClient, grace: Guest, room: str
):
    """No story, no votes, a wrong card, another story, not the host, and too late."""
    await client.ask("room.join", room=room)
    of_grace = await connect(pair[1], grace)
    await of_grace.ask("room.join", room=room)
    assert await refusal(client, "poker.vote", room=room, card="5") == "invalid_state"
    assert await refusal(client, "poker.reveal", room=room) == "invalid_state"
    await client.ask("poker.start", room=room, title="One")
    story_id = (await client.event("poker.started", room))["data"]["story"]["id"]
    assert await refusal(client, "poker.reveal", room=room) == "invalid_state"
    assert await refusal(client, "poker.vote", room=room, card="4") == "invalid_field"
    other = str(uuid4())
    assert await refusal(client, "poker.vote", room=room, card="5", story_id=other) == (
        "invalid_state"
    )
    await of_grace.ask("poker.vote", room=room, card="5", story_id=story_id)
    assert await refusal(of_grace, "poker.reveal", room=room) == "forbidden"
    assert await refusal(of_grace, "poker.start", room=room, title="Two") == "forbidden"
    await client.ask("poker.reveal", room=room)
    assert await refusal(of_grace, "poker.vote", room=room, card="8") == "invalid_state"
    assert await refusal(client, "poker.reveal", room=room) == "invalid_state"
