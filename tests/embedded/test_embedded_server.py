"""The life of any server, shown with a shell script that misbehaves on demand."""

import asyncio
import os
import signal
from pathlib import Path
from typing import ClassVar

import pytest
from typing_extensions import override

from gateway.core.errors import ConfigurationError
from gateway.embedded import server
from gateway.embedded.layout import prepare_layout
from gateway.embedded.server import Server


class Stubborn(Server):
    """A server that does not obey SIGTERM, and answers when it has made a file."""

    name: ClassVar[str] = "stubborn"
    title: ClassVar[str] = "Stubborn"
    variable: ClassVar[str] = "STUBBORN_URL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    shell = "/bin/sh"
    program = "trap '' TERM; touch ready; sleep 600"
    refusals = 0

    @override
    async def _prepare(self) -> list[str | Path]:
        self.data.mkdir(exist_ok=True)
        os.chown(self.data, self.layout.account.uid, self.layout.account.gid)
        if self.refusals:
            self.refusals -= 1
            raise ConfigurationError("not now")
        return [self.shell, "-c", self.program]

    @override
    async def _sweep(self, dead_pid: int | None) -> None:
        (self.data / "ready").unlink(missing_ok=True)

    @override
    async def _answers(self) -> bool:
        process = self._find()
        if process is None:
            return False
        process.close()
        return (self.data / "ready").exists()


@pytest.fixture
def stubborn(data_dir: Path) -> Stubborn:
    """Prepare one that has not been started."""
    return Stubborn(prepare_layout(data_dir))


async def test_a_server_that_does_not_stop_is_killed(
    stubborn: Stubborn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopping takes a bounded time, whatever the server does."""
    monkeypatch.setattr(server, "_STOP_SECONDS", 0.1)
    await stubborn.start()
    pid = stubborn.pid
    await stubborn.stop()
    assert stubborn.pid is None
    assert not Path(f"/proc/{pid}").exists()


async def test_a_server_that_never_answers_is_given_up_and_ended(
    stubborn: Stubborn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start takes a bounded time as well, and leaves nothing running."""
    monkeypatch.setattr(server, "_START_SECONDS", 0.1)
    stubborn.program = "echo busy with other things; exec sleep 600"
    with pytest.raises(ConfigurationError, match=r"(?s)did not start.*busy with other things"):
        await stubborn.start()
    assert stubborn._find() is None


async def test_a_cancelled_start_leaves_nothing_running(stubborn: Stubborn) -> None:
    """Ctrl-C while a server is on its way up ends it."""
    stubborn.program = "exec sleep 600"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await stubborn.start()
    assert stubborn._find() is None


async def test_a_server_that_ends_at_once_shows_its_last_words(stubborn: Stubborn) -> None:
    """The end of the log is in the message, and the way around it."""
    stubborn.program = "echo disk on fire; exit 1"
    with pytest.raises(ConfigurationError, match=r"(?s)disk on fire.*STUBBORN_URL"):
        await stubborn.start()


async def test_a_program_that_cannot_be_run_is_named(stubborn: Stubborn) -> None:
    """An error of the operating system becomes a sentence with the file in it."""
    stubborn.shell = "/nowhere/server"
    with pytest.raises(ConfigurationError, match="No such file or directory: /nowhere/server"):
        await stubborn.start()


async def test_the_keeper_tries_again_until_a_start_succeeds(
    stubborn: Stubborn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that fails, with a full disk perhaps, is not the end of the keeping."""
    monkeypatch.setattr(server, "_STOP_SECONDS", 0.1)
    stubborn.refusals = 2
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(stubborn.keep())
        while stubborn.pid is None:  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.01)
        keeper.cancel()
    assert stubborn.refusals == 0
    await stubborn.stop()
