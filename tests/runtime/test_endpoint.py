"""Connections of an instance, over real sockets; what commands do is not its business."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final
from uuid import uuid4

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import CTRL_OPCODES, Frame, Opcode

from gateway.activities.protocol import COMMANDS
from gateway.core.close_codes import CloseCode
from gateway.core.errors import InvalidToken
from gateway.core.frames import PING, text_frame
from gateway.core.identity import Identity
from gateway.core.ids import InstanceId, SessionId, UserId
from gateway.core.protocol.base import Command
from gateway.core.protocol.connection import Auth, AuthOk
from gateway.core.protocol.decode import CommandDecoder
from gateway.runtime import connection as connection_module
from gateway.runtime import endpoint as endpoint_module
from gateway.runtime.admission import AdmissionSettings
from gateway.runtime.connection import Connection
from gateway.runtime.endpoint import ConnectionSettings, Endpoint
from gateway.runtime.supervision import Supervisor
from gateway.web.proxies import client_address
from tests.support.socket_client import Closed, Refused, Rejected, SocketClient
from tests.support.waiting import WAIT_SECONDS, soon

ADA: Final = Identity(UserId(uuid4()), "Ada", None, is_guest=True, session_id=SessionId("s"))
ROOM: Final = str(uuid4())

_AGREED: Final = (
    "PerMessageDeflate(remote_no_context_takeover=True, local_no_context_takeover=True, "
    "remote_max_window_bits=12, local_max_window_bits={})"
)


class Desk:
    """Answers every command; signing in takes as long as the test wants."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.may_sign_in = asyncio.Event()
        self.paused_once = asyncio.Event()
        self.resumed_once = asyncio.Event()
        self.goodbyes: asyncio.Queue[bool] = asyncio.Queue()
        self.aways: asyncio.Queue[bool] = asyncio.Queue()
        self._endpoint = endpoint

    def dispatch(
        self, connection: Connection, command: Command
    ) -> Coroutine[Any, Any, None] | None:
        """Answer, or sign in."""
        if isinstance(command, Auth):
            return self._sign_in(connection, command)
        connection.reply(command)
        return None

    def signed_in(self, connection: Connection) -> None:
        """Take no note."""

    def away_changed(self, connection: Connection) -> None:
        """Note how a connection is."""
        self.aways.put_nowait(connection.is_away)

    def disconnected(self, connection: Connection, *, said_goodbye: bool) -> None:
        """Note how a connection ended."""
        self.goodbyes.put_nowait(said_goodbye)

    def paused(self, connection: Connection) -> None:
        """Note that a peer does not read."""
        self.paused_once.set()

    def resumed(self, connection: Connection) -> None:
        """Note that it reads again."""
        self.resumed_once.set()

    async def _sign_in(self, connection: Connection, command: Auth) -> None:
        await self.may_sign_in.wait()
        identity = await self._endpoint.authenticate(connection, command.data.token)
        connection.reply(command, AuthOk(user=identity.person))


class Place:
    """An endpoint that listens."""

    def __init__(self, endpoint: Endpoint, desk: Desk, url: str) -> None:
        self.endpoint = endpoint
        self.desk = desk
        self.url = url

    async def connect(self, token: str | None = None) -> SocketClient:
        """Connect to it."""
        return await SocketClient.open(self.url, token=token)

    @property
    def connection(self) -> Connection:
        """The server's side of the only connection."""
        (connection,) = self.endpoint.connections
        return connection


