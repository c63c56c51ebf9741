"""Serve an ASGI application as uvicorn's documentation advises for production, on one process.

uvicorn takes uvloop and httptools where they are installed, and they are. What
would come into the count without being asked for is off: the access log, and
pings, which the load client does not answer.
"""

import socket
from typing import Any

import uvicorn

BACKLOG = 4096


def serve(application: Any) -> None:  # noqa: ANN401 - each framework has a type of its own
    """Serve on a free port of loopback, and print the address, until a signal comes."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    host, port = listener.getsockname()
    print(f"{host}:{port}", flush=True)
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        backlog=BACKLOG,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
    )
    uvicorn.Server(config).run(sockets=[listener])
