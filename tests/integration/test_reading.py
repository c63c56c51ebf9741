"""Reading a room over a socket, and a long export over HTTP."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import orjson
import pytest

from gateway.storage.database import DatabaseSettings, direct_connection
from tests.support.gateway_process import GatewayProcess, Guest
from tests.support.socket_client import Refused, SocketClient

Connect = Callable[..., Awaitable[SocketClient]]
Pair = tuple[GatewayProcess, GatewayProcess]


async def test_every_question_is_answered_on_the_other_instance(
    pair: Pair, connect: Connect, ada: Guest, grace: Guest, room: str
):
    """What was said on one is read on the other, as HTTP tells it."""
    of_ada, of_grace = await connect(pair[0], ada), await connect(pair[1], grace)
    await of_ada.ask("room.join", room=room)
    await of_grace.ask("room.join", room=room)
    await of_ada.ask("chat.send", room=room, content="Lunch?")
    root = (await of_grace.event("chat.message", room))["data"]["id"]
    await of_grace.ask("chat.send", room=room, content="Yes", reply_to=root)
    await of_ada.ask("chat.edit", room=room, message_id=root, content="Lunch at one?")

    history = await of_grace.ask("chat.history", room=room)
    assert [message["content"] for message in history["messages"]] == ["Lunch at one?", "Yes"]
    async with pair[0].http(ada) as client:
        assert (await client.get(f"/v1/rooms/{room}/messages")).json() == history
    page = await of_grace.ask("chat.history", room=room, limit=1)
    older = await of_grace.ask("chat.history", room=room, before=page["previous"])
    assert older["messages"] == history["messages"][:1]
    assert await of_grace.ask("chat.get", room=room, message_id=root) == history["messages"][0]
    found = await of_grace.ask("chat.search", room=room, q="one lunch")
    assert found["messages"] == history["messages"][:1]
    edits = await of_grace.ask("chat.edits", room=room, message_id=root)
    assert [edit["content"] for edit in edits["edits"]] == ["Lunch?"]
    replies = await of_ada.ask("chat.replies", room=room, message_id=root)
    assert replies["messages"] == history["messages"][1:]
    receipts = await of_ada.ask("chat.receipts", room=room, message_id=root)
    assert [receipt["user"]["id"] for receipt in receipts["receipts"]] == [grace.id]
    members = await of_grace.ask("room.members", room=room)
    assert {member["user"]["id"] for member in members["members"]} == {ada.id, grace.id}
    assert await of_ada.ask("room.bans", room=room) == {"bans": [], "next": None}


async def test_a_question_that_may_not_be_asked_is_refused(
    pair: Pair, connect: Connect, ada: Guest, grace: Guest, room: str
):
    """Each with its code; the connection lives."""
    of_ada, of_grace = await connect(pair[0], ada), await connect(pair[1], grace)

    async def refused(client: SocketClient, command: str, **fields: object) -> str:
        with pytest.raises(Refused) as caught:
            await client.ask(command, **fields)
        return caught.value.code

    assert await refused(of_grace, "chat.history", room=room) == "not_a_member"
    assert await refused(of_grace, "room.members", room=str(uuid4())) == "unknown_room"
    await of_grace.ask("room.join", room=room)
    assert await refused(of_grace, "room.bans", room=room) == "forbidden"
    assert await refused(of_ada, "chat.history", room=room, limit=101) == "invalid_field"
    assert await refused(of_ada, "chat.history", room=room, before="?") == "invalid_field"
    assert await refused(of_ada, "chat.search", room=room, q="?") == "invalid_field"
    unknown = {"room": room, "message_id": str(uuid4())}
    assert await refused(of_ada, "chat.get", **unknown) == "unknown_message"
    nobody = await connect(pair[0])
    assert await refused(nobody, "chat.history", room=room) == "unauthenticated"


@pytest.mark.slow
async def test_a_long_export_is_read_as_it_is_taken(
    pair: Pair, ada: Guest, room: str, database_url: str
):
    """Not before: 30 MB are in nobody's memory, and who takes them slowly holds up nobody."""
    async with direct_connection(DatabaseSettings(database_url)) as conn:
        await conn.execute(
            "insert into room_events (room_id, seq, type, payload) "
            "select $1::uuid, n, 'chat.message', json_build_object('content', repeat('x', 1000)) "
            "from generate_series(2, 30000) n",
            room,
        )
        await conn.execute("update rooms set last_seq = 30000 where id = $1::uuid", room)
        async with (
            pair[0].http(ada) as client,
            client.stream("GET", f"/v1/rooms/{room}/export") as answer,
        ):
            lines = answer.aiter_lines()
            head = orjson.loads(await anext(lines))
            assert (head["type"], head["to_seq"]) == ("room", 30_000)
            async with pair[0].http(ada) as another:
                assert (await another.get("/v1/me")).status_code == 200
            await conn.execute(
                "delete from room_events where room_id = $1::uuid and seq = 30000", room
            )
            seqs = [orjson.loads(line)["seq"] async for line in lines]
    assert seqs == [*range(1, 30_000)]
