"""What the guides show is run as it is written."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from alflow.acquisition import plugins
from alflow.cli import app
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin
from alflow.errors import InvalidInputError
from alflow.workflow.backtests.study import Grid, list_backtests, load_study, run_study
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.projects.class_changes import rename_class
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import overview, round_candidates, round_summaries
from alflow.workspace import Workspace
from tests import packages
from tests.colours import answer, colour_project
from tests.packs import small_pack
from ui.door import access

ROOT = Path(__file__).parents[1]


def blocks(guide: str, after: str, language: str) -> list[str]:
    """The blocks of code in this language below the words."""
    text = (ROOT / guide).read_text(encoding="utf-8").split(after, 1)[1]
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    """Two colours, embedded; budget 4, one control."""
    made = colour_project(workspace, tmp_path)
    embed_missing(workspace, made)
    return made


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package of the guide, installed as an installer would, and one that returns rubbish."""
    folder = tmp_path / "site"
    folder.mkdir()
    after = "**A strategy of your own"
    code, about = blocks("CONTRIBUTING.md", after, "python")[0], blocks("CONTRIBUTING.md", after, "toml")[0]
    points = tomllib.loads(about)["project"]["entry-points"]["alflow.strategies"]
    packages.install(folder, "far", {"far": code}, points)
    packages.install(folder, "bad-ones", {"bad_ones": packages.BAD}, {"twice": "bad_ones:twice"})
    packages.install(folder, "broken", {}, {"gone": "no_such_module:choose"})
    monkeypatch.syspath_prepend(folder)
    for cache in (plugins.offered, plugins.load):
        cache.cache_clear()
    yield folder
    for cache in (plugins.offered, plugins.load):
        cache.cache_clear()


def test_the_strategy_of_the_guide_is_found_by_name(installed: Path, workspace: Workspace, tmp_path: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)]),
        "ALFLOW_HOME": str(tmp_path),
    }
    listed = _cli(environment, "strategies", "--json")
    assert json.loads(listed.stdout)["farthest"] == "Unsure, and far from everything that is labelled."
    assert "'gone' of the package broken cannot be loaded (ModuleNotFoundError" in listed.stderr
    colour_project(workspace, tmp_path)
    assert _cli(environment, "settings", "strategy=0.7*farthest+0.3*typiclust").returncode == 0
    assert (
        "error: there is no strategy 'fartest': choose one of"
        in _cli(environment, "settings", "strategy=fartest").stderr
    )


def test_a_project_is_read_as_the_readme_shows(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = colour_project(workspace, tmp_path, "birds")
    rename_class(workspace, made.id, "red", "robin")
    embed_missing(workspace, made)
    open_round(workspace, made.id)
    answer(workspace, made)
    monkeypatch.setenv("ALFLOW_HOME", str(workspace.settings.home))
    names: dict[str, Any] = {}
    exec(blocks("README.md", "## In Python", "python")[0], names)
    assert (len(names["labels"]), len(names["rounds"]), len(names["pool"])) == (4, 1, 12)
    assert names["pool"]["epistemic"].is_monotonic_decreasing
    assert (names["images"].numpy().shape, names["texts"].shape) == ((12, 12), (2, 12))


def test_strategies_and_posterior_on_own_features_as_the_readme_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    texts, labels = generator.normal(size=(5, 16)), generator.integers(0, 5, 200)
    for name, values in (
        ("texts", texts),
        ("labels", labels),
        ("pool", texts[labels] + generator.normal(size=(200, 16))),
    ):
        np.save(f"{name}.npy", values)
    names: dict[str, Any] = {}
    exec(blocks("README.md", "## In Python", "python")[1], names)
    assert len(set(names["first"].tolist())) == len(set(names["second"].rows.tolist())) == 20
    assert (names["p"].argmax(axis=1) == labels).mean() > 0.8
    assert np.allclose(names["parts"].total, names["parts"].aleatoric + names["parts"].epistemic, atol=1e-5)


@pytest.mark.usefixtures("installed")
def test_the_strategy_of_the_guide_chooses_a_round(workspace: Workspace, project: Project) -> None:
    change_settings(workspace, project.id, replace(project.settings, strategy="farthest"))
    opened = open_round(workspace, project.id)
    chosen = [one.candidate for one in round_candidates(workspace, opened.id)]
    assert (opened.strategy, len(chosen)) == ("farthest", 4)
    assert sum(one.origin is Origin.STRATEGY for one in chosen) == 3


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_backtest_goes_on_without_the_one_that_fails(workspace: Workspace, tmp_path: Path, processes: int) -> None:
    grid = Grid(("twice", "farthest", "random"), seeds=1, rounds=1, batch=3)
    with pytest.raises(InvalidInputError, match="'twice' of the package bad-ones returned row 0 twice"):
        run_study(workspace, small_pack(tmp_path, images=60), grid, processes=processes)
    (known,) = list_backtests(workspace, None)
    points = load_study(workspace, known.id, grid).points
    assert {trial.strategy: len(found) for trial, found in points.items()} == {"twice": 1, "farthest": 2, "random": 2}


@pytest.mark.usefixtures("installed")
def test_rubbish_opens_no_round_and_other_projects_go_on(
    workspace: Workspace, project: Project, tmp_path: Path
) -> None:
    other = colour_project(workspace, tmp_path, "others")
    embed_missing(workspace, other)
    change_settings(workspace, project.id, replace(project.settings, strategy="twice"))
    with pytest.raises(InvalidInputError, match="'twice' of the package bad-ones returned row 0 twice: mend or"):
        advance(workspace, project.id)
    assert round_summaries(workspace, project.id) == []
    trouble = overview(workspace, project.id).trouble
    assert trouble is not None
    assert "bad-ones" in trouble.message
    assert "opened round 1" in advance(workspace, other.id).done
    change_settings(workspace, project.id, replace(project.settings, strategy="default"))
    assert "opened round 1" in advance(workspace, project.id).done


def _cli(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alflow", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("role", ["annotator", "engineer", "operator"])
def test_there_is_a_guide_for_each_role(role: str) -> None:
    """In a pipe it is the Markdown that the README links to; its commands, keys and pages are there."""
    written = (ROOT / "alflow" / "guides" / f"{role}.md").read_text(encoding="utf-8")
    told = CliRunner().invoke(app, ["guide", role])
    assert (told.exit_code, told.stdout) == (0, written)
    assert f"(alflow/guides/{role}.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(((?!http)[^)#]+)\)", written):
        assert (ROOT / "alflow" / "guides" / link).resolve().is_file(), link
    titles = {page.title for page in access.PAGES.values()}
    named = re.findall(r"\*\*([A-Z][\w -]+)\*\*", written) if role == "engineer" else []
    assert set(named) <= titles | {"Report"}
    for words in re.findall(r"(?:^|`)alflow ((?:[a-z]+ ?)+)", written, flags=re.MULTILINE):
        known = CliRunner().invoke(app, [*_command(words.split()), "--help"])
        assert known.exit_code == 0, words


def test_a_role_that_there_is_not_is_refused() -> None:
    assert CliRunner().invoke(app, ["guide", "boss"]).exit_code == 2
    assert CliRunner().invoke(app, ["guide"]).exit_code == 2


def _command(words: list[str]) -> list[str]:
    """The words that are a command, or a group and its command: what follows are values."""
    group: Any = typer.main.get_command(app)
    found: list[str] = []
    for word in words:
        if word not in getattr(group, "commands", {}):
            break
        group = group.commands[word]
        found.append(word)
    return found or words[:1]
