"""The broadcaster of FastAPI's tutorial, with a room to each path and Redis behind it.

usage: REDIS_URL=… fastapi_broadcaster.py

The tutorial's ``ConnectionManager`` awaits each member's ``send_text`` in turn;
its documentation names Redis' publish and subscribe as the step to several processes.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio
from asgi import serve
from fastapi import FastAPI, WebSocket, WebSocketDisconnect


class ConnectionManager:
    """The members of every room."""

    def __init__(self) -> None:
        self._rooms: defaultdict[str, list[WebSocket]] = defaultdict(list)

    async def connect(self, room: str, websocket: WebSocket) -> None:
        """Let a member in."""
        self._rooms[room].append(websocket)
        await websocket.accept()

    def disconnect(self, room: str, websocket: WebSocket) -> None:
        """Forget a member."""
        self._rooms[room].remove(websocket)

    async def broadcast(self, room: str, text: str) -> None:
        """Tell every member, one after the other."""
        for websocket in self._rooms[room].copy():
            await websocket.send_text(text)


manager = ConnectionManager()


async def relay() -> None:
    """Tell a room what is published on the channel of its name."""
    client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
    async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.psubscribe("fastapi:*")
        async for message in pubsub.listen():
            await manager.broadcast(message["channel"].removeprefix("fastapi:"), message["data"])


@asynccontextmanager
async def lifespan(_application: FastAPI) -> AsyncIterator[None]:
    """Relay for as long as the application lives."""
    async with asyncio.TaskGroup() as tasks:
        relaying = tasks.create_task(relay())
        yield
        relaying.cancel()


application = FastAPI(lifespan=lifespan)


@application.websocket("/ws/{room}")
async def member(websocket: WebSocket, room: str) -> None:
    """Keep the connection in its room for as long as it lasts."""
    await manager.connect(room, websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        manager.disconnect(room, websocket)


if __name__ == "__main__":
    serve(application)
