"""``gateway connect`` as people and scripts use it: on a pseudo terminal, and in a pipe."""

import asyncio
import contextlib
import os
import pty
import signal
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from gateway.client import ChatMarked, Client
from gateway.embedded import EmbeddedServers
from tests.support.databases import migrated_database
from tests.support.gateway_process import GatewayProcess, running_gateway

pytestmark = [pytest.mark.server, pytest.mark.slow]

PATIENCE_SECONDS = 30.0


class Terminal:
    """A program on a pseudo terminal, of which everything it writes is kept."""

    def __init__(self, process: asyncio.subprocess.Process, master: int, slave: int) -> None:
        self.output = ""
        self._process = process
        self._master = master
        self._slave = slave
        self._grown = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    @classmethod
    async def start(cls, *arguments: str) -> Self:
        """Run ``gateway`` with these arguments."""
        master, slave = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", *arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
            start_new_session=True,
        )
        return cls(process, master, slave)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    async def see(self, text: str) -> None:
        """Wait until the program has written this."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.output:
                self._grown.clear()
                await self._grown.wait()

    def echoes(self) -> bool:
        """Tell whether the terminal is in its ordinary mode."""
        return bool(termios.tcgetattr(self._slave)[3] & termios.ECHO)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, as the terminal's driver does at Ctrl-C."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the program's end and return its exit code."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._process.wait()

    async def close(self) -> None:
        """Stop the program if it still runs."""
        asyncio.get_running_loop().remove_reader(self._master)
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        os.close(self._master)
        os.close(self._slave)

    def _read(self) -> None:
        self.output += os.read(self._master, 65536).decode(errors="replace")
        self._grown.set()


@pytest.fixture(scope="module")
async def settings(servers: EmbeddedServers) -> dict[str, object]:
    """What an instance for these tests is started with."""
    return {
        "database_url": await migrated_database(servers.database_url),
        "redis_url": servers.redis_url,
        "arrivals_per_minute": 10_000,
    }


@pytest.fixture(scope="module")
async def gateway(
    settings: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    """An instance for these tests, which they leave alive."""
    async with running_gateway(tmp_path_factory.mktemp("connect"), **settings) as running:
        yield running


@pytest.fixture
def room() -> str:
    """A room that no other test is in."""
    return f"Room {uuid4().hex}"


@contextlib.asynccontextmanager
async def terminal(*arguments: str) -> AsyncIterator[Terminal]:
    """Run ``gateway`` on a terminal for the block."""
    started = await Terminal.start(*arguments)
    try:
        yield started
    finally:
        await started.close()


async def run(*arguments: str, lines: str = "") -> tuple[int, str, str]:
    """Run ``gateway`` with piped input; return its exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        output, errors = await process.communicate(lines.encode())
    return process.returncode or 0, output.decode(), errors.decode()


async def test_two_people_talk_and_play(gateway: GatewayProcess, room: str):
    """Words, presence, typing, hidden votes and the reveal show on both terminals."""
    where = ("connect", room, "--url", gateway.url)
    async with (
        terminal(*where, "--name", "Ada") as ada,
        terminal(*where, "--name", "Grace") as grace,
    ):
        for side in (ada, grace):
            await side.see("Ada")
            await side.see("Grace")
        grace.type("hello")
        await ada.see("Grace is typing…")
        grace.type(" Ada\r")
        await ada.see("hello Ada")
        ada.type("/story Login page\r")
        await grace.see("♠ Login page")
        grace.type("/vote 5\r")
        await ada.see("Grace has voted (1 of 2)")
        ada.type("/vote 8\r/reveal\r")
        for side in (ada, grace):
            await side.see("average 6.5 · median 6.5 · from 5 to 8")
        grace.type("/dance\r")
        await grace.see("There is no command /dance")
        grace.type("/quit\r")
        assert await grace.ended() == 0
        await ada.see("← Grace left")


