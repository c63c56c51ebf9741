"""A worker: an instance beside others on one port, started by ``crew.py`` and ended with it.

Run as ``python -m gateway.serving.worker PARENT NUMBER NAME PARENT_PID``, its
settings in the environment. It writes ``READY`` to standard output when it
takes connections, and when it ends by itself, why. SIGUSR1: no more
connections; SIGTERM: a graceful end.
"""

import ctypes
import os
import signal
import sys
from typing import Final

import orjson
import structlog
import uvloop

from gateway.app import Gateway
from gateway.config import Settings, load_settings
from gateway.core.errors import ConfigurationError, GatewayError, MigrationError, ServiceDied
from gateway.runtime.siblings import Siblings
from gateway.servers import servers_of
from gateway.serving.asking import answering
from gateway.serving.crew import READY
from gateway.serving.figures import reader
from gateway.serving.instance import serve_until
from gateway.serving.listening import listen_beside
from gateway.serving.signals import stop_on_signals
from gateway.telemetry import configure_logging

_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


def main() -> None:
    """Serve until SIGTERM, or the parent's death."""
    parent, number, name, parent_pid = sys.argv[1:]
    _die_with(int(parent_pid))
    try:
        settings = load_settings()
        configure_logging(settings.log_level, as_json=settings.environment == "production")
        structlog.contextvars.bind_contextvars(worker=int(number))
        siblings = Siblings(int(number), settings.workers, reader(parent))
        uvloop.run(_serve(settings, siblings, name))
    except (ConfigurationError, MigrationError, ServiceDied, GatewayError) as error:
        _tell_parent(str(error))
        sys.exit(1)


async def _serve(settings: Settings, siblings: Siblings, name: str) -> None:
    stop = stop_on_signals()
    async with (
        servers_of(settings) as servers,
        Gateway.open(settings, servers.database, servers.redis, siblings) as gateway,
    ):

        async def tell_readings() -> bytes:
            return orjson.dumps(gateway.read_metrics())

        async with answering(name, tell_readings, gateway.supervisor):
            listener = listen_beside(settings.host, settings.port)
            await serve_until(stop, gateway, listener, lambda: _tell_parent(READY))


def _die_with(parent_pid: int) -> None:
    """Have the kernel end this process with its parent, however that one ends.

    At once, as everything ends with a gateway that is killed; and for certain,
    also when the event loop hangs, so that the port is free for the next start.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:  # it was faster
        sys.exit(1)


def _tell_parent(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
