import asyncio
import contextlib
import os
import pwd
import shutil
import signal
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio

from gateway.core.errors import ConfigurationError
from gateway.embedded import EmbeddedServers, embedded_servers, server
from gateway.embedded.process import Process
from tests.embedded.user_process import StartUser

pytestmark = pytest.mark.server


@contextlib.asynccontextmanager
async def clients(
    servers: EmbeddedServers,
) -> AsyncIterator[tuple[asyncpg.Connection, redis.asyncio.Redis]]:
    """Open a connection to each server."""
    database = await asyncpg.connect(servers.database_url)
    try:
        async with redis.asyncio.from_url(servers.redis_url) as backplane:
            yield database, backplane
    finally:
        await database.close()


async def write(servers: EmbeddedServers) -> None:
    """Leave something in each server."""
    async with clients(servers) as (database, backplane):
        await database.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await backplane.set("kept", "42")


async def assert_kept(servers: EmbeddedServers) -> None:
    """Fail unless what ``write`` left is there."""
    async with clients(servers) as (database, backplane):
        assert await database.fetchval("SELECT answer FROM kept") == 42
        assert await backplane.get("kept") == b"42"


def assert_gone(pids: Iterable[int]) -> None:
    """Fail if one of the processes still runs."""
    for pid in pids:
        assert has_ended(pid), f"process {pid} still runs"


def has_ended(pid: int) -> bool:
    """Whether the process is over, reaped or not."""
    try:
        process = Process(pid)
    except ProcessLookupError:
        return True
    try:
        return process.has_exited
    finally:
        process.close()


async def test_both_servers_answer_on_sockets_and_on_nothing_else(
    servers: EmbeddedServers,
) -> None:
    """The servers take no TCP connections, and only their own account enters the folder."""
    async with clients(servers) as (database, backplane):
        assert await database.fetchval("SHOW listen_addresses") == ""
        assert await backplane.config_get("port") == {"port": "0"}
        folder = Path(await database.fetchval("SHOW unix_socket_directories"))
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_what_is_acknowledged_is_on_disk(servers: EmbeddedServers) -> None:
    """PostgreSQL commits synchronously and Redis keeps an append-only file."""
    async with clients(servers) as (database, backplane):
        assert await database.fetchval("SHOW fsync") == "on"
        assert await database.fetchval("SHOW synchronous_commit") == "on"
        assert await backplane.config_get("appendonly") == {"appendonly": "yes"}


async def test_text_is_utf8_and_knows_its_capitals_on_every_machine(
    servers: EmbeddedServers,
) -> None:
    """The locale is PostgreSQL's own: none of the machine's is needed."""
    async with clients(servers) as (database, _):
        assert await database.fetchval("SELECT lower('ÄÉŻ')") == "äéż"
        assert await database.fetchval("SHOW timezone") == "UTC"


async def test_data_survives_a_restart(used_data_dir: Path) -> None:
    """What was written before the servers ended is there when they start again."""
    async with embedded_servers(used_data_dir) as servers:
        await write(servers)
        pids = servers.pids
    assert_gone(pids.values())
    async with embedded_servers(used_data_dir) as servers:
        await assert_kept(servers)


async def test_only_what_is_asked_for_is_started(data_dir: Path) -> None:
    """A gateway with a database of its own gets Redis alone."""
    async with embedded_servers(data_dir, postgres=False) as servers:
        assert servers.pids.keys() == {"redis"}
        assert not (data_dir / "postgres").exists()


async def test_a_second_process_joins_and_the_last_one_out_stops(
    used_data_dir: Path, start_user: StartUser
) -> None:
    """Two processes share the servers, which outlive the one that started them."""
    first = await start_user()
    second = await start_user()
    assert second.pids == first.pids
    await first.press_ctrl_c()
    assert not any(map(has_ended, second.pids.values()))
    await second.press_ctrl_c()
    assert_gone(second.pids.values())


async def test_users_that_start_together_share_one_pair_of_servers(start_user: StartUser) -> None:
    """Of two processes on a new folder one makes the data, the other waits and joins."""
    one, other = await asyncio.gather(start_user(), start_user())
    assert one.pids == other.pids


async def test_servers_of_a_killed_user_are_adopted(
    used_data_dir: Path, start_user: StartUser
) -> None:
    """A killed process counts no more: the next one takes its servers over and ends them."""
    user = await start_user()
    await user.kill()
    assert not any(map(has_ended, user.pids.values()))
    async with embedded_servers(used_data_dir) as servers:
        assert servers.pids == user.pids
    assert_gone(user.pids.values())


async def test_nothing_blocks_the_start_after_everything_was_killed(used_data_dir: Path) -> None:
    """Pid files and sockets of dead servers are no obstacle, and the data is whole."""
    async with embedded_servers(used_data_dir) as servers:
        await write(servers)
        for pid in servers.pids.values():
            os.kill(pid, signal.SIGKILL)
        await servers.start_postgres()
        await servers.start_redis()
        await assert_kept(servers)