async def test_messages_are_changed_and_people_moderated(gateway: GatewayProcess, room: str):
    """Answers, edits, reactions, deletions, roles and mutes show in words on both terminals."""
    where = ("connect", room, "--url", gateway.url)
    async with terminal(*where, "--name", "Edith") as host:
        await host.see("1 here: Edith")
        async with terminal(*where, "--name", "Mary") as guest:
            await host.see("→ Mary joined the room")
            host.type("Helo @Mary\r")
            await guest.see("Helo")
            host.type("/edit Hello @Mary\r")
            await guest.see(" changed: ")
            guest.type("/react :+1:\r")
            await host.see("Mary reacted 👍 to Edith “Hello @Mary”  👍 1")
            guest.type("/reply Good morning\r")
            await host.see("↳ Edith “Hello @Mary”")
            host.type("/delete\r")
            await guest.see("message deleted: Edith, ")
            host.type("/topic Weather\r/role mary moderator\r/role mary member\r/mute mary 5\r")
            await guest.see("Edith set the topic: Weather")
            await guest.see("Edith made you a moderator")
            await guest.see("Edith muted you until ")
            guest.type("why?\r")
            await guest.see("You may not say anything here at the moment: you are muted.")
            host.type("/leave\r")
            await host.see("You are the only admin of this room")
            host.type("/mute Bob 5\r/react lol\r")
            await host.see("No member is called Bob, or more than one is")
            await host.see("That does not fit: one emoji of Unicode.")
            host.type("/kick mary\r")
            await guest.see("← Edith put you out")
            await guest.see("gateway: You were put out of this room.")
            assert await guest.ended() == 1
            assert guest.echoes()
        async with terminal(*where, "--name", "Mary") as guest:
            await guest.see("Weather")
            await guest.see("message deleted")
            guest.type("/leave\r")
            await guest.see("You are not a member of ")
            assert await guest.ended() == 0
            await host.see("left the room for good")


async def test_what_was_said_and_who_is_there_can_be_asked(gateway: GatewayProcess, room: str):
    """Earlier messages, words, threads, edits, readers and members, and mistakes in a sentence."""
    where = ("connect", room, "--url", gateway.url)
    async with Client(gateway.url) as client:
        await client.sign_in_as_guest("Grace")
        async with client.room(room) as opened:
            for number in range(60):
                await opened.say(f"Message {number}")
            async with terminal(*where, "--name", "Ada") as ada:
                await ada.see("2 here: ")
                assert "Message 9\r" not in ada.output
                ada.type("/more\r")
                await ada.see("— earlier, from the beginning —")
                await ada.see("— now —")
                assert "Message 0\r" in ada.output
                assert "Message 9\r" in ada.output
                ada.type("/more\r")
                await ada.see("Nothing was said earlier.")
                ada.type("/search message 42\r")
                await ada.see("— found: 1 —")
                ada.type("/edits\r")
                await ada.see("No message known here was changed.")
                ada.type("/thread\r")
                await ada.see("Nobody has answered a message known here.")
                ada.type("/reply 2 Indeed\r")
                await ada.see("      Indeed")
                ada.type("/thread\r")
                await ada.see("— thread —")
                ada.type("/edit In deed\r")
                await ada.see(" changed: ")
                ada.type("/edits\r")
                await ada.see("“In deed” —")
                await ada.see("until ")
                ada.type("/who-read\r")
                await ada.see("“In deed” has not been read yet")
                await opened.mark_read()
                ada.type("/who-read\r")
                await ada.see("“In deed” has been read by Grace")
                ada.type("/members\r")
                await ada.see("admin, here")
                await ada.see("member, you")
                ada.type("/unban Bob\r")
                await ada.see("Only admins and moderators of a room may see who is banned.")


async def test_who_is_away_reads_nothing_until_they_enter_a_line(
    gateway: GatewayProcess, room: str
):
    """What is said meanwhile does not make them busy again, nor does a letter; a line does."""
    where = ("connect", room, "--url", gateway.url)
    async with terminal(*where, "--name", "Joan") as host:
        await host.see("1 here: Joan")
        async with terminal(*where, "--name", "Kate") as guest:
            await host.see("→ Kate joined the room")
            guest.type("/away\r")
            await guest.see("You are away until you enter something")
            await host.see("· Kate is away")
            guest.type("Hm")
            host.type("Kate?\r")
            await guest.see("  Kate?")
            host.type("/who-read\r")
            await host.see("“Kate?” has not been read yet")
            assert "is back" not in host.output
            guest.type("m\r")
            await guest.see("You are here again.")
            await host.see("· Kate is back")
            await host.see("  Hmm")


