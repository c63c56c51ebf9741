"""Questions between processes, over sockets without a file."""

import asyncio
import os
import secrets
import socket
import struct

import pytest

from gateway.runtime.supervision import Supervisor
from gateway.serving import asking
from gateway.serving.asking import answering, ask
from tests.support.waiting import WAIT_SECONDS

LONG = b"x" * 1_000_000


@pytest.fixture
def name() -> str:
    """A name that nobody else has."""
    return f"parley-test-{secrets.token_hex(8)}"


async def test_an_answer_comes_whole_as_often_as_asked(name: str):
    """Also one larger than the buffers, to several at once."""

    async def answer() -> bytes:
        return LONG

    async with answering(name, answer, Supervisor()):
        answers = await asyncio.gather(*(ask(name, within_seconds=WAIT_SECONDS) for _ in range(5)))
    assert answers == [LONG] * 5


async def test_who_is_not_there_or_does_not_answer_in_time_has_no_answer(name: str):
    """The caller goes on without."""
    assert await ask(name, within_seconds=WAIT_SECONDS) is None

    async def answer() -> bytes:
        await asyncio.Event().wait()
        return b"never"

    supervisor = Supervisor()
    async with answering(name, answer, supervisor):
        assert await ask(name, within_seconds=0.05) is None
    await supervisor.stop()
    assert await ask(name, within_seconds=WAIT_SECONDS) is None


async def test_a_failure_to_answer_is_no_answer(name: str):
    """It is counted as every job's."""

    async def answer() -> bytes:
        raise ValueError("a fault")

    supervisor = Supervisor()
    async with answering(name, answer, supervisor):
        assert await ask(name, within_seconds=WAIT_SECONDS) is None
    await supervisor.stop()
    assert supervisor.failed_jobs == 1


def test_the_other_side_is_known_by_its_user(monkeypatch: pytest.MonkeyPatch):
    """The kernel tells whose it is; nobody else's is spoken to."""
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert asking._is_ours(one)
        monkeypatch.setattr(os, "geteuid", lambda: 4321)
        assert not asking._is_ours(one)
    assert asking._PEER.size == struct.calcsize("3i")


async def test_strangers_get_nothing(name: str, monkeypatch: pytest.MonkeyPatch):
    """Neither an answer nor a question."""

    async def answer() -> bytes:
        return b"figures"

    async with answering(name, answer, Supervisor()):
        monkeypatch.setattr(asking, "_is_ours", lambda _: False)
        assert await ask(name, within_seconds=WAIT_SECONDS) is None
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.setblocking(False)
            stranger.connect("\0" + name)
            async with asyncio.timeout(WAIT_SECONDS):
                assert await asyncio.get_running_loop().sock_recv(stranger, 10) == b""
