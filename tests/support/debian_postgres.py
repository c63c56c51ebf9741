"""Debian's PostgreSQL 15 as a private server: the same tests on the oldest supported major."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PROGRAMS: Final = Path("/usr/lib/postgresql/15/bin")


@contextmanager
def debian_postgres() -> Iterator[str]:
    """Start a server in a temporary folder, on a Unix socket only; return its URL.

    Raises ``FileNotFoundError`` when the package ``postgresql-15`` is not installed.
    """
    # PostgreSQL refuses to run as root; the package brings an account.
    account = pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="parley-pg15-"))
    if account:
        shutil.chown(folder, account)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [PROGRAMS / program, "-D", data, *arguments],
            user=account,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    try:
        run("initdb", "--username=parley", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://parley@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
