"""The connection against a gateway that follows a script, for what real ones seldom do."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.client import reconnection
from gateway.client.connection import Connection
from gateway.client.errors import ConnectionEnded, MembershipEnded
from gateway.client.events import Disconnected, Resumed, RoomSnapshot
from gateway.client.feed import Feed
from gateway.client.socket import ConnectionLost
from gateway.client.wire import Command
from gateway.core.close_codes import CloseCode
from gateway.core.ids import RoomId
from gateway.docs_generator.examples import ADA, EVENT_DATA, NOTICE_DATA, REPLIES

ROOM = RoomId(UUID("0b7d1c1e-6f0e-4a53-9d55-2f1d7c1f2a10"))
T = TypeVar("T")
Script = Callable[[ServerConnection], Awaitable[None]]
Guard = Callable[[ServerConnection, Request], Response | None]


@asynccontextmanager
async def connected_to(
    *scripts: Script, process_request: Guard | None = None
) -> AsyncIterator[Connection]:
    """Connect to a gateway that plays one script for each connection, the last one again.

    ``process_request`` may answer the handshake with something else.
    """
    plays = iter(scripts)

    async def play(socket: ServerConnection) -> None:
        script = next(plays, scripts[-1])
        with suppress(ConnectionClosed):
            await script(socket)

    async with serve(
        play,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol("parley.v1")],
        compression=None,
        process_request=process_request,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        connection = Connection(f"http://127.0.0.1:{port}", "token", UUID(ADA["id"]))
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(connection.run())
            yield connection
            task.cancel()


async def notice(socket: ServerConnection, name: str, **changes: object) -> None:
    """Send a documented notice."""
    await socket.send(json.dumps({"type": name, "data": {**NOTICE_DATA[name], **changes}}))


async def admit(socket: ServerConnection, answer: str) -> dict[str, Any]:
    """Welcome a client and answer its join; return the join."""
    await notice(socket, "welcome")
    join: dict[str, Any] = json.loads(await socket.recv())
    await socket.send(json.dumps({"re": join["id"], "ok": REPLIES[answer]}))
    return join


async def tell(socket: ServerConnection, seq: int) -> None:
    """Send a message with this number."""
    event = {"type": "chat.message", "room": str(ROOM), "seq": seq, "at": "2026-05-04T09:30:00Z"}
    await socket.send(json.dumps({**event, "data": EVENT_DATA["chat.message"]}))


async def first_of(feed: Feed, kind: type[T]) -> T:
    """Return the data of the next event of this class."""
    async with asyncio.timeout(10):
        while (event := await feed.next()) is not None:
            if isinstance(event.data, kind):
                return event.data
    raise AssertionError("the room ended")


async def idle(socket: ServerConnection) -> None:
    """Admit, and then say nothing until the client goes."""
    await admit(socket, "RoomState")
    await socket.wait_closed()


@pytest.mark.parametrize("code", [CloseCode.SESSION_ENDED, CloseCode.TOO_MANY_ERRORS])
async def test_a_final_close_is_raised_where_somebody_waits(code: CloseCode):
    """Who iterates or calls gets the reason, and the client does not come back."""

    async def refuse(socket: ServerConnection) -> None:
        await admit(socket, "RoomState")
        await socket.close(code, "You have to go.")

    async with connected_to(refuse) as connection:
        feed = await connection.open(ROOM)
        with pytest.raises(ConnectionEnded, match="You have to go") as ended:
            await first_of(feed, Disconnected)
        assert ended.value.close_code == code


async def test_an_expired_sign_in_is_raised():
    """A welcome that greets nobody means that the token is no longer good."""

    async def greet_nobody(socket: ServerConnection) -> None:
        await notice(socket, "welcome", user=None)
        await socket.wait_closed()

    async with connected_to(greet_nobody) as connection:
        with pytest.raises(ConnectionEnded, match="sign in again"):
            await connection.open(ROOM)


async def test_a_stranger_is_noticed():
    """What speaks WebSocket and is no gateway ends the connection for good."""

    async def echo(socket: ServerConnection) -> None:
        await socket.send("hello")
        await socket.wait_closed()

    async with connected_to(echo) as connection:
        with pytest.raises(ConnectionEnded, match="cannot be understood"):
            await connection.open(ROOM)


async def test_a_room_goes_on_from_where_it_was():
    """After a resumable close the client names the last event it has taken."""
    joins: list[dict[str, Any]] = []

    async def be_slow(socket: ServerConnection) -> None:
        joins.append(await admit(socket, "RoomState"))
        await tell(socket, 43)
        await socket.close(CloseCode.SLOW_READER, "You fell behind.")

    async def resume(socket: ServerConnection) -> None:
        joins.append(await admit(socket, "UpToDate"))
        await socket.wait_closed()

    async with connected_to(be_slow, resume) as connection:
        feed = await connection.open(ROOM)
        lost = await first_of(feed, Disconnected)
        assert lost.reason == "You fell behind."
        await first_of(feed, Resumed)
    assert [join["data"] for join in joins] == [{}, {"since": {"epoch": 1, "seq": 43}}]


@pytest.mark.parametrize("says", ["away", "online", None])
async def test_who_said_how_they_are_is_so_on_the_next_connection(says: str | None):
    """Until they act, if they said to be away. Who was shown as away is away."""
    joins: list[dict[str, Any]] = []

    async def play(socket: ServerConnection) -> None:
        joins.append(await admit(socket, "UpToDate" if len(joins) else "RoomState"))
        if says is None and len(joins) == 1:
            change = {"joined": [], "left": [], "changed": [{**ADA, "status": "away"}], "count": 1}
            event = {"type": "presence.changed", "room": str(ROOM), "data": change}
            await socket.send(json.dumps(event))
            await tell(socket, 43)
            await socket.close(CloseCode.SLOW_READER, "You fell behind.")
        while True:
            command = json.loads(await socket.recv())
            await socket.send(json.dumps({"re": command["id"], "ok": {}}))
            if command["type"] == "ping":
                await socket.close(CloseCode.SLOW_READER, "You fell behind.")

    async def come_back() -> dict[str, Any]:
        if says is not None:
            await connection.call(Command("ping", None, {}))
        await first_of(feed, Resumed)
        data: dict[str, Any] = joins[-1]["data"]
        return data

    async with connected_to(play) as connection:
        feed = await connection.open(ROOM)
        if says is not None:
            await connection.call(Command("presence.set", None, {"status": says}))
        assert (await come_back())["status"] == (says or "away")
        if says is not None:
            await connection.call(Command("chat.history", ROOM, {}))
            assert (await come_back())["status"] == says
            await connection.call(Command("chat.send", ROOM, {}))
            assert (await come_back()).get("status") == ("online" if says == "online" else None)


async def test_a_missing_event_is_fetched_by_coming_back():
    """A gap is never passed on: the client joins again from before it."""
    joins: list[dict[str, Any]] = []

    async def skip_one(socket: ServerConnection) -> None:
        joins.append(await admit(socket, "RoomState"))
        await tell(socket, 43)
        await tell(socket, 45)
        await socket.wait_closed()

    async def resume(socket: ServerConnection) -> None:
        joins.append(await admit(socket, "Replay"))
        await tell(socket, 44)
        await socket.wait_closed()

    async with connected_to(skip_one, resume) as connection:
        feed = await connection.open(ROOM)
        assert "event 45 came after 43" in (await first_of(feed, Disconnected)).reason
        await first_of(feed, Resumed)
        event = await feed.next()
        assert event is not None
        assert event.seq == 44
    assert joins[1]["data"] == {"since": {"epoch": 1, "seq": 43}}


async def test_events_that_are_known_are_not_given_twice():
    """What the state covers already is dropped."""

    async def repeat(socket: ServerConnection) -> None:
        await admit(socket, "RoomState")
        for seq in (41, 42, 43, 43, 44):
            await tell(socket, seq)
        await socket.wait_closed()

    async with connected_to(repeat) as connection:
        feed = await connection.open(ROOM)
        await first_of(feed, RoomSnapshot)
        assert [(await feed.next()).seq, (await feed.next()).seq] == [43, 44]


async def test_a_draining_gateway_names_the_time_of_return():
    """The gateway's own delay is used in place of the client's."""

    async def drain(socket: ServerConnection) -> None:
        await admit(socket, "RoomState")
        await notice(socket, "draining", reconnect_in_ms=70)
        await socket.close(CloseCode.DRAINING, "This instance is shutting down.")

    async with connected_to(drain, idle) as connection:
        feed = await connection.open(ROOM)
        assert (await first_of(feed, Disconnected)).retry_in_seconds == 0.07


async def test_a_full_gateway_names_the_time_of_return():
    """``Retry-After`` is used in place of the client's own delay, and spread over its second."""
    answers = iter([HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS])

    def turn_away(socket: ServerConnection, _request: Request) -> Response | None:
        if (status := next(answers, None)) is None:
            return None
        response = socket.respond(status, "Come back later.")
        response.headers["Retry-After"] = "0"
        return response

    started = asyncio.get_running_loop().time()
    async with connected_to(idle, process_request=turn_away) as connection:
        await connection.open(ROOM)
    assert asyncio.get_running_loop().time() - started < 2 * reconnection.DELAY_SECONDS
    assert next(answers, None) is None


