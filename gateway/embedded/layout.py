"""Where everything of one data folder lies, and who may enter.

::

    DATA_DIR/
    ├── postgres/ redis/          the servers' data
    ├── sockets/                  their Unix sockets: the only way in, there is no TCP port
    ├── postgres.log redis.log    what they say; ``.log.1`` is the run before
    ├── postgres.pid redis.pid    which process serves the data (``process.py``)
    └── start.lock users.lock     who starts, stops and uses them (``lock.py``)

The three folders are private (0700) to the servers' account, and that stands
in place of passwords. PostgreSQL refuses to run as root, so under root both
servers run as the owner of DATA_DIR or, where that is root too, as ``nobody``.
"""

import contextlib
import hashlib
import os
import pwd
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from gateway.core.errors import ConfigurationError

log = structlog.get_logger()

POSTGRES_SOCKET: Final = ".s.PGSQL.5432"
REDIS_SOCKET: Final = "redis.sock"

_MAX_SOCKET_PATH_BYTES: Final = 107
# sun_path of sockaddr_un holds 108 with the closing zero: man 7 unix.

_PLAIN_PATH: Final = re.compile(r"[\w./-]+", re.ASCII)
# What needs no quoting in a URL, nor in PostgreSQL's comma-separated list of socket folders.

_SHORT_TEMPORARY_FOLDER: Final = Path("/tmp")  # noqa: S108  its children are private and checked
# Not tempfile.gettempdir(): TMPDIR may be long, and may differ in the next process.


@dataclass(frozen=True, slots=True)
class Account:
    """The user the servers run as."""

    uid: int
    gid: int

    @property
    def is_foreign(self) -> bool:
        """Whether it is somebody else than this process; only root can arrange that."""
        return self.uid != os.geteuid()


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one data folder; the folders exist, the way to them is open."""

    data_dir: Path
    sockets: Path
    account: Account

    def data(self, server: str) -> Path:
        """Return the data folder of ``server`` ("postgres" or "redis")."""
        return self.data_dir / server

    def log(self, server: str) -> Path:
        """Return the file with the server's own messages."""
        return self.data_dir / f"{server}.log"

    def record(self, server: str) -> Path:
        """Return the file that says which process is the server."""
        return self.data_dir / f"{server}.pid"


def prepare_layout(data_dir: Path) -> Layout:
    """Make the folders that are missing and return the layout.

    Raises ``ConfigurationError`` when a folder cannot be made, entered or
    written, or belongs to somebody else.
    """
    try:
        data_dir = data_dir.resolve()
        account = _servers_account(data_dir)
        data_dir.mkdir(mode=0o711 if account.is_foreign else 0o700, parents=True, exist_ok=True)
        layout = Layout(data_dir, _socket_folder(data_dir, account), account)
        private_folder(layout.sockets, account)
        for folder in (layout.sockets, layout.data("postgres")):
            open_the_way(folder, account)
    except OSError as error:
        raise ConfigurationError(
            f"the data folder {data_dir} cannot be used ({reason(error)}); "
            "choose one you may write to, e.g. --data-dir ./data"
        ) from error
    return layout


def reason(error: OSError) -> str:
    """Return what went wrong, and with which file if that is known."""
    text = error.strerror or str(error)
    return f"{text}: {error.filename}" if error.filename else text


def _servers_account(data_dir: Path) -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    entry = pwd.getpwnam("nobody")
    if data_dir.exists() and (owner := data_dir.stat().st_uid) != 0:
        with contextlib.suppress(KeyError):  # PostgreSQL runs for nobody without a name
            entry = pwd.getpwuid(owner)
    return Account(entry.pw_uid, entry.pw_gid)


def _socket_folder(data_dir: Path, account: Account) -> Path:
    """Return a folder for sockets whose path is short and plain enough for everyone."""
    folder = data_dir / "sockets"
    longest_bytes = len(os.fsencode(folder / POSTGRES_SOCKET))
    if longest_bytes <= _MAX_SOCKET_PATH_BYTES and _PLAIN_PATH.fullmatch(str(folder)):
        return folder
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return _SHORT_TEMPORARY_FOLDER / f"parley-{account.uid}-{digest}"


def private_folder(path: Path, account: Account) -> None:
    """Make ``path`` a folder that only ``account`` (and root) may enter.

    Ownership is checked and changed through one descriptor, so in a folder
    that others may write to nobody can swap ``path`` in between.
    Raises ``ConfigurationError`` when it belongs to somebody else, ``OSError``
    when it is no folder or cannot be made.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        owner = os.fstat(descriptor).st_uid
        if owner not in {account.uid, os.geteuid()}:
            raise ConfigurationError(
                f"the folder {path} belongs to another user (uid {owner}): start as that user, "
                "or choose another folder, e.g. --data-dir ./data"
            )
        os.fchmod(descriptor, 0o700)
        _give_to(descriptor, account)
    finally:
        os.close(descriptor)


def open_private(path: Path, flags: int, account: Account) -> int:
    """Open a file that only ``account`` may read, made if it is missing; return its descriptor.

    A link in its place is refused with ``OSError``: the owner of a data folder
    must not lead root, who may be starting the servers, to another file.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    _give_to(descriptor, account)
    return descriptor


def _give_to(descriptor: int, account: Account) -> None:
    if account.is_foreign:
        os.fchown(descriptor, account.uid, account.gid)


def open_the_way(path: Path, account: Account) -> None:
    """Let ``account`` pass through the folders above ``path``, and say which were opened.

    Only the right to pass is given (o+x), never the right to read: whoever
    does not know a name in there does not learn it.
    """
    if not account.is_foreign:
        return
    for folder in reversed(path.parents):
        status = folder.stat()
        if not _may_pass(account, status):
            folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
            log.warning(
                "embedded.folder_opened",
                folder=str(folder),
                change="o+x",
                why=f"the embedded servers run as uid {account.uid} and live below it",
            )


def _may_pass(account: Account, folder: os.stat_result) -> bool:
    if folder.st_uid == account.uid:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == account.gid:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)
