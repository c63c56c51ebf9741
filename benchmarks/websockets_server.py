"""websockets' own asyncio server with one room, told in one of two ways.

usage: websockets_server.py EVENT_BYTES broadcast|await

Prints its address, and sends every connection each event that comes in on
stdin, EVENT_BYTES long, until stdin ends: by ``broadcast``, or by awaiting the
``send`` of one member after the other. It runs on uvloop, as Parley does.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

Members = set[ServerConnection]
Tell = Callable[[Members, str], Awaitable[None]]


async def tell_by_broadcast(members: Members, event: str) -> None:
    """Write to every member and wait for none."""
    broadcast(members, event)


async def tell_one_by_one(members: Members, event: str) -> None:
    """Write to a member, wait until its buffer takes more, go on to the next."""
    for member in members.copy():
        await member.send(event)


async def events_of_stdin(event_bytes: int) -> AsyncIterator[str]:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while True:
        try:
            yield (await reader.readexactly(event_bytes)).decode()
        except asyncio.IncompleteReadError:
            return


async def main(event_bytes: int, tell: Tell) -> None:
    members: Members = set()

    async def join(connection: ServerConnection) -> None:
        members.add(connection)
        try:
            await connection.wait_closed()
        finally:
            members.discard(connection)

    # No keepalive: its pings would come into the count.
    async with serve(join, "127.0.0.1", 0, backlog=4096, ping_interval=None) as server:
        host, port = server.sockets[0].getsockname()
        print(f"{host}:{port}", flush=True)
        async for event in events_of_stdin(event_bytes):
            await tell(members, event)


if __name__ == "__main__":
    ways = {"broadcast": tell_by_broadcast, "await": tell_one_by_one}
    uvloop.run(main(int(sys.argv[1]), ways[sys.argv[2]]))
