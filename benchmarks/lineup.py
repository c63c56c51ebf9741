"""The servers that stand beside Parley, those that are installed: ``make bench-peers``."""

import contextlib
import importlib.metadata
import json
import shutil
import socket
import string
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from benchmarks import contenders, dialects
from benchmarks.contenders import BUILD, HERE
from benchmarks.dialects import Dialect
from benchmarks.processes import Server, free_port, running
from benchmarks.report import PARLEY, SEND_LOOP
from gateway.embedded import EmbeddedServers

ROOT = HERE.parent
PEERS = HERE / "peers"
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SOCKETIO = PEERS / "socketio"
DEBIAN = BUILD / "debian"
"""Debian's packages, unpacked: ``benchmarks/peers/unpack_debian.sh``."""

NATS_PROGRAM = DEBIAN / "usr/sbin/nats-server"
NGINX_PROGRAM = DEBIAN / "usr/sbin/nginx"
NGINX_MODULES = DEBIAN / "usr/lib/nginx/modules"
NGINX_FOLDER = Path("/var/lib/nginx")

_DRAINED_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Entrant:
    """A running server, how it is spoken to, and where events are published."""

    name: str
    version: str
    server: Server
    dialect: Dialect
    write: Callable[[bytes], None]

    def publish(self, rooms: Sequence[int], event: bytes) -> None:
        """Publish an event in each of these rooms, in one write."""
        self.write(b"".join(self.dialect.publication(room, event) for room in rooms))


@dataclass(frozen=True)
class PythonPeer:
    """A peer that is a Python program in the peers' own virtual environment."""

    name: str
    script: str
    packages: tuple[str, ...]
    dialect: Dialect


PYTHON_PEERS = (
    PythonPeer("websockets + Redis", "websockets_redis.py", ("websockets",), dialects.RoomInPath()),
    PythonPeer(
        "FastAPI broadcaster", "fastapi_broadcaster.py", ("fastapi", "uvicorn"), dialects.FastAPI()
    ),
    PythonPeer(
        "Django Channels",
        "django_channels.py",
        ("channels", "channels_redis"),
        dialects.Channels(),
    ),
    PythonPeer(
        "python-socketio", "python_socketio.py", ("python-socketio",), dialects.PythonSocketIO()
    ),
)


class Line:
    """A connection to where events are published. What it answers is not looked at."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, octets: bytes) -> None:
        """Write, and take the answers of before out of the way."""
        with contextlib.suppress(BlockingIOError):
            self._socket.recv(_DRAINED_BYTES, socket.MSG_DONTWAIT)
        self._socket.sendall(octets)


@dataclass(frozen=True)
class Lineup:
    """Starts servers, each for as long as ``stack`` lasts."""

    servers: EmbeddedServers
    redis_port: int
    folder: Path
    stack: contextlib.ExitStack

    def everybody(self, members: int) -> list[Entrant]:
        """Start Parley, the C loop with so many members, and every peer that is installed."""
        candidates = [
            self.parley(),
            self._send_loop(members),
            *map(self._python, PYTHON_PEERS),
            self._socketio(),
            self._nats(),
            self._nchan(),
        ]
        return [entrant for entrant in candidates if entrant]

    def parley(self) -> Entrant:
        """Start a gateway."""
        gateway = self.stack.enter_context(
            contenders.gateway(self.servers, self._folder("parley"), redis_url=self._redis_url)
        )
        version = importlib.metadata.version("parley-gateway")
        line = Line(self.redis_port)
        return Entrant(PARLEY, version, gateway.server, dialects.Parley(gateway), line.write)

    @property
    def _redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.redis_port}/0"

    def _send_loop(self, members: int) -> Entrant | None:
        program = contenders.compile_send_loop()
        if program is None:
            return None
        loop = self.stack.enter_context(contenders.send_loop(program, members, self.folder))

        def write(octets: bytes) -> None:
            loop.server.stdin.write(octets)
            loop.server.stdin.flush()

        return Entrant(SEND_LOOP, "", loop.server, dialects.SendLoop(), write)

    def _python(self, peer: PythonPeer) -> Entrant | None:
        if not PEERS_PYTHON.exists():
            return None
        server = self._run(peer.script, [PEERS_PYTHON, PEERS / peer.script])
        line = Line(self.redis_port)
        return Entrant(peer.name, _python_versions(peer.packages), server, peer.dialect, line.write)

    def _socketio(self) -> Entrant | None:
        node = shutil.which("node")
        if node is None or not (SOCKETIO / "node_modules").exists():
            return None
        package = json.loads((SOCKETIO / "node_modules/socket.io/package.json").read_bytes())
        runtime = _output(node, "--version")
        server = self._run("socketio", [node, SOCKETIO / "server.mjs"])
        return Entrant(
            "Socket.IO",
            f"{package['version']}, Node {runtime}",
            server,
            dialects.SocketIO(),
            Line(self.redis_port).write,
        )

    def _nats(self) -> Entrant | None:
        if not NATS_PROGRAM.exists():
            return None
        port, publishing_port = free_port(), free_port()
        ports = {"websocket_port": str(port), "port": str(publishing_port)}
        configuration = self._configured("nats.conf", ports)
        server = self._run("nats", [NATS_PROGRAM, "--config", configuration], port=port)
        line = Line(publishing_port)
        line.write(dialects.Nats.hello)
        version = _output(NATS_PROGRAM, "--version")
        return Entrant("NATS", version, server, dialects.Nats(), line.write)

    def _nchan(self) -> Entrant | None:
        if not NGINX_PROGRAM.exists() or not NGINX_FOLDER.exists():
            return None
        port = free_port()
        folder = self._folder("nchan")
        values = {"port": str(port), "modules": str(NGINX_MODULES), "folder": str(folder)}
        configuration = self._configured("nchan.conf", values)
        command = [NGINX_PROGRAM, "-p", folder, "-e", "stderr", "-c", configuration]
        server = self._run("nchan", command, port=port)
        version = (DEBIAN / "nchan.version").read_text().strip()
        return Entrant("Nchan", version, server, dialects.Nchan(), Line(port).write)

    def _run(self, name: str, command: Sequence[str | Path], *, port: int | None = None) -> Server:
        environment = {"REDIS_URL": self._redis_url, "GOMAXPROCS": "1"}
        return self.stack.enter_context(
            running(command, self._folder(name), environment, port=port)
        )

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def _configured(self, name: str, values: Mapping[str, str]) -> Path:
        """Write a peer's configuration with these values filled in."""
        template = string.Template((PEERS / name).read_text())
        path = self.folder / name
        path.write_text(template.substitute(values))
        return path


def peers_are_installed() -> bool:
    """Tell whether there is any."""
    return any(path.exists() for path in (PEERS_PYTHON, SOCKETIO / "node_modules", DEBIAN))


def open_redis_port(servers: EmbeddedServers) -> int:
    """Let the embedded Redis listen on loopback, too: not every peer takes a Unix socket."""
    port = free_port()
    with Redis.from_url(servers.redis_url) as client:
        client.config_set("bind", "127.0.0.1")
        client.config_set("port", port)
    return port


_TELL_VERSIONS = """
import importlib.metadata, sys
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in sys.argv[1:]))
"""


def _python_versions(packages: Sequence[str]) -> str:
    return _output(PEERS_PYTHON, "-c", _TELL_VERSIONS, *packages)


def _output(*command: str | Path) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return (answer.stdout or answer.stderr).strip()