async def test_who_was_banned_long_ago_can_be_let_in_again(gateway: GatewayProcess, room: str):
    """Names that the terminal has not seen are looked up among the members and the bans."""
    where = ("connect", room, "--url", gateway.url)
    async with Client(gateway.url) as host, Client(gateway.url) as banned:
        email = f"{uuid4().hex}@example.com"
        await host.register(email, f"host-{uuid4().hex[:8]}", "correct horse battery")
        name = (await banned.sign_in_as_guest("Unwanted")).name
        quiet = (await banned.sign_in_as_guest("Quiet")).name
        async with host.room(room), banned.room(room):
            pass
        async with terminal(*where, "--email", email) as back:
            await back.see("Password: ")
            back.type("correct horse battery\r")
            await back.see("1 here: ")
            back.type(f"/ban {quiet[:-1]}\r")
            await back.see(f"banned {quiet}")
            back.type(f"/unban {quiet[:-1]}\r")
            await back.see(f"lets {quiet} in again")
            back.type(f"/unban {name}\r")
            await back.see(f"Nobody called {name} is banned here")


async def test_with_an_account_what_is_unread_is_below_a_line(gateway: GatewayProcess, room: str):
    """Reading in a terminal marks as read, for whoever comes back as the same person."""
    email, password = f"{uuid4().hex}@example.com", "correct horse battery"
    where = ("connect", room, "--url", gateway.url, "--email", email)
    async with Client(gateway.url) as client, Client(gateway.url) as reader:
        await client.sign_in_as_guest("Ada")
        await reader.register(email, f"reader-{uuid4().hex[:8]}", password)
        async with client.room(room) as opened:
            async with reader.room(room):
                pass
            await opened.say("One")
            await opened.say("Two")
            async with terminal(*where) as back:
                await back.see("Password: ")
                back.type(f"{password}\r")
                await back.see("— 2 unread —")
                await back.see("2 here: ")
                async with asyncio.timeout(PATIENCE_SECONDS):
                    async for event in opened:
                        if isinstance(event.data, ChatMarked) and event.by == reader.user.id:
                            break
                assert password not in back.output
                back.type("/quit\r")
                assert await back.ended() == 0
            async with terminal(*where) as again:
                await again.see("Password: ")
                again.type(f"{password}\r")
                await again.see("2 here: ")
                assert "unread" not in again.output


async def test_a_gateway_that_comes_back_takes_what_was_typed_meanwhile(
    settings: dict[str, object], room: str, tmp_path: Path
):
    """Who types while it is away is told that it waits; then it is said, once."""
    async with running_gateway(tmp_path, **settings) as doomed:
        where = ("connect", room, "--url", doomed.url, "--name", "Ada")
        async with terminal(*where) as ada:
            await ada.see("1 here: ")
            await doomed.kill()
            await ada.see("no connection, trying again in")
            ada.type("anybody?\r")
            await ada.see("no answer yet: “anybody?”")
            port = ("--port", str(urlsplit(doomed.url).port))
            async with running_gateway(tmp_path, arguments=port, **settings) as revived:
                await ada.see("  anybody?")
                async with Client(revived.url) as client:
                    await client.sign_in_as_guest("Grace")
                    async with client.room(room) as opened:
                        assert [message.content for message in opened.messages] == ["anybody?"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, None])
async def test_the_terminal_is_restored(
    gateway: GatewayProcess, room: str, number: signal.Signals | None
):
    """However one leaves, keys are echoed again and nothing is said about it."""
    where = ("connect", room, "--url", gateway.url, "--name", "Ada")
    async with terminal(*where) as ada:
        await ada.see("1 here: Ada")
        assert not ada.echoes()
        if number is None:
            ada.type("\x04")
            assert await ada.ended() == 0
        else:
            ada.send(number)
            assert await ada.ended() == 130
        assert ada.echoes()
        assert "Traceback" not in ada.output


