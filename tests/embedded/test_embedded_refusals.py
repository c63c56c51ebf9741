"""A start that cannot be says why, and what to do."""

import os
import pwd
from pathlib import Path

import pytest

from gateway.core.errors import ConfigurationError
from gateway.embedded import embedded_servers, postgres, redis
from gateway.embedded.layout import prepare_layout
from gateway.embedded.process import identity, spawn
from tests.embedded.user_process import User

pytestmark = pytest.mark.server


async def start(data_dir: Path, *, postgres: bool = False, redis: bool = False) -> None:
    """Start and stop what is asked for."""
    async with embedded_servers(data_dir, postgres=postgres, redis=redis):
        pass


async def test_without_the_postgresql_wheel_the_extra_and_the_variable_are_named(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing wheel is answered with both ways out."""
    monkeypatch.setattr(postgres, "wheel_folder", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"parley-gateway\[embedded\].*DATABASE_URL"):
        await start(data_dir, postgres=True)


async def test_without_any_redis_the_extra_and_the_variable_are_named(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With neither the wheel nor a program on PATH both ways out are named."""
    monkeypatch.setattr(redis, "wheel_folder", lambda _: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigurationError, match=r"parley-gateway\[embedded\].*REDIS_URL"):
        await start(data_dir, redis=True)


async def test_data_of_another_major_version_is_refused_by_its_number(data_dir: Path) -> None:
    """The message says which PostgreSQL made the data, and the data is not touched."""
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(ConfigurationError, match="made by PostgreSQL 15"):
        await start(data_dir, postgres=True)
    assert [path.name for path in (data_dir / "postgres").iterdir()] == ["PG_VERSION"]


async def test_data_of_a_newer_redis_is_not_taken_for_an_empty_folder(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis 6 would ignore what Redis 7 wrote, so it is not started on it."""
    monkeypatch.setenv("PATH", "/nowhere")
    (data_dir / "redis" / "appendonlydir").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="made by Redis 7 or later"):
        await start(data_dir, redis=True)


async def test_damaged_postgresql_data_shows_the_end_of_the_log(used_data_dir: Path) -> None:
    """What PostgreSQL itself says about its data is in the message."""
    await start(used_data_dir, postgres=True)
    (used_data_dir / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(ConfigurationError, match=r"(?s)did not start.*postgres\.log.*pg_control"):
        await start(used_data_dir, postgres=True)


async def test_damaged_redis_data_shows_the_end_of_the_log(data_dir: Path) -> None:
    """What Redis itself says about its data is in the message."""
    await start(data_dir, redis=True)
    (data_dir / "redis" / "appendonly.aof").write_text("no such command\n" * 9)
    with pytest.raises(ConfigurationError, match=r"(?s)did not start.*redis\.log.*Bad file format"):
        await start(data_dir, redis=True)


async def test_a_failed_start_leaves_no_server_behind(data_dir: Path) -> None:
    """When PostgreSQL cannot start, the Redis that was started first is stopped."""
    (data_dir / "postgres").mkdir()
    with pytest.raises(ConfigurationError, match="PG_VERSION"):
        await start(data_dir, postgres=True, redis=True)
    assert "ready to exit" in (data_dir / "redis.log").read_text()


async def test_a_folder_one_may_not_write_to_is_named(data_dir: Path) -> None:
    """The message names the folder, the reason and the option."""
    folder = data_dir / "forbidden"
    folder.mkdir(mode=0o500)
    uid = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    data_dir.chmod(0o711)
    user = await User.start(folder, uid)
    complaint = await user.complaint()
    assert complaint.startswith("refused: ")
    assert f"{folder}" in complaint
    assert "Permission denied" in complaint
    assert "--data-dir" in complaint


async def test_a_file_in_place_of_the_folder_is_named(data_dir: Path) -> None:
    """A path that is no folder is a wrong setting, not a traceback."""
    (data_dir / "file").touch()
    with pytest.raises(ConfigurationError, match=r"File exists|Not a directory"):
        await start(data_dir / "file", redis=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can prepare another user's folder")
async def test_a_socket_folder_of_somebody_else_is_not_used(data_dir: Path) -> None:
    """A folder that another user has put in the sockets' place is refused."""
    (data_dir / "sockets").mkdir()
    os.chown(data_dir / "sockets", 12345, 12345)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        await start(data_dir, redis=True)
    (data_dir / "sockets").rmdir()


async def test_a_link_in_place_of_a_log_is_refused(data_dir: Path) -> None:
    """Nobody leads the starting process (root, perhaps) to write into another file."""
    victim = data_dir / "victim"
    victim.touch()
    (data_dir / "start.lock").symlink_to(victim)
    with pytest.raises(ConfigurationError, match=r"start\.lock"):
        await start(data_dir, redis=True)
    (data_dir / "start.lock").unlink()


async def test_a_pid_that_belongs_to_another_process_now_is_no_obstacle(
    used_data_dir: Path,
) -> None:
    """A reused process number neither passes for the server nor blocks its start."""
    await start(used_data_dir, postgres=True, redis=True)
    account = prepare_layout(used_data_dir).account
    stranger = spawn(
        ["sleep", "600"], folder=used_data_dir, log=used_data_dir / "log", account=account
    )
    pid, _, boot, inode = identity(stranger.pid, used_data_dir).split()
    for name in ("postgres", "redis"):
        (used_data_dir / f"{name}.pid").write_text(f"{pid} 1 {boot} {inode}")
    lock = f"{pid}\n{used_data_dir}/postgres\n1700000000\n5432\n{used_data_dir}/sockets\n\n"
    (used_data_dir / "postgres" / "postmaster.pid").write_text(lock)
    (used_data_dir / "sockets" / ".s.PGSQL.5432.lock").write_text(lock)
    async with embedded_servers(used_data_dir) as servers:
        assert stranger.pid not in servers.pids.values()
    assert not stranger.has_exited
    await stranger.kill_with_children()
    stranger.close()
