"""A client that writes down everything it is told, and notices at once what must not be.

It shares no code with the gateway nor with its client: it reads JSON and counts.
"""

import asyncio
import itertools
import random
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from tests.support.gateway_process import Guest
from tests.support.journal import Absence, Heard, Journal, Received, RoomRecord, Snapshot

OPEN_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 0.5
SEND_SECONDS: Final = 5.0

PING_AFTER_SECONDS: Final = 2.0

ANSWER_SECONDS: Final = 45.0
"""A command that has no answer on a living connection after so long was met with silence."""

MAX_REPLAY_EVENTS: Final = 5_000
"""Up to here behind, the protocol promises the missed events and not a snapshot."""

SMALL_BUFFER_BYTES: Final = 4096

REFUSALS: Final[Mapping[str, frozenset[str]]] = {
    # Put out, muted, or the message has been deleted meanwhile.
    "chat.send": frozenset({"not_a_member", "muted", "invalid_state"}),
    "chat.edit": frozenset({"not_a_member", "muted", "invalid_state"}),
    "reaction.add": frozenset({"not_a_member", "muted", "invalid_state"}),
    "reaction.remove": frozenset({"not_a_member", "invalid_state"}),
    "chat.read": frozenset({"not_a_member"}),
    # Not, or no longer, what they would have to be; nor is the person who is meant.
    "chat.delete": frozenset({"not_a_member", "invalid_state", "forbidden"}),
    "member.leave": frozenset({"not_a_member", "last_admin"}),
    "member.kick": frozenset({"not_a_member", "forbidden", "unknown_member"}),
    "member.mute": frozenset({"not_a_member", "forbidden", "unknown_member"}),
    # So late that the ban would be over.
    "member.ban": frozenset({"not_a_member", "forbidden", "invalid_field"}),
    "member.unban": frozenset({"not_a_member", "forbidden"}),
    "member.set_role": frozenset({"not_a_member", "forbidden", "unknown_member", "last_admin"}),
    # What the rules of planning poker may say to a command that came too late.
    "poker.start": frozenset({"not_a_member", "invalid_state", "forbidden"}),
    "poker.vote": frozenset({"not_a_member", "invalid_state", "forbidden"}),
}
"""What may be said to each durable command in place of its effect: an answer like any other."""

SHUT_OUT: Final = frozenset({"not_a_member", "banned", "unknown_room"})
"""Why a join may be refused: put out meanwhile, or in the very moment of coming in."""

REST_SECONDS: Final = (0.3, 4.0)
"""For so long stays away who was put out, or has left."""

Message = dict[str, Any]


@dataclass(slots=True)
class Wish:
    """A durable command, until it has a final answer."""

    key: str
    room: str
    type: str
    data: Message
    ask_at: float | None = 0.0
    """When to send it (again); ``None`` while the answer is awaited on this connection."""
    asked_at: float = 0.0
    times_asked: int = 0


class Hung(Exception):
    """The connection stands and nothing comes."""