async def test_a_silent_death_is_noticed():
    """A peer that answers no ping counts as lost within two heartbeats."""
    noticed = asyncio.Event()

    async def play_dead(socket: ServerConnection) -> None:
        await notice(socket, "welcome", heartbeat_seconds=0.05)
        join = json.loads(await socket.recv())
        await socket.send(json.dumps({"re": join["id"], "ok": REPLIES["RoomState"]}))
        socket.transport.pause_reading()
        await noticed.wait()
        socket.transport.abort()

    async with connected_to(play_dead, idle) as connection:
        feed = await connection.open(ROOM)
        await first_of(feed, Disconnected)
        noticed.set()


async def test_a_closed_room_is_not_opened_again():
    """Put out without a word why: the room ends at once, and no reconnection joins it."""
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def put_out(socket: ServerConnection) -> None:
        await admit(socket, "RoomState")
        await notice(socket, "room.closed", room=str(ROOM))
        await socket.recv()

    async def listen(socket: ServerConnection) -> None:
        await notice(socket, "welcome")
        async for text in socket:
            heard.put_nowait(json.loads(text)["type"])

    async with connected_to(put_out, listen) as connection:
        feed = await connection.open(ROOM)
        with pytest.raises(MembershipEnded) as ended:
            await first_of(feed, Disconnected)
        assert ended.value.reason is None
        with pytest.raises(ConnectionLost):
            await connection.call(Command("chat.send", ROOM, {}))
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(connection.call(Command("chat.read", ROOM, {})))
            assert await asyncio.wait_for(heard.get(), 10) == "chat.read"
            asking.cancel()


async def test_who_is_leaving_for_good_is_not_taken_in_again():
    """A connection lost while giving up a membership does not join the room anew.

    If it comes to nothing, the room goes on where it was.
    """
    said: list[str] = []

    async def lose(socket: ServerConnection) -> None:
        await admit(socket, "RoomState")
        await socket.recv()

    async def listen(socket: ServerConnection) -> None:
        await notice(socket, "welcome")
        message = json.loads(await socket.recv())
        said.append(message["type"])
        await socket.send(json.dumps({"re": message["id"], "ok": {"seq": None, "at": None}}))
        message = json.loads(await socket.recv())
        said.append(message["type"])
        await socket.send(json.dumps({"re": message["id"], "ok": REPLIES["UpToDate"]}))
        await socket.wait_closed()

    async with connected_to(lose, listen) as connection:
        feed = await connection.open(ROOM)
        feed.is_leaving = True
        with pytest.raises(ConnectionLost):
            await connection.call(Command("member.leave", ROOM, {}))
        await connection.call(Command("member.leave", ROOM, {}))
        await connection.stay(feed)
        await first_of(feed, Resumed)
        assert said == ["member.leave", "room.join"]
