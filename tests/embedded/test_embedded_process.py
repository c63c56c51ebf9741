import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.embedded.layout import Account
from gateway.embedded.process import Process, find, identity, run, spawn

OURSELVES = Account(uid=os.geteuid(), gid=os.getegid())

Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start a command in ``tmp_path`` with its output in ``tmp_path/log``."""
    return lambda *command: spawn(command, folder=tmp_path, log=tmp_path / "log", account=OURSELVES)


async def test_a_process_is_found_by_its_record(start: Start, tmp_path: Path) -> None:
    """What was recorded of a living process leads back to it, and to nothing once it is over."""
    process = start("sleep", "600")
    record = tmp_path / "record"
    record.write_text(identity(process.pid, tmp_path))
    found = find(record, tmp_path)
    assert found is not None
    assert found.pid == process.pid
    found.close()
    await process.kill_with_children()
    process.close()
    assert find(record, tmp_path) is None


@pytest.mark.parametrize("text", ["", "no number", "0 0 0", "999999999 1 boot"])
def test_a_useless_record_finds_nothing(tmp_path: Path, text: str) -> None:
    """An empty, damaged or outdated record is the same as none."""
    (tmp_path / "record").write_text(text)
    assert find(tmp_path / "record", tmp_path) is None
    assert find(tmp_path / "missing", tmp_path) is None


async def test_children_are_killed_with_their_parent(start: Start, tmp_path: Path) -> None:
    """Nothing of a killed server's family runs on."""
    os.mkfifo(tmp_path / "started")
    process = start("sh", "-c", "setsid sleep 600 & echo $! > started; wait")
    child = Process(int(await asyncio.to_thread((tmp_path / "started").read_text)))
    await process.kill_with_children()
    assert process.has_exited
    assert child.has_exited
    process.close()
    child.close()


async def test_several_may_wait_for_one_end(start: Start) -> None:
    """Every waiter is told, and the exit code goes to the one who reaps."""
    process = start("sh", "-c", "exit 3")
    codes = await asyncio.gather(process.exited(), process.exited())
    assert set(codes) == {3, None}
    process.close()


async def test_a_signal_to_what_is_over_does_no_harm(start: Start) -> None:
    """Ending a process twice is no error."""
    process = start("true")
    await process.exited()
    process.send(signal.SIGTERM)
    process.close()


async def test_the_environment_of_the_caller_stays_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables like PGDATA do not reach the servers."""
    monkeypatch.setenv("PGDATA", "/elsewhere")
    code = await run(["env"], folder=tmp_path, log=tmp_path / "log", account=OURSELVES)
    assert code == 0
    assert "PGDATA" not in (tmp_path / "log").read_text()


async def test_a_cancelled_run_ends_its_program(tmp_path: Path) -> None:
    """Whoever gives up a long command (Ctrl-C during the first start) leaves nothing running."""
    command = ["sh", "-c", "echo $$; exec sleep 600"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await run(command, folder=tmp_path, log=tmp_path / "log", account=OURSELVES)
    with pytest.raises(ProcessLookupError):
        Process(int((tmp_path / "log").read_text()))