@asynccontextmanager
async def listening(settings: ConnectionSettings) -> AsyncIterator[Place]:
    """Listen for the block."""
    supervisor = Supervisor()
    endpoint = Endpoint(
        InstanceId("one"),
        settings,
        CommandDecoder(COMMANDS),
        supervisor,
        lambda _origin, _host: True,
        client_address("127.0.0.1"),
        identify,
    )
    desk = endpoint.dispatcher = Desk(endpoint)
    supervisor.service("endpoint", endpoint.run())
    server = await asyncio.get_running_loop().create_server(endpoint.connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield Place(endpoint, desk, f"ws://127.0.0.1:{port}/ws")
        await endpoint.close_all(0)
    await supervisor.stop()


async def identify(token: str) -> Identity:
    """Know Ada, at once or after a while."""
    if token == "slow ada":
        await asyncio.sleep(0.3)
        return ADA
    if token != "ada":
        raise InvalidToken("Nobody has this token.")
    return ADA


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, and give nobody long to agree to a close."""
    monkeypatch.setattr(endpoint_module, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(connection_module, "CLOSE_SECONDS", 0.1)


async def test_who_does_not_sign_in_is_closed_and_who_does_stays():
    """By the handshake, or by a command in time."""
    async with listening(ConnectionSettings(auth_seconds=0.3)) as place:
        place.desk.may_sign_in.set()
        stranger = await place.connect()
        known = await place.connect("ada")
        in_time = await place.connect()
        assert stranger.welcome["data"]["auth_within_seconds"] == 0.3
        await in_time.ask("auth", token="ada")
        assert await stranger.closed() == 4200
        for client in (known, in_time):
            await client.ask("ping")
            await client.close()
        await stranger.abort()


async def test_who_waits_for_the_gateway_to_sign_them_in_is_not_closed_for_it():
    """In a storm that may take longer than people have; theirs begins with the welcome."""
    async with listening(ConnectionSettings(auth_seconds=0.1)) as place:
        client = await place.connect("slow ada")
        assert client.welcome["data"]["user"]["name"] == "Ada"
        await client.close()


async def test_a_silent_peer_is_asked_and_stays_as_long_as_it_answers():
    """An idle browser sends nothing else for hours."""
    async with listening(ConnectionSettings(heartbeat_seconds=0.1)) as place:
        client = await place.connect("ada")
        async with asyncio.timeout(WAIT_SECONDS):
            while client.received.count(PING) < 4:
                await client._read()
        await client.ask("ping")
        await client.close()


async def test_a_dead_peer_is_closed_after_two_heartbeats_and_cut():
    """It answers neither the ping nor the close; nobody said goodbye."""
    async with listening(ConnectionSettings(heartbeat_seconds=0.1)) as place:
        client = await place.connect("ada")
        assert not await soon(place.desk.goodbyes.get())
        assert await client.closed() == 4001
        assert client.received.count(PING) == 1
        await client.abort()


async def test_who_closes_with_the_normal_code_says_goodbye():
    """And whose connection breaks does not."""
    async with listening(ConnectionSettings()) as place:
        await (await place.connect("ada")).close()
        assert await place.desk.goodbyes.get()
        await (await place.connect("ada")).abort()
        assert not await place.desk.goodbyes.get()
        assert not place.endpoint.connections


async def test_whose_session_has_ended_is_gone_however_the_connection_ends():
    """At once, and still when it does: they do not come back."""
    async with listening(ConnectionSettings()) as place:
        client = await place.connect("ada")
        place.endpoint.end_sessions([ADA.session_id])
        assert await place.desk.goodbyes.get()
        await client.abort()
        assert await soon(place.desk.goodbyes.get())
        assert not place.endpoint._ended


def settings_of(**admission: int) -> ConnectionSettings:
    """Return settings with these limits of who comes in."""
    return ConnectionSettings(admission=AdmissionSettings(**admission))


async def refused(place: Place, headers: dict[str, str] | None = None) -> Rejected:
    """Connect in vain, and return the answer, which tells when to come back."""
    with pytest.raises(Rejected) as caught:
        await SocketClient.open(place.url, headers=headers)
    assert 1 <= int(caught.value.headers["Retry-After"]) <= 15
    return caught.value


async def test_a_full_instance_takes_no_more_and_nor_does_one_that_shuts_down():
    """The answer is one that a load balancer understands."""
    async with listening(settings_of(max_connections=1)) as place:
        client = await place.connect("ada")
        assert (await refused(place)).status == 503
        await client.close()
        client = await place.connect("ada")
        place.endpoint.drain()
        await client.ask("ping")
        await client.close()
        assert (await refused(place)).status == 503
        assert place.endpoint.admission.refused == {"full": 1, "draining": 1}


async def test_an_address_has_so_many_connections_and_no_more():
    """The client's address, which a trusted proxy tells; the others do not notice."""
    async with listening(settings_of(max_connections_per_address=2)) as place:

        def behind(*addresses: str) -> dict[str, str]:
            return {"X-Forwarded-For": ", ".join(addresses)}

        clients = [
            await SocketClient.open(place.url, headers=behind(address))
            for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "192.0.2.1")
        ]
        answer = await refused(place, headers=behind("192.0.2.1", "2001:db8::3", "127.0.0.1"))
        assert answer.status == 429
        for client in clients:
            await client.ask("ping")
        await clients[0].close()
        clients[0] = await SocketClient.open(place.url, headers=behind("2001:db8::3"))
        for client in clients:
            await client.close()
        assert place.endpoint.admission.refused == {"address": 1}


