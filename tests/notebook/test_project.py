import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import alflow
from alflow.domain.images import Split
from alflow.domain.projects import NewClass, Project
from alflow.errors import InvalidInputError, NotFoundError, UnavailableError
from alflow.notebook.project import OpenProject
from alflow.settings import Settings
from alflow.store.database import Database
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.images.embed import embed_missing, load_embeddings
from alflow.workflow.model.model import load_model
from alflow.workflow.projects.projects import set_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import round_summaries
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow


@pytest.fixture
def colours(workspace: Workspace, tmp_path: Path) -> Project:
    """One round closed, the second open."""
    project = colour_project(workspace, tmp_path)
    embed_missing(workspace, project)
    open_round(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    return project


@pytest.fixture
def opened(workspace: Workspace, colours: Project) -> OpenProject:
    return alflow.open(colours.name, home=workspace.settings.home)


def state(home: Path) -> dict[str, tuple[int, int]]:
    """Of every file but those that SQLite needs to read: when it changed, and its mode."""
    found = {path: path.stat() for path in sorted(home.rglob("*")) if path.is_file()}
    return {
        str(path): (about.st_mtime_ns, about.st_mode)
        for path, about in found.items()
        if not path.name.endswith(("-shm", "-wal"))
    }


def test_everything_is_there_as_tables(opened: OpenProject) -> None:
    classes = opened.classes()
    assert classes["name"].tolist() == ["red", "blue"]
    labels = opened.labels()
    assert len(labels) == 4
    assert labels["settled_class"].tolist() == labels["class_name"].tolist()
    assert isinstance(labels["at"].dtype, pd.DatetimeTZDtype)
    rounds = opened.rounds()
    assert rounds["state"].tolist() == ["closed", "open"]
    assert rounds["answered"].tolist() == [4, 0]
    queue = opened.candidates(1)
    assert queue["origin"].value_counts().to_dict() == {"strategy": 3, "control": 1}
    assert queue["settled"].tolist() == labels.set_index("item_id").loc[queue.index, "class_name"].tolist()
    curve = opened.evaluations()
    assert set(curve["round"]) == {0, 1}
    assert {"accuracy", "nlpd"} <= set(curve["metric"])
    assert (curve["low"] <= curve["high"]).all()


def test_predictions_are_those_of_the_newest_model(workspace: Workspace, colours: Project, opened: OpenProject) -> None:
    test = opened.predictions("test")
    assert len(test) == 12
    assert test["split"].unique().tolist() == ["test"]
    assert np.allclose(test[["p(red)", "p(blue)"]].sum(axis=1), 1, atol=1e-5)
    assert np.allclose(test["total"], test["aleatoric"] + test["epistemic"], atol=1e-5)
    fit = round_summaries(workspace, colours.id)[0].round.hashes["fit"]
    model = load_model(workspace, colours, fit)
    with workspace.database.read() as tx:
        truths = items.truths(tx, colours.id, Split.TEST)
    names = opened.classes()["name"].to_dict()
    right = np.mean([test.loc[item, "predicted"] == names[truth] for item, truth in truths.items()])
    curve = opened.evaluations().query("round == 1 and split == 'test' and metric == 'accuracy'")
    assert right == pytest.approx(curve["value"].item())
    assert len(opened.predictions()) == 36
    assert model.class_ids == tuple(names)


def test_embeddings_are_where_classes_are(workspace: Workspace, colours: Project, opened: OpenProject) -> None:
    pool, classes = opened.embeddings("pool"), opened.class_embeddings()
    assert pool.numpy().shape == (12, 12)
    assert torch.equal(pool.torch(), pool.values)
    assert np.allclose(np.linalg.norm(pool.numpy(), axis=1), 1, atol=1e-5)
    assert pool.frame().index.tolist() == opened.predictions("pool").index.tolist()
    model = load_model(workspace, colours).model
    with workspace.database.read() as tx:
        ids = items.ids(tx, colours.id, Split.POOL)
    assert pool.item_ids.tolist() == ids
    logits = model.zero_shot_logits(load_embeddings(workspace, colours, ids).activations)
    assert np.allclose(model.layers.scale * pool.numpy() @ classes.T, logits, atol=1e-3)
    assert len(alflow.choose(pool.numpy(), classes=classes, budget=3).rows) == 3


def test_nothing_is_written(workspace: Workspace, colours: Project) -> None:
    """Not even the text rows of new classes, nor where images lie, which others keep."""
    set_classes(workspace, colours.id, [NewClass(name, "", ()) for name in ("red", "blue", "green")])
    workspace.database.close()
    home = workspace.settings.home
    for path in home.rglob("frames/*"):
        path.unlink()
    home.chmod(0o755)
    before = state(home)
    opened = alflow.open(colours.name, home=home)
    for read in (opened.classes, opened.labels, opened.rounds, opened.evaluations, opened.embeddings):
        read()
    assert opened.class_embeddings().shape == (3, 12)
    with pytest.raises(NotFoundError):
        opened.candidates(9)
    opened.predictions()
    assert state(home) == before
    assert home.stat().st_mode & 0o777 == 0o755


def test_the_database_itself_refuses_to_be_written(workspace: Workspace, colours: Project) -> None:
    to_read = Workspace.open_to_read(workspace.settings)
    with pytest.raises(UnavailableError, match="readonly"), to_read.database.begin() as tx:
        projects.set_posterior(tx, colours.id, "another")
    with pytest.raises(UnavailableError, match="read only"):
        to_read.artifacts.write_bytes("a", b"")


def test_no_lock_is_kept_and_news_is_seen(workspace: Workspace, colours: Project, opened: OpenProject) -> None:
    assert len(opened.labels()) == 4
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(lambda: [len(opened.labels()) for _ in range(20)])
        answer(workspace, colours)
        counts = reading.result()
    assert counts == sorted(counts)
    assert len(opened.labels()) == 8
    workspace.database.close()
    held = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.exists()]
    assert [name for name in held if str(workspace.settings.home / "alflow.db") in name] == []
    with sqlite3.connect(workspace.settings.home / "alflow.db") as connection:
        assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)  # needs to be alone
    assert len(opened.labels()) == 8


