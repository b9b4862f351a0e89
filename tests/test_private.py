import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from alflow.errors import UnavailableError
from alflow.private import make_private, private_file, private_folder, private_opener, tighten


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_what_is_made_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    private_folder(folder)
    private_file(folder / "file")
    with open(folder / "written", "w", opener=private_opener) as file:
        file.write("x")
    assert [mode(folder.parent), mode(folder), mode(folder / "file"), mode(folder / "written")] == [
        0o700,
        0o700,
        0o600,
        0o600,
    ]


def test_what_is_there_is_closed_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "file").write_text("kept")
    (folder / "file").chmod(0o664)
    make_private(folder)
    assert mode(folder) == 0o777
    private_folder(folder)
    private_file(folder / "file")
    tighten(folder / "file", 0o600)
    assert (mode(folder), mode(folder / "file"), (folder / "file").read_text()) == (0o700, 0o600, "kept")


def test_a_folder_that_all_share_or_a_persons_home_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, home = tmp_path / "tmp", tmp_path / "ada"
    shared.mkdir()
    shared.chmod(0o1777)
    home.mkdir()
    home.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    private_folder(shared)
    private_folder(home)
    assert (mode(shared), mode(home)) == (0o1777, 0o755)


@pytest.mark.parametrize("make", [private_folder, make_private])
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, make: object) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match=r"the folder .*file/below cannot be made: Not a directory"):
        make(tmp_path / "file" / "below")  # type: ignore[operator]
    with pytest.raises(UnavailableError, match=r"the file .*/new cannot be made: No such file or directory"):
        private_file(tmp_path / "nowhere" / "new")
