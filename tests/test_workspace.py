import os
from pathlib import Path

import pytest
import torch

from alflow.errors import UnavailableError
from alflow.settings import Settings
from alflow.workspace import Workspace


def test_the_last_few_things_that_were_asked_for_are_made_once(workspace: Workspace) -> None:
    made: list[str] = []

    def ask(names: str) -> None:
        for name in names:
            assert workspace.keep(name, lambda name=name: made.append(name) or name) == name

    ask("abcdefgh" * 2)
    assert "".join(made) == "abcdefgh"
    ask("aiab")  # i takes the place of b, which was asked for longest ago
    assert "".join(made) == "abcdefghib"


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_home_and_all_in_it_is_its_owners_alone(tmp_path: Path, umask: int) -> None:
    home = tmp_path / "home"
    before = os.umask(umask)
    try:
        workspace = Workspace.open(Settings(home=home))
        workspace.artifacts.write_bytes("a/b/bytes", b"1")
        workspace.artifacts.write_tensors("a/tensors.safetensors", {"x": torch.ones(1)})
        with workspace.database.read():
            assert {path.name for path in home.glob("alflow.db*")} >= {"alflow.db", "alflow.db-wal", "alflow.db-shm"}
    finally:
        os.umask(before)
    found = {str(path.relative_to(home)): path.stat().st_mode & 0o777 for path in (home, *home.rglob("*"))}
    wanted = {name: 0o700 if (home / name).is_dir() else 0o600 for name in found}
    assert found == wanted
    assert {"a/b/bytes", "a/tensors.safetensors"} <= {name.removeprefix("artifacts/") for name in found}


def test_an_older_home_is_closed_when_it_is_opened(tmp_path: Path) -> None:
    Workspace.open(Settings(home=tmp_path)).database.close()
    for path in (tmp_path, tmp_path / "alflow.db"):
        path.chmod(0o777)
    Workspace.open(Settings(home=tmp_path))
    assert [path.stat().st_mode & 0o777 for path in (tmp_path, tmp_path / "alflow.db")] == [0o700, 0o600]


def test_artifacts_kept_elsewhere_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        shared = tmp_path / "shared"
        workspace = Workspace.open(Settings(home=tmp_path / "home", artifacts_url=str(shared)))
        workspace.artifacts.write_bytes("a/bytes", b"1")
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (shared, shared / "a" / "bytes")] == [0o775, 0o664]


def test_a_lost_database_is_not_made_anew_beside_files_of_its_projects(tmp_path: Path) -> None:
    workspace = Workspace.open(Settings(home=tmp_path))
    workspace.artifacts.write_bytes("projects/1/note.json", b"{}")
    workspace.database.close()
    for path in tmp_path.glob("alflow.db*"):
        path.unlink()
    for make in (Workspace.open, Workspace.upgrade):
        with pytest.raises(
            UnavailableError, match=r"there is no database, but files of its projects are in .*projects: b"
        ):
            make(Settings(home=tmp_path))
        assert not list(tmp_path.glob("alflow.db*"))
    (tmp_path / "alflow.db").touch()
    with pytest.raises(UnavailableError, match="there is no database"):
        Workspace.open(Settings(home=tmp_path))
