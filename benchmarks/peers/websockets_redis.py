"""websockets and Redis, as websockets' documentation broadcasts what a Redis channel says.

usage: REDIS_URL=… websockets_redis.py

The path is the room. On uvloop; compression and pings are off.
"""

import asyncio
import os
from collections import defaultdict

import redis.asyncio
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

ROOMS: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def join(connection: ServerConnection) -> None:
    """Keep the connection in its room for as long as it lasts."""
    assert connection.request is not None
    members = ROOMS[connection.request.path]
    members.add(connection)
    try:
        await connection.wait_closed()
    finally:
        members.discard(connection)


async def process_events(listening: asyncio.Event) -> None:
    """Tell a room what is published on the channel of its name."""
    client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
    async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.psubscribe("/ws/*")
        listening.set()
        async for message in pubsub.listen():
            broadcast(ROOMS[message["channel"]], message["data"])


async def main() -> None:
    listening = asyncio.Event()
    async with (
        serve(join, "127.0.0.1", 0, backlog=4096, ping_interval=None, compression=None) as server,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(process_events(listening))
        await listening.wait()
        host, port = server.sockets[0].getsockname()
        print(f"{host}:{port}", flush=True)


if __name__ == "__main__":
    uvloop.run(main())