async def test_a_person_has_so_many_connections_and_no_more():
    """However they sign in. Who is told 4100 comes back after a while."""
    async with listening(settings_of(max_connections_per_user=2)) as place:
        place.desk.may_sign_in.set()
        first, second = await place.connect("ada"), await place.connect()
        await second.ask("auth", token="ada")
        with pytest.raises(Closed, match="4100"):
            await place.connect("ada")
        third = await place.connect()
        with pytest.raises(Closed, match="4100"):
            await third.ask("auth", token="ada")
        await third.abort()
        await first.close()
        third = await place.connect("ada")
        for client in (second, third):
            await client.ask("ping")
            await client.close()
        assert place.endpoint.admission.refused == {"user": 2}
        assert place.endpoint.admission.entering == 0


async def test_who_leaves_while_signing_in_is_not_counted():
    """Else the places of a person would be used up for ever."""
    async with listening(settings_of(max_connections_per_user=1)) as place:
        client = await place.connect()
        await client.say("auth", token="ada")
        await client.abort()
        await soon(place.desk.goodbyes.get())
        place.desk.may_sign_in.set()
        client = await place.connect("ada")
        await client.close()


async def test_at_the_end_everybody_is_told_to_come_back_elsewhere():
    """Who does not agree in time is cut."""
    async with listening(ConnectionSettings()) as place:
        client, deaf = await place.connect("ada"), await place.connect("ada")
        closing = place.endpoint.close_all(0.1)
        async with asyncio.TaskGroup() as group:
            code = group.create_task(client.closed())
            group.create_task(closing)
        assert code.result() == 4020
        notice = await client.take(lambda message: message["type"] == "draining")
        assert 0 <= notice["data"]["reconnect_in_ms"] <= 2
        assert await deaf.closed() == 4020
        await client.abort()
        await deaf.abort()


async def test_messages_behind_one_that_waits_are_kept_in_order_up_to_a_bound():
    """Past it the socket is not read: TCP holds the peer back."""
    async with listening(ConnectionSettings(commands_per_second=1e9, commands_burst=1e9)) as place:
        client = await place.connect()
        said = [await client.say("auth", token="ada")]
        said += [await client.say("ping") for _ in range(10_000)]
        async with asyncio.timeout(WAIT_SECONDS):
            while not place.connection._reading_paused:  # noqa: ASYNC110 - it is the server's turn
                await asyncio.sleep(0)
        assert connection_module.MAX_INBOX <= len(place.connection._inbox) < 10_000
        place.desk.may_sign_in.set()
        for command_id in said:
            await client.answer(command_id)
        await client.close()


async def test_a_failed_command_does_not_hold_up_the_next_one():
    """Even when it fails in a way that nobody expected."""
    async with listening(ConnectionSettings()) as place:
        client = await place.connect()
        place.desk.may_sign_in.set()
        await client.say("auth", token="wrong")
        await client.ask("ping")
        await client.close()