async def test_a_copy_of_the_folder_leaves_the_original_alone(
    private_servers: EmbeddedServers, data_dir: Path
) -> None:
    """A folder copied under running servers, records and all, gets servers of its own."""
    copy = data_dir / "copy"
    copy.mkdir()
    for record in data_dir.glob("*.pid"):
        shutil.copy(record, copy)
    async with embedded_servers(copy) as servers:
        assert not set(servers.pids.values()) & set(private_servers.pids.values())
    assert not any(map(has_ended, private_servers.pids.values()))


async def test_orphans_of_a_killed_postgresql_are_waited_for(
    private_servers: EmbeddedServers,
) -> None:
    """A worker that outlives its killed server holds its memory; the next server starts after."""
    orphan = await asyncpg.connect(private_servers.database_url)
    try:
        os.kill(orphan.get_server_pid(), signal.SIGSTOP)
        os.kill(private_servers.pids["postgres"], signal.SIGKILL)
        wake = asyncio.get_running_loop().call_later
        wake(0.2, os.kill, orphan.get_server_pid(), signal.SIGCONT)
        await private_servers.start_postgres()
    finally:
        orphan.terminate()


async def test_ctrl_c_ends_servers_in_good_order(
    used_data_dir: Path, start_user: StartUser
) -> None:
    """The interrupt reaches the user alone, which then shuts the servers down properly."""
    user = await start_user()
    assert await user.press_ctrl_c() == 130
    assert_gone(user.pids.values())
    assert "received fast shutdown request" in (used_data_dir / "postgres.log").read_text()
    assert "ready to exit" in (used_data_dir / "redis.log").read_text()
    async with embedded_servers(used_data_dir):
        assert "not properly shut down" not in (used_data_dir / "postgres.log").read_text()


async def test_no_child_process_stays_behind(data_dir: Path) -> None:
    """Every process started is reaped: no server, no zombie."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text()
    async with embedded_servers(data_dir):
        assert children.read_text() != before
    assert children.read_text() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
async def test_an_ordinary_user_needs_no_root(
    servers: EmbeddedServers, data_dir: Path, start_user: StartUser
) -> None:
    """The servers run as the user who starts them."""
    # ``servers`` is asked for because root's start opens the way to the wheels.
    nobody = pwd.getpwnam("nobody")
    os.chown(data_dir, nobody.pw_uid, nobody.pw_gid)
    user = await start_user(uid=nobody.pw_uid)
    for pid in user.pids.values():
        assert Path(f"/proc/{pid}").stat().st_uid == nobody.pw_uid
    assert await user.press_ctrl_c() == 130
    assert_gone(user.pids.values())


async def test_a_long_path_gets_its_sockets_elsewhere(data_dir: Path) -> None:
    """A path longer than a socket's may be, or with odd characters, works as well."""
    async with embedded_servers(data_dir / ("ünd, so fort " * 9)) as servers:
        await write(servers)
        await assert_kept(servers)
        async with clients(servers) as (database, _):
            folder = Path(await database.fetchval("SHOW unix_socket_directories"))
    assert not folder.is_relative_to(data_dir)
    folder.rmdir()


@pytest.mark.parametrize("name", ["postgres", "redis"])
async def test_a_server_that_dies_is_started_again(
    private_servers: EmbeddedServers, name: str
) -> None:
    """While they are kept, a killed server is replaced and its data is there."""
    await write(private_servers)
    killed = private_servers.pids[name]
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(private_servers.keep_running())
        os.kill(killed, signal.SIGKILL)
        while private_servers.pids.get(name, killed) == killed:  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.01)
        await private_servers.start_postgres()  # returns when it answers
        await private_servers.start_redis()
        keeper.cancel()
    await assert_kept(private_servers)


async def test_a_server_that_hangs_is_replaced(
    used_data_dir: Path, start_user: StartUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that runs but does not answer is killed, and the data is served by a new one."""
    monkeypatch.setattr(server, "_ADOPT_SECONDS", 0.1)
    user = await start_user()
    await user.kill()
    for pid in user.pids.values():
        os.kill(pid, signal.SIGSTOP)
    async with embedded_servers(used_data_dir) as servers:
        assert servers.pids.keys() == user.pids.keys()
        assert_gone(user.pids.values())


async def test_a_server_in_use_is_not_taken_for_abandoned(
    private_servers: EmbeddedServers, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newcomer that gets no answer leaves alone what others use, and says so."""
    monkeypatch.setattr(server, "_ADOPT_SECONDS", 0.1)
    pid = private_servers.pids["redis"]
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ConfigurationError, match=f"process {pid}.*is in use and does not answer"):
        async with embedded_servers(data_dir):
            pass
    os.kill(pid, signal.SIGCONT)
    assert not has_ended(pid)


async def test_a_paused_server_is_stopped_without_delay(private_servers: EmbeddedServers) -> None:
    """A server that was paused (SIGSTOP) obeys the order to stop."""
    pids = private_servers.pids
    for pid in pids.values():
        os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(5):
        await private_servers.stop_redis()
        await private_servers.stop_postgres()
    assert_gone(pids.values())
    assert private_servers.pids == {}
