"""python-socketio with its Redis manager, under uvicorn.

usage: REDIS_URL=… python_socketio.py

Only the WebSocket transport; a member names its room when it connects.
"""

import os
from typing import Any

import socketio
from asgi import serve

PING_SECONDS = 3600  # the load client answers none

server = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"]),
    transports=["websocket"],
    ping_interval=PING_SECONDS,
)


@server.event
async def connect(sid: str, _environ: dict[str, Any], auth: dict[str, str]) -> None:
    """Let a member into its room."""
    await server.enter_room(sid, auth["room"])


if __name__ == "__main__":
    serve(socketio.ASGIApp(server))
