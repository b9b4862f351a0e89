"""What a local folder holds, and what is passed over."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from alflow.errors import InvalidInputError
from alflow.workflow.images import walking
from alflow.workflow.images.sources import Source, entries


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """`root/cat/a.png` and `root/b.png`; beside it `elsewhere/c.png`."""
    for name in ("root/cat/a.png", "root/b.png", "elsewhere/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path / "root"


def found(source: Source, root: Path) -> dict[str, str]:
    return {str(Path(entry.uri).relative_to(root)): entry.label for entry in source.entries}


def test_links_inside_are_followed(root: Path) -> None:
    (root / "tabby").symlink_to("cat", target_is_directory=True)
    (root / "dog").mkdir()
    (root / "dog/same.png").symlink_to(root / "b.png")
    (root / "dog/of a link.png").symlink_to("same.png")
    (root / ".store").mkdir()
    (root / ".store/blob").touch()
    (root / "dog/blob.png").symlink_to("../.store/blob")
    source = entries(str(root))
    assert found(source, root) == {
        "b.png": "",
        "cat/a.png": "cat",
        "dog/blob.png": "dog",
        "dog/of a link.png": "dog",
        "dog/same.png": "dog",
        "tabby/a.png": "tabby",
    }
    assert source.left_out == {walking.HIDDEN_FOLDERS: 1}


def test_loops_and_links_that_lead_out_or_nowhere_are_counted(root: Path) -> None:
    (root / "cat/up").symlink_to("..", target_is_directory=True)
    (root / "self").symlink_to(".", target_is_directory=True)
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    (root / "gone.png").symlink_to("nothing.png")
    (root / "out").symlink_to("../elsewhere", target_is_directory=True)
    (root / "out.png").symlink_to("../elsewhere/c.png")
    (root / "passwd.png").symlink_to("/etc/passwd")
    (root / "all").symlink_to("/", target_is_directory=True)
    source = entries(str(root))
    assert found(source, root) == {"b.png": "", "cat/a.png": "cat"}
    assert source.left_out == {walking.LOOPS: 4, walking.NOWHERE: 1, walking.OUTSIDE: 4}


def test_links_lead_out_where_one_says_so(root: Path) -> None:
    (root / "out").symlink_to("../elsewhere", target_is_directory=True)
    (root / "again").symlink_to("../elsewhere", target_is_directory=True)
    (root / "up").symlink_to("..", target_is_directory=True)
    (root.parent / "elsewhere/back").symlink_to(root, target_is_directory=True)
    source = entries(str(root), anywhere=True)
    assert len([path for path in found(source, root) if path.endswith("c.png")]) == 1
    assert source.left_out == {walking.AGAIN: 1, walking.LOOPS: 2}


def test_a_net_of_links_is_not_endless(tmp_path: Path) -> None:
    for depth in range(30):
        (tmp_path / f"net/{depth}").mkdir(parents=True)
        for name in ("left", "right"):
            (tmp_path / f"net/{depth}/{name}").symlink_to(f"../{depth + 1}", target_is_directory=True)
    (tmp_path / "net/29/a.png").touch()
    source = entries(str(tmp_path / "net"))
    assert 2 <= len(source.entries) <= 3


def test_a_source_may_be_a_link(root: Path) -> None:
    (root.parent / "named").symlink_to(root, target_is_directory=True)
    assert found(entries(str(root.parent / "named")), root.parent / "named") == {"b.png": "", "cat/a.png": "cat"}
    (root.parent / "one.png").symlink_to(root / "b.png")
    assert len(entries(str(root.parent / "one.png")).entries) == 1


def test_what_is_hidden_or_no_file_is_counted(root: Path) -> None:
    os.mkfifo(root / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "socket.png"))
    (root / ".DS_Store").touch()
    (root / "Thumbs.db").touch()
    (root / "cat/.thumb.png").touch()
    (root / "cat/.git").mkdir()
    (root / "zero.png").symlink_to("/dev/zero")
    assert entries(str(root)).left_out == {
        walking.NO_FILES: 2,
        walking.HIDDEN: 3,
        walking.HIDDEN_FOLDERS: 1,
        walking.OUTSIDE: 1,
    }


def test_an_empty_folder_is_no_error(tmp_path: Path) -> None:
    assert entries(str(tmp_path)) == Source(())


_AS_NOBODY = """
import os, sys
from alflow.errors import InvalidInputError
from alflow.workflow.images.sources import entries, read_file
os.setgid(65534), os.setuid(65534)
source = entries(sys.argv[1])
print([(one.uri, one.reason) for one in source.rejected])
for entry in source.entries:
    try:
        read_file(entry.uri)
    except InvalidInputError as error:
        print(entry.uri, error)
for name in ("shut", "shut/d.png", "shut/m.csv", "b.png/c.png"):
    try:
        entries(sys.argv[1] + "/" + name)
    except InvalidInputError as error:
        print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may read less")
def test_folders_and_files_that_may_not_be_read_are_named() -> None:
    with tempfile.TemporaryDirectory() as folder:  # for pytest's own folders are closed to others
        root = Path(folder)
        root.chmod(0o755)
        (root / "shut").mkdir(mode=0o700)
        (root / "shut/d.png").touch()
        (root / "b.png").touch(mode=0o000)
        done = subprocess.run([sys.executable, "-c", _AS_NOBODY, str(root)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        str([(f"{root}/shut", "the folder cannot be read: Permission denied")]),
        f"{root}/b.png the file cannot be read: Permission denied",
        f"{root}/shut cannot be read: Permission denied",
        f"{root}/shut/d.png cannot be read: Permission denied",
        f"{root}/shut/m.csv cannot be read: Permission denied",
        f"there is no file or folder {root}/b.png/c.png",
    ]


def test_a_source_that_is_a_link_in_a_loop_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    with pytest.raises(InvalidInputError, match="a cannot be read: Too many levels of symbolic links"):
        entries(str(tmp_path / "a"))


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no file or folder"):
        entries(str(tmp_path / "gone"))