async def test_a_peer_that_does_not_read_is_told_of_and_so_is_its_return():
    """Nothing is lost of what was written: TCP carries it when there is room."""
    async with listening(ConnectionSettings()) as place:
        client = await place.connect("ada")
        frame = text_frame(json.dumps({"type": "filling", "data": "x" * 60_000}).encode())
        written = 0
        while not place.desk.paused_once.is_set():
            place.connection.write(frame)
            written += 1
        assert place.connection.is_paused
        for _ in range(written):
            await client.take(lambda message: message.get("type") == "filling")
        await soon(place.desk.resumed_once.wait())
        await client.ask("ping")
        await client.close()


async def test_what_a_peer_asks_that_does_not_read_is_answered_when_it_does():
    """Sixty-four questions with long answers would otherwise lie here for it."""
    async with listening(ConnectionSettings()) as place:
        client = await place.connect("ada")
        frame = text_frame(json.dumps({"type": "filling", "data": "x" * 60_000}).encode())
        while not place.desk.paused_once.is_set():
            place.connection.write(frame)
        # As if it had come with the bytes read last.
        place.connection._receive_text(b'{"id":7000,"type":"ping"}')
        assert len(place.connection._inbox) == 1
        await client.answer(7000)
        assert place.connection._inbox == []
        await client.close()


async def test_a_peer_that_takes_not_one_byte_is_cut(monkeypatch: pytest.MonkeyPatch):
    """However quiet it is: it cannot answer a ping that it has not read."""
    monkeypatch.setattr(connection_module, "STALL_SECONDS", 0.1)
    async with listening(ConnectionSettings(heartbeat_seconds=3600)) as place:
        client = await place.connect("ada")
        while not place.desk.paused_once.is_set():
            place.connection.write(b"x" * 65_536)
        assert not await soon(place.desk.goodbyes.get())
        await client.abort()


async def test_a_flood_is_refused_by_the_id_of_each_command():
    """With the limits that the welcome told."""
    settings = ConnectionSettings(commands_per_second=0.001, commands_burst=2)
    async with listening(settings) as place:
        client = await place.connect("ada")
        said = [await client.say("ping") for _ in range(3)]
        for command_id in said[:2]:
            await client.answer(command_id)
        with pytest.raises(Refused, match="rate_limited") as caught:
            await client.answer(said[2])
        assert caught.value.retryable
        await client.close()


async def test_what_is_agreed_on_is_right_for_everybody_or_nothing():
    """No context is kept, and a client whose window is too small gets no compression."""
    offers: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [_AGREED.format(15)]),
        ({"server_max_window_bits": 12, "client_max_window_bits": 10}, [_AGREED.format(10)]),
        ({"server_max_window_bits": 9}, []),
    ]
    async with listening(ConnectionSettings(compression=True)) as place:
        for offer, agreed in offers:
            factory = ClientPerMessageDeflateFactory(**offer)
            client = await SocketClient.open(place.url, extensions=[factory])
            assert client.extensions == agreed
            assert place.connection.takes_deflate == bool(agreed)
            await client.ask("ping")
            await client.close()
    async with listening(ConnectionSettings()) as place:
        client = await SocketClient.open(place.url, extensions=[ClientPerMessageDeflateFactory()])
        assert client.extensions == []
        await client.close()


async def test_a_message_that_inflates_beyond_the_limit_ends_the_connection():
    """Ten kilobytes that would become ten million."""
    async with listening(ConnectionSettings(compression=True)) as place:
        client = await SocketClient.open(place.url, extensions=[ClientPerMessageDeflateFactory()])
        await client.send_text(b"a" * 10_000_000)
        assert await client.closed() == 1009
        await client.abort()