class Recorder:
    """One person on one connection at a time, who comes back until told to stop."""

    def __init__(  # noqa: PLR0913 - a client is what is written here
        self,
        name: str,
        guest: Guest,
        addresses: Sequence[str],
        rooms: Sequence[str],
        journal: Journal,
        rng: random.Random,
        *,
        patience_seconds: float = 20.0,
        tick_seconds: float = 0.2,
        reads_slowly: bool = False,
    ) -> None:
        """``addresses`` are the WebSocket URLs to choose from at each connection.

        ``patience_seconds`` is the silence after which the connection is given
        up; ``tick_seconds`` how long a wish may wait to be sent.
        """
        self.name = name
        self.user = guest.id
        self.records = {room: RoomRecord(room, guest.id) for room in rooms}
        self.wishes: dict[str, Wish] = {}
        self.on_event: Callable[[str], None] | None = None
        """Called with the key of each event that comes."""
        self.quiet_until = 0.0
        """Until when nothing is read from the socket."""
        self._token = guest.token
        self._addresses = addresses
        self._journal = journal
        self._rng = rng
        self._patience_seconds = patience_seconds
        self._tick_seconds = tick_seconds
        self.reads_slowly = reads_slowly
        self._keys = itertools.count(1)
        self._stopped = False
        self._begin()

    # What others do with it

    @property
    def is_in(self) -> bool:
        """Whether all of its rooms are open on its connection."""
        return all(record.is_open for record in self.records.values())

    def say(self, room: str, padding: int = 0, **data: object) -> str:
        """Send a message whose content is its key, followed by ``padding`` characters."""
        key = self._next_key()
        content = f"{key} {'x' * padding}".strip()
        return self._wish(Wish(key, room, "chat.send", {"content": content, **data}))

    def edit(self, room: str, message_id: str) -> str:
        """Make a message say the key of its edit."""
        key = self._next_key()
        data = {"message_id": message_id, "content": f"{key} edited"}
        return self._wish(Wish(key, room, "chat.edit", data))

    def start_story(self, room: str) -> str:
        """Open a story of planning poker."""
        key = self._next_key()
        return self._wish(Wish(key, room, "poker.start", {"title": key}))

    def ask(self, room: str, kind: str, **data: object) -> str:
        """Have any other durable command carried out."""
        return self._wish(Wish(self._next_key(), room, kind, data))

    def stop(self) -> None:
        """End the connection at the next opportunity, and do not come back."""
        self._stopped = True

    async def run(self) -> None:
        """Connect, and come back whenever the connection is lost: until ``stop``."""
        while not self._stopped:
            try:
                await self._connect_and_stay()
            except (OSError, TimeoutError, WebSocketException, Hung):
                self._count("connections lost")
            self._begin()
            if not self._stopped:
                await asyncio.sleep(self._rng.uniform(0.05, 0.5))

    # One connection

    def _begin(self) -> None:
        """Forget what was of the last connection: all that had no answer is asked again."""
        self._ids = itertools.count(1)
        self._asked: dict[int, Wish | RoomRecord | None] = {}
        self._is_welcome = False
        self._sign_in_at: float | None = None
        self._is_signed_in = False
        self._heard_at = time.monotonic()
        self._pinged = False
        for record in self.records.values():
            record.is_open, record.ask_at = False, 0.0
        for wish in self.wishes.values():
            if wish.ask_at is None:
                wish.ask_at = 0.0
                self._count("commands repeated")

    async def _connect_and_stay(self) -> None:
        address = self._rng.choice(self._addresses)
        async with connect(
            address,
            sock=await self._socket(address) if self.reads_slowly else None,
            subprotocols=[Subprotocol("parley.v1")],
            additional_headers={"Authorization": f"Bearer {self._token}"},
            compression=None,
            proxy=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=None,
            max_queue=4 if self.reads_slowly else 64,
        ) as line:
            self._count("connections")
            try:
                await self._stay(line)
            except BaseException:
                line.transport.abort()
                raise

    async def _socket(self, address: str) -> socket.socket:
        """Connect a socket that takes little, so that the gateway soon sees who does not read."""
        place = urlsplit(address)
        line = socket.socket()
        line.setblocking(False)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await asyncio.get_running_loop().sock_connect(line, (place.hostname, place.port))
        except BaseException:
            line.close()
            raise
        return line

    async def _stay(self, line: ClientConnection) -> None:
        self._heard_at = time.monotonic()
        while not self._stopped:
            if (pause := self.quiet_until - time.monotonic()) > 0:
                await asyncio.sleep(pause)
                self._heard_at = time.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._tick_seconds):
                    while True:
                        self._hear(await line.recv(decode=False))
            await self._speak(line)

    async def _speak(self, line: ClientConnection) -> None:
        now = time.monotonic()
        async with asyncio.timeout(SEND_SECONDS):
            for text in self._due(now):
                await line.send(text, text=True)
        silence = now - self._heard_at
        if silence > self._patience_seconds:
            raise Hung
        for wish in self.wishes.values():
            if wish.ask_at is None and now - wish.asked_at > ANSWER_SECONDS:
                self._find(f"{wish.type} {wish.key} has had no answer on a living connection")
                wish.asked_at = now

    def _due(self, now: float) -> Iterator[bytes]:
        """What is to be sent now."""
        if not self._is_welcome:
            return
        if self._sign_in_at is not None and self._sign_in_at <= now:
            self._sign_in_at = None
            yield self._command(None, "auth", data={"token": self._token})
        if not self._is_signed_in:
            return
        for record in self.records.values():
            if record.ask_at is not None and record.ask_at <= now:
                record.ask_at = None
                yield self._join(record)
        for wish in self.wishes.values():
            record = self.records[wish.room]
            if wish.ask_at is not None and wish.ask_at <= now and (record.is_open or record.is_out):
                wish.ask_at, wish.asked_at = None, now
                wish.times_asked += 1
                self._journal.said_at.setdefault(wish.key, now)
                yield self._command(wish, wish.type, room=wish.room, key=wish.key, data=wish.data)
        if now - self._heard_at > PING_AFTER_SECONDS and not self._pinged:
            self._pinged = True
            yield self._command(None, "ping")

    def _join(self, record: RoomRecord) -> bytes:
        since = {"since": {"epoch": record.epoch, "seq": record.seq}}
        # Who comes in anew begins with a new state.
        data = since if record.epoch is not None and not record.is_out else {}
        return self._command(record, "room.join", room=record.room, data=data)

    def _command(self, about: Wish | RoomRecord | None, kind: str, **fields: object) -> bytes:
        number = next(self._ids)
        self._asked[number] = about
        return orjson.dumps({"id": number, "type": kind, **fields})

    # What comes

    def _hear(self, raw: bytes) -> None:
        self._heard_at = time.monotonic()
        self._pinged = False
        message = orjson.loads(raw)
        if "re" in message:
            self._take_reply(message)
        elif "seq" in message:
            self._take_event(message, raw)
        elif message["type"] == "welcome":
            self._is_welcome = True
            self._is_signed_in = message["data"]["user"] is not None
            self._sign_in_at = None if self._is_signed_in else self._heard_at
        elif message["type"] == "behind":
            self._count("behind notices")
        elif message["type"] == "room.closed":
            record = self.records[message["data"]["room"]]
            if record.is_open:  # put out before it was told so far
                self._go_out(record)

    def _take_reply(self, message: Message) -> None:
        if message["re"] not in self._asked:
            self._find(f"an answer to no question: {message}")
            return
        about = self._asked.pop(message["re"])
        error = message.get("error")
        if error is not None:
            self._take_error(about, error)
        elif isinstance(about, RoomRecord):
            self._take_state(about, message["ok"])
        elif isinstance(about, Wish):
            self._take_acknowledgement(about, message["ok"])
        elif "user" in message["ok"]:
            self._is_signed_in = True

    def _take_error(self, about: Wish | RoomRecord | None, error: Message) -> None:
        again_at = self._heard_at + self._rng.uniform(0.1, 0.6)
        if error["retryable"] and about is None:
            self._sign_in_at = again_at
        elif error["retryable"] and about is not None:
            self._count(f"refused for now: {error['code']}")
            about.ask_at = again_at
        elif isinstance(about, Wish) and error["code"] in REFUSALS.get(about.type, ()):
            self._count(f"refused for good: {about.type}, {error['code']}")
            self._end_without_effect(about)
        elif isinstance(about, RoomRecord) and error["code"] in SHUT_OUT:
            self._count(f"not let in: {error['code']}")
            if not about.is_out:  # it was put out while it was not connected
                self._go_out(about)
            about.ask_at = self._heard_at + self._rng.uniform(*REST_SECONDS)
        else:
            self._find(f"an unexpected refusal of {about}: {error}")

    def _take_acknowledgement(self, wish: Wish, ok: Message) -> None:
        if ok["seq"] is None:
            self._count(f"without effect: {wish.type}")
            self._end_without_effect(wish)
            return
        del self.wishes[wish.key]
        self._count("acknowledged")
        self._count(f"done: {wish.type}")
        self._journal.acknowledged[wish.key] = wish.room, ok["seq"]

    def _end_without_effect(self, wish: Wish) -> None:
        del self.wishes[wish.key]
        # Of a command that was sent twice, the first sending may still be on its way.
        if wish.times_asked == 1:
            self._journal.refused.add(wish.key)

    def _take_state(self, record: RoomRecord, ok: Message) -> None:
        """Take the answer to a join, if it is one that the protocol allows here."""
        epoch, seq = ok["position"]["epoch"], ok["position"]["seq"]
        self._count(ok["resume"].replace("_", " "))
        knows = record.epoch is not None and record.epoch == epoch
        if knows and seq < record.seq:
            self._find(f"the log ends at {seq}, and {record.seq} events have come", record)
        if ok["resume"] == "snapshot":
            if knows and not record.is_out and seq - record.seq <= MAX_REPLAY_EVENTS:
                self._find(f"a snapshot at {seq} and not what came after {record.seq}", record)
            views = (self._journal.same(orjson.dumps(view)) for view in ok["chat"]["messages"])
            record.told.append(Snapshot(seq, tuple(views)))
            record.epoch, record.seq = epoch, seq
        elif not knows or (ok["resume"] == "up_to_date" and seq != record.seq):
            self._find(f"{ok['resume']} at {seq} for a client at {record.seq}", record)
        if record.is_out:
            record.absences.append(Absence(record.member_at, seq))
        record.is_open, record.is_out, record.member_at = True, False, seq

    def _go_out(self, record: RoomRecord) -> None:
        """Take the room as closed, and come back after a while."""
        self._count("put out, or left")
        record.is_open, record.is_out = False, True
        record.ask_at = self._heard_at + self._rng.uniform(*REST_SECONDS)

    def _take_event(self, message: Message, raw: bytes) -> None:
        record, seq = self.records[message["room"]], message["seq"]
        if not record.is_open:
            when = "after it was put out" if record.is_out else "before the answer to the join"
            self._find(f"event {seq} {when}", record)
        if seq != record.seq + 1:
            what = "a gap" if seq > record.seq else "a repetition, or the wrong order"
            self._find(f"{what}: event {seq} after event {record.seq}", record)
        record.seq = seq
        record.told.append(Received(seq, self._journal.same(raw)))
        self._count("delivered")
        self._take_notice(record, message)
        if (key := message.get("key")) is not None:
            said_at = self._journal.said_at.get(key)
            if said_at is not None and not self.reads_slowly:
                self._journal.latencies.append(self._heard_at - said_at)
            if self.on_event is not None:
                self.on_event(key)

    def _take_notice(self, record: RoomRecord, event: Message) -> None:
        """Remember what one may do something about, and go when one is told to."""
        is_own = event.get("by") == self.user
        match event["type"]:
            case "chat.message":
                record.heard.append(Heard(event["data"]["id"], event["by"]))
            case "reaction.added" if is_own:
                record.reactions.append((event["data"]["message_id"], event["data"]["emoji"]))
            # What a client missed may tell of an earlier membership, which has ended.
            case "member.left" if (
                event["data"]["user"]["id"] == self.user and event["seq"] > record.member_at
            ):
                self._go_out(record)

    # Bookkeeping

    def _next_key(self) -> str:
        return f"{self.name}-{next(self._keys)}"

    def _wish(self, wish: Wish) -> str:
        self.wishes[wish.key] = wish
        return wish.key

    def _count(self, what: str) -> None:
        self._journal.counts[what] += 1

    def _find(self, finding: str, record: RoomRecord | None = None) -> None:
        where = f" of room {record.room}" if record is not None else ""
        self._journal.find(f"{self.name}{where}: {finding}")
