"""Compressed and plain clients in one room (RFC 7692)."""

import asyncio
import itertools
import json
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_compressed
from websockets.typing import Subprotocol

from tests.integration.conftest import Connect, StartGateway
from tests.support.waiting import WAIT_SECONDS

TEXTS = ("short", "a longer one, as people write " * 20, "\u2615 " * 1_000)


async def next_said(socket: ClientConnection) -> dict[str, Any]:
    """Return the next chat message that comes to a socket."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message.get("type") == "chat.message":
                return message


async def test_both_get_the_same_events(start_gateway: StartGateway, connect: Connect):
    """Whichever instance a message comes from, and whichever client."""
    first, second = await start_gateway(compression="true"), await start_gateway()
    ada, bob = await first.new_guest("Ada"), await first.new_guest("Bob")
    room = await first.new_room(ada, "Compressed")
    plain, distant = await connect(first, ada), await connect(second, ada)
    await plain.ask("room.join", room=room)
    await distant.ask("room.join", room=room)
    async with connect_compressed(
        first.socket_url,
        subprotocols=[Subprotocol("parley.v1")],
        additional_headers=bob.bearer,
        compression="deflate",
    ) as deflated:
        assert deflated.protocol.extensions
        await deflated.send(json.dumps({"id": 1, "type": "room.join", "room": room}))
        while "re" not in json.loads(await deflated.recv()):
            pass
        speakers = itertools.product(TEXTS, (plain, distant))
        for number, (text, speaker) in enumerate(speakers):
            await speaker.ask("chat.send", room=room, key=f"said {number}", content=text)
            event = await plain.event("chat.message", room)
            assert event["data"]["content"] == text.strip()
            assert await next_said(deflated) == event
        command = {"id": 2, "type": "chat.send", "room": room, "key": "said last"}
        await deflated.send(json.dumps({**command, "data": {"content": TEXTS[1] * 3}}))
        event = await plain.event("chat.message", room)
        assert event["data"]["content"] == (TEXTS[1] * 3).strip()
        assert await next_said(deflated) == event
