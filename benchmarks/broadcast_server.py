"""websockets' own asyncio server with one room, told by ``websockets.broadcast``.

usage: broadcast_server.py EVENT_BYTES

Prints its address, and sends every connection each event that comes in on
stdin, EVENT_BYTES long, until stdin ends. It runs on uvloop, as Parley does.
"""

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main(event_bytes: int) -> None:
    members: set[ServerConnection] = set()

    async def member(connection: ServerConnection) -> None:
        members.add(connection)
        try:
            await connection.wait_closed()
        finally:
            members.discard(connection)

    events = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(events), sys.stdin
    )
    # No keepalive: its pings would come into the count.
    async with serve(member, "127.0.0.1", 0, backlog=4096, ping_interval=None) as server:
        host, port = server.sockets[0].getsockname()
        print(f"{host}:{port}", flush=True)
        while True:
            try:
                event = await events.readexactly(event_bytes)
            except asyncio.IncompleteReadError:
                return
            broadcast(members, event.decode())


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
