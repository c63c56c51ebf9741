import os
import stat
from pathlib import Path

import pytest

from gateway.core.errors import ConfigurationError
from gateway.embedded.layout import Account, open_the_way, prepare_layout, private_folder

SOMEBODY = Account(uid=12345, gid=12345)
OURSELVES = Account(uid=os.geteuid(), gid=os.getegid())


def mode(path: Path) -> str:
    """Return the mode as ``ls`` shows it."""
    return stat.filemode(path.stat().st_mode)


def test_the_folder_of_sockets_is_private_even_if_it_was_open(tmp_path: Path) -> None:
    """An earlier, more open mode does not survive."""
    (tmp_path / "folder").mkdir(mode=0o777)
    private_folder(tmp_path / "folder", OURSELVES)
    assert mode(tmp_path / "folder") == "drwx------"


def test_a_link_is_no_private_folder(tmp_path: Path) -> None:
    """A link to a folder is refused: its target may belong to anybody."""
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        private_folder(tmp_path / "link", OURSELVES)


def test_the_way_is_opened_for_passing_and_not_for_reading(tmp_path: Path) -> None:
    """Only folders the account could not pass change, and only by o+x."""
    closed, open_already = tmp_path / "closed", tmp_path / "closed" / "open"
    open_already.mkdir(parents=True)
    closed.chmod(0o700)
    open_already.chmod(0o755)
    open_the_way(open_already / "data", SOMEBODY)
    assert mode(closed) == "drwx-----x"
    assert mode(open_already) == "drwxr-xr-x"


def test_the_way_is_left_alone_for_ourselves(tmp_path: Path) -> None:
    """A server that runs as the user who starts it needs nothing opened."""
    (tmp_path / "closed").mkdir(mode=0o700)
    open_the_way(tmp_path / "closed" / "data", OURSELVES)
    assert mode(tmp_path / "closed") == "drwx------"


def test_the_same_folder_by_another_name_has_the_same_sockets(data_dir: Path) -> None:
    """Two processes find each other whatever path leads them there."""
    (data_dir / "real").mkdir()
    (data_dir / "link").symlink_to(data_dir / "real")
    assert prepare_layout(data_dir / "link") == prepare_layout(data_dir / "real")


def test_long_paths_have_different_socket_folders(data_dir: Path) -> None:
    """Two data folders never share sockets, and the path of each is short."""
    layouts = [prepare_layout(data_dir / f"{'long' * 30}{number}") for number in (1, 2)]
    assert layouts[0].sockets != layouts[1].sockets
    for layout in layouts:
        assert len(str(layout.sockets)) < 60
        assert mode(layout.sockets) == "drwx------"
        layout.sockets.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses another account")
def test_under_root_the_servers_run_as_the_owner_of_the_folder(data_dir: Path) -> None:
    """The owner of a folder can start the servers again after root has."""
    assert prepare_layout(data_dir / "new").account.uid not in {0, 1}
    os.chown(data_dir, 1, 1)
    assert prepare_layout(data_dir).account.uid == 1


def test_an_impossible_folder_is_a_wrong_setting(tmp_path: Path) -> None:
    """The error names the folder and the option."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"file/data cannot be used.*--data-dir"):
        prepare_layout(tmp_path / "file" / "data")
