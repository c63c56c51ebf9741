"""The proxy that does to connections what networks do."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from tests.support.fault_proxy import FaultProxy, Streams, Then, Trap, to_port
from tests.support.waiting import soon

HELD_SECONDS = 0.1


@pytest.fixture
async def heard() -> asyncio.Queue[bytes]:
    """What has reached the server."""
    return asyncio.Queue()


@pytest.fixture
async def proxy(heard: asyncio.Queue[bytes]) -> AsyncIterator[FaultProxy]:
    """A proxy before a server that echoes."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while octets := await reader.read(100):
                heard.put_nowait(octets)
                writer.write(octets)
        except ConnectionError:
            heard.put_nowait(b"broken")
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        dial = to_port(server.sockets[0].getsockname()[1])
        async with FaultProxy(dial, random.Random(1)).running() as running:  # noqa: S311 - jitter
            yield running


@pytest.fixture
async def line(proxy: FaultProxy) -> AsyncIterator[Streams]:
    """A connection through the proxy."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    yield reader, writer
    writer.close()


async def echoed(line: Streams, octets: bytes) -> bytes:
    """Send, and return what comes back."""
    reader, writer = line
    writer.write(octets)
    return await soon(reader.read(100))


async def is_held(work: asyncio.Queue[bytes] | asyncio.StreamReader) -> bool:
    """Whether nothing comes for a while: what is there would be there at once."""
    try:
        async with asyncio.timeout(HELD_SECONDS):
            await (work.get() if isinstance(work, asyncio.Queue) else work.read(100))
    except TimeoutError:
        return True
    return False


async def test_it_passes_on_what_comes(line: Streams):
    """Both ways."""
    assert await echoed(line, b"a") == b"a"


async def test_a_delay_keeps_the_order(proxy: FaultProxy, line: Streams):
    """And takes its time both ways."""
    reader, writer = line
    proxy.delay(0.05, 0.05)
    started = asyncio.get_running_loop().time()
    for octet in b"abc":
        writer.write(bytes([octet]))
        await asyncio.sleep(0)
    assert await soon(reader.readexactly(3)) == b"abc"
    assert asyncio.get_running_loop().time() - started >= 0.1


async def test_a_reset_is_seen_by_both_sides(
    proxy: FaultProxy, line: Streams, heard: asyncio.Queue[bytes]
):
    """As a break, not as an end."""
    await echoed(line, b"a")
    assert await soon(heard.get()) == b"a"
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await soon(line[0].read(100))
    assert await soon(heard.get()) == b"broken"


async def test_a_half_open_connection_stands_and_is_silent(
    proxy: FaultProxy, line: Streams, heard: asyncio.Queue[bytes]
):
    """What was held back arrives when the network is back."""
    proxy.half_open()
    line[1].write(b"a")
    assert await is_held(heard)
    proxy.heal()
    assert await soon(line[0].read(100)) == b"a"


async def test_a_deaf_client_is_still_heard(
    proxy: FaultProxy, line: Streams, heard: asyncio.Queue[bytes]
):
    """Each direction can fail alone."""
    proxy.half_open(to_server=False)
    line[1].write(b"a")
    assert await soon(heard.get()) == b"a"
    assert await is_held(line[0])


async def test_refused_connections_break_and_the_others_go_on(proxy: FaultProxy, line: Streams):
    """Until it heals."""
    await echoed(line, b"a")
    proxy.refuse()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with pytest.raises(ConnectionResetError):
        await soon(reader.read(100))
    writer.close()
    assert await echoed(line, b"b") == b"b"


@pytest.mark.parametrize(
    ("then", "arrives"), [(Then.LOSE, b"broken"), (Then.LOSE_THE_ANSWER, b"COMMIT")]
)
async def test_a_trap_breaks_the_connection_at_certain_bytes(
    proxy: FaultProxy, line: Streams, heard: asyncio.Queue[bytes], then: Then, arrives: bytes
):
    """Either they are lost, or the answer to them is."""
    proxy.set_trap(Trap(b"COMMIT", then))
    assert await echoed(line, b"BEGIN") == b"BEGIN"
    assert await soon(heard.get()) == b"BEGIN"
    with pytest.raises(ConnectionResetError):
        await echoed(line, b"COMMIT")
    assert await soon(heard.get()) == arrives


async def test_a_trap_holds_certain_bytes_back(
    proxy: FaultProxy, line: Streams, heard: asyncio.Queue[bytes]
):
    """And delivers them when it heals."""
    reader, writer = line
    proxy.set_trap(Trap(b"COMMIT", Then.HOLD))
    writer.write(b"COMMIT")
    assert await is_held(heard)
    proxy.heal()
    assert await soon(heard.get()) == b"COMMIT"
    assert await soon(reader.read(100)) == b"COMMIT"


async def test_it_ends_while_a_connection_is_being_made():
    """It is broken, and nobody waits for it."""
    dialled, answer = asyncio.Event(), asyncio.Event()
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)

    async def dial_slowly() -> Streams:
        dialled.set()
        await answer.wait()
        return await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])

    async with server:
        async with FaultProxy(dial_slowly, random.Random(1)).running() as proxy:  # noqa: S311 - jitter
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            await soon(dialled.wait())
        answer.set()
        with pytest.raises(ConnectionResetError):
            await soon(reader.read(100))
        writer.close()