async def test_many_small_bombs_are_not_inflated_together(monkeypatch: pytest.MonkeyPatch):
    """Each passes the limit; the connection ends before most have been looked at."""
    inflated = 0
    receive = Connection._receive_frame

    def count(connection: Connection, frame: Frame) -> None:
        nonlocal inflated
        inflated += len(frame.data)
        receive(connection, frame)

    monkeypatch.setattr(Connection, "_receive_frame", count)
    settings = ConnectionSettings(compression=True, commands_burst=1)
    async with listening(settings) as place:
        client = await SocketClient.open(place.url, extensions=[ClientPerMessageDeflateFactory()])
        for _ in range(200):
            client._protocol.send_text(b"a" * 1_000_000)
        await client._flush()
        await soon(place.desk.goodbyes.get())
        assert place.endpoint.closes == {CloseCode.TOO_MANY_ERRORS: 1}
        await client.abort()
    assert inflated < 50_000_000


async def test_who_gives_no_command_for_a_while_is_away(monkeypatch: pytest.MonkeyPatch):
    """What clients do by themselves, and questions, do not show that anybody is there."""
    monkeypatch.setattr(endpoint_module, "SWEEP_SECONDS", 0.01)
    async with listening(ConnectionSettings(away_after_seconds=0.1)) as place:
        client = await place.connect("ada")
        assert await soon(place.desk.aways.get())
        await client.ask("ping")
        await client.ask("person.list", user_ids=[])
        await client.ask("chat.read", room=ROOM)
        await client.ask("chat.history", room=ROOM)
        await client.ask("inbox.open")
        await client.ask("room.join", room=ROOM, since={"epoch": 1, "seq": 1})
        assert place.desk.aways.empty()
        for act in ("room.join", "typing.start"):
            await client.ask(act, room=ROOM)
            assert not await soon(place.desk.aways.get())
            assert await soon(place.desk.aways.get())
        await client.close()


async def test_what_is_said_holds_until_something_else_is(monkeypatch: pytest.MonkeyPatch):
    """Who says to be online is, however idle; who says to be away is until the next command."""
    monkeypatch.setattr(endpoint_module, "SWEEP_SECONDS", 0.01)
    async with listening(ConnectionSettings(away_after_seconds=0.05)) as place:
        client = await place.connect("ada")
        (connection,) = place.endpoint.connections
        connection.say_status("online")
        await asyncio.sleep(0.2)  # several sweeps, and longer than one may be idle
        await client.ask("typing.start", room=ROOM)
        await asyncio.sleep(0.2)
        assert not connection.is_away
        connection.say_status("away")
        await client.ask("ping")
        assert connection.is_away
        await client.ask("typing.start", room=ROOM)
        assert not connection.is_away
        for wanted in (True, False, True):  # as always, from then on
            assert await soon(place.desk.aways.get()) == wanted
        await client.close()


def fuzzed_frames(random: Random) -> bytes:
    """Return frames that are right, nearly right, or nothing of the kind."""
    octets = b""
    for _ in range(random.randint(1, 6)):
        payload = random.choice(
            [b"", b"{}", b'{"id": 1, "type": "ping"}', "☕".encode()[:2], random.randbytes(200)]
        )
        opcode = random.choice([Opcode.TEXT, Opcode.TEXT, *Opcode])
        fin = opcode in CTRL_OPCODES or random.random() < 0.8
        octets += Frame(opcode, payload[:125], fin).serialize(mask=True)
    broken = bytearray(octets)
    for _ in range(random.choice([0, 0, 1, 3])):
        broken[random.randrange(len(broken))] = random.randrange(256)
    return bytes(broken) if random.random() < 0.9 else random.randbytes(100)


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_bytes_come_no_failure_of_ours_follows(seed: int):
    """The connection lives or is closed with a code; the others do not notice."""
    random = Random(seed)  # noqa: S311 - the same bytes every time
    failures: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: failures.append(context))
    try:
        async with listening(ConnectionSettings()) as place:
            witness = await place.connect("ada")
            for _ in range(40):
                client = await place.connect("ada")
                await client.send_raw(fuzzed_frames(random))
                client._writer.write_eof()
                await soon(client._reader.read())
                await client.abort()
                await soon(place.desk.goodbyes.get())
            await witness.ask("ping")
            assert place.endpoint.supervisor.failed_jobs == 0
            await witness.close()
    finally:
        loop.set_exception_handler(None)
    assert not failures
