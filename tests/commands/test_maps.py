"""`alflow map` and `alflow slices`: what people and scripts see of them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.store.images import items
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.insight.slices import make_slice
from alflow.workflow.people.annotators import sign_in
from alflow.workspace import Workspace
from tests import colours

pytestmark = pytest.mark.slow


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    return colours.colour_project(workspace, tmp_path)


def test_the_map_is_made_when_asked_for(workspace: Workspace, project: Project) -> None:
    refused = run("map")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "error: project 'colours' has no embedded image yet: run `alflow embed`\n",
    )
    embed_missing(workspace, project)
    made = run("map")
    assert made.exit_code == 0
    assert made.stdout.startswith("36 images on the map, by ")
    assert made.stdout.endswith("it was made of 36\n")
    assert run("map", "--anew").stdout == made.stdout


def test_slices_are_listed_evaluated_and_removed(workspace: Workspace, project: Project) -> None:
    assert run("slices").stdout == "no slice yet: select images on the page Map and save them as a slice\n"
    with workspace.database.read() as tx:
        test = items.ids(tx, project.id, Split.TEST)
    make_slice(workspace, project.id, sign_in(workspace, "eve").id, "rare ones", test[:5])
    refused = run("slices", "--evaluate")
    assert (refused.exit_code, refused.stderr.startswith("error: project 'colours' has no embedded image")) == (1, True)
    listed = run("slices").stdout.splitlines()
    assert listed[-1].split()[:4] == ["rare", "ones", "5", "-"]
    embed_missing(workspace, project)
    told = run("slices", "--evaluate").stdout.splitlines()
    assert told[0] == "Evaluated on test images, and on images that were labelled after the round"
    assert told[-1].split()[:6] == ["rare", "ones", "5", "0", "5", "0"]
    (report,) = json.loads(run("slices", "--json").stdout)
    (evaluation,) = report["evaluations"]
    assert (report["slice"]["name"], report["images"], evaluation["n_test"]) == ("rare ones", 5, 5)
    assert set(evaluation["metrics"]) == {"accuracy", "nlpd", "ece"}
    assert "there is no slice 'none': choose one of 'rare ones'" in run("slices", "--remove", "none").stderr
    assert run("slices", "--remove", "rare ones").stdout.startswith("no slice yet")