async def test_a_lost_gateway_is_shown_and_survived(
    settings: dict[str, object], room: str, tmp_path: Path
):
    """When the gateway dies the terminal says so, and Ctrl-C still leaves."""
    async with (
        running_gateway(tmp_path, **settings) as doomed,
        terminal("connect", room, "--url", doomed.url, "--name", "Ada") as ada,
    ):
        await ada.see("1 here: Ada")
        await doomed.kill()
        await ada.see("connection lost")
        await ada.see("no connection, trying again in")
        ada.send(signal.SIGINT)
        assert await ada.ended() == 130
        assert "Traceback" not in ada.output


async def test_lines_can_be_piped_in(gateway: GatewayProcess, room: str):
    """Each line is carried out in turn, mistakes are told, and the end of input leaves."""
    lines = "first\nsecond\n/vote 5\n/story Login\n/vote 5\n/reveal\n/dance\nlast"
    code, output, errors = await run(
        "connect", room, "--url", gateway.url, "--name", "Bot", lines=lines
    )
    assert (code, errors) == (0, "")
    parts = ["first", "second", "♠ Login", "everybody agrees", "last"]
    places = [output.index(part) for part in parts]
    assert places == sorted(places)
    assert "No story is open: start one first." in output
    assert "There is no command /dance" in output
    assert "\x1b" not in output


async def test_what_was_piped_in_is_there(gateway: GatewayProcess, room: str):
    """A message of a script is in the room when the script has ended."""
    await run(
        *("connect", room, "--url", gateway.url, "--name", "Bot", "--linger", "0"), lines="report\n"
    )
    async with Client(gateway.url) as client:
        await client.sign_in_as_guest("Ada")
        async with client.room(room) as opened:
            assert [message.content for message in opened.messages] == ["report"]


async def test_input_may_be_a_file(gateway: GatewayProcess, room: str, tmp_path: Path):
    """A file is read like a pipe."""
    file = tmp_path / "lines"
    file.write_text("from a file\n")
    with file.open("rb") as lines:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "connect", room),
            *("--url", gateway.url, "--name", "Ada"),
            stdin=lines,
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            output, _ = await process.communicate()
    assert process.returncode == 0
    assert "from a file" in output.decode()


async def test_a_reader_that_goes_away_is_no_disaster(gateway: GatewayProcess, room: str):
    """With its output closed, as by `head -1`, the program ends without a word."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "connect", room, "--url", gateway.url, "--name", "Ada"),
        stdin=asyncio.subprocess.PIPE,
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writing)
    os.close(reading)
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, errors = await process.communicate(b"hello\n")
    assert (process.returncode, errors) == (1, b"")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ("--url", "http://127.0.0.1:9"),
            "gateway: No gateway answers at http://127.0.0.1:9 — start one with `make run`.\n",
        ),
        (
            ("--url", "lobby"),
            "gateway: 'lobby' is no address of a gateway, like http://127.0.0.1:8000.\n",
        ),
    ],
)
async def test_a_wrong_address_is_one_readable_line(arguments: tuple[str, ...], problem: str):
    """Nothing there, or no address at all: a line and the exit code 1."""
    assert await run("connect", "lobby", "--name", "Ada", *arguments) == (1, "", problem)


@pytest.mark.parametrize("who", [(), ("--name", "Ada", "--email", "ada@example.com")])
async def test_who_one_is_must_be_said_once(who: tuple[str, ...]):
    """Neither a name nor an account, or both: a line that says what is missing."""
    problem = "gateway: say who you are: --name NAME (a guest) or --email ADDRESS (your account).\n"
    assert await run("connect", "lobby", *who) == (1, "", problem)


async def test_a_wrong_room_is_one_readable_line(gateway: GatewayProcess):
    """An id that is nobody's, or a private room's, is refused."""
    code, _, errors = await run(
        "connect", str(uuid4()), "--url", gateway.url, "--name", "Ada", lines="hello\n"
    )
    assert (code, errors) == (1, "gateway: There is no such room, or you may not see it.\n")