def test_an_old_database_is_told_and_not_migrated(workspace: Workspace, colours: Project) -> None:
    path = workspace.settings.home / "alflow.db"
    workspace.database.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alflow_version SET version_num = '0009'")
    connection.close()
    before = state(path.parent)
    with pytest.raises(UnavailableError, match="of an older alflow: run `alflow db upgrade`"):
        alflow.open(colours.name, home=path.parent)
    assert state(path.parent) == before


def test_what_is_not_there_is_named_and_not_made(workspace: Workspace, colours: Project, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"there is no database .*nowhere/alflow.db: name the home"):
        alflow.open("birds", home=tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "alflow.db").touch()
    with pytest.raises(NotFoundError, match="holds no project: make one with `alflow init`"):
        alflow.open("birds", home=tmp_path / "empty")
    assert (tmp_path / "empty" / "alflow.db").stat().st_size == 0
    with pytest.raises(NotFoundError, match="colours"):
        alflow.open("birds", home=workspace.settings.home)
    with pytest.raises(InvalidInputError, match="no split 'train': choose one of pool, target, test"):
        alflow.open(colours.name, home=workspace.settings.home).predictions("train")


def test_a_project_at_its_start_has_empty_tables(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    opened = alflow.open(project.name, home=workspace.settings.home)
    for table in (opened.labels(), opened.rounds(), opened.evaluations()):
        assert table.empty
        assert len(table.columns) > 5
    for read in (opened.predictions, opened.embeddings, opened.class_embeddings):
        with pytest.raises(NotFoundError, match="no embedded image yet: run `alflow embed`"):
            read()


@pytest.mark.usefixtures("colours")
def test_the_home_is_found_as_the_command_line_finds_it(workspace: Workspace, tmp_path: Path) -> None:
    code = "import alflow; print(len(alflow.open('colours').labels()))"
    folder = tmp_path / "elsewhere #1"
    folder.mkdir()
    (folder / ".env").write_text(f"ALFLOW_HOME={workspace.settings.home}\n")
    environment = os.environ | {"PYTHONPATH": str(Path(alflow.__file__).parents[1])}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "4", ran.stderr


@pytest.mark.parametrize("name", ["a b", "50%", "what?", "#1"])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    Workspace.open(Settings(home=tmp_path / name)).database.close()
    with pytest.raises(NotFoundError, match="no project"):
        alflow.open("birds", home=tmp_path / name)


def test_other_databases_are_read_too(database_url: str) -> None:
    Database.open(database_url).close()
    to_read = Database.open_to_read(database_url)
    with to_read.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM item").scalar() == 0
    with pytest.raises(Exception, match=r"read.?only"), to_read.begin() as tx:
        tx.exec_driver_sql("DELETE FROM item")


def test_a_disk_that_may_only_be_read_is_named(small_disk: Path) -> None:
    Workspace.open(Settings(home=small_disk)).database.close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(UnavailableError, match=r"alflow\.db"):
        alflow.open("birds", home=small_disk)
