"""What the guides show is run as it is written."""

import io
import json
import re
import shlex
import tomllib
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from alflow.accounts import OPERATOR, Role
from alflow.acquisition import plugins
from alflow.cli import app
from alflow.commands.guide import Chapter, for_terminal, text_of
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin
from alflow.errors import InvalidInputError
from alflow.ui.door import access
from alflow.workflow.backtests.study import Grid, list_backtests, load_study, run_study
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.people import accounts as people
from alflow.workflow.projects.class_changes import rename_class
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import overview, round_candidates, round_summaries
from alflow.workspace import Workspace
from tests import packages
from tests.colours import answer, colour_project
from tests.packs import small_pack
from tests.printed import ROOT, blocks, replaced
from tests.web import free_port, served

GUIDES = ROOT / "alflow" / "guides"


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


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_the_strategy_of_the_guide_is_found_by_name(workspace: Workspace, tmp_path: Path) -> None:
    listed = _cli(tmp_path, "strategies", "--json")
    assert json.loads(listed.stdout)["farthest"] == "Unsure, and far from everything that is labelled."
    assert "'gone' of the package broken cannot be loaded (ModuleNotFoundError" in listed.stderr
    colour_project(workspace, tmp_path)
    assert _cli(tmp_path, "settings", "strategy=0.7*farthest+0.3*typiclust").exit_code == 0
    refused = _cli(tmp_path, "settings", "strategy=fartest").stderr
    assert "error: there is no strategy 'fartest': choose one of" in refused


@pytest.mark.slow
def test_a_project_is_read_as_the_guide_shows(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = colour_project(workspace, tmp_path, "birds")
    rename_class(workspace, made.id, "red", "robin")
    embed_missing(workspace, made)
    open_round(workspace, made.id)
    answer(workspace, made)
    monkeypatch.setenv("ALFLOW_HOME", str(workspace.settings.home))
    names: dict[str, Any] = {}
    exec(blocks("alflow/guides/python.md", "# In Python", "python")[0], names)
    assert (len(names["labels"]), len(names["rounds"]), len(names["pool"])) == (4, 1, 12)
    assert names["pool"]["epistemic"].is_monotonic_decreasing
    assert (names["images"].numpy().shape, names["texts"].shape) == ((12, 12), (2, 12))


def test_strategies_and_posterior_on_own_features_as_the_guide_shows(
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
    exec(blocks("alflow/guides/python.md", "# In Python", "python")[1], names)
    assert len(set(names["first"].tolist())) == len(set(names["second"].rows.tolist())) == 20
    assert (names["p"].argmax(axis=1) == labels).mean() > 0.8
    assert np.allclose(names["parts"].total, names["parts"].aleatoric + names["parts"].epistemic, atol=1e-5)


@pytest.mark.slow
def test_a_program_labels_a_round_as_the_guide_shows(workspace: Workspace, project: Project) -> None:
    advance(workspace, project.id)
    ada = people.add_account(workspace, "Ada", email="ada@example.org")
    people.set_role(workspace, project.id, ada.annotator_id, Role.REVIEWER, by=OPERATOR)
    after, port = "## Programs at the desk", free_port()
    asked = blocks("alflow/guides/engineer.md", after, "")[0].split("alflow ", 1)[1].replace("birds", project.name)
    token = _cli(workspace.settings.home, *shlex.split(asked)).stdout.strip()
    with served(workspace.settings.home, port) as url:
        here = {"http://127.0.0.1:8501": url}
        names: dict[str, Any] = {"token": token, "my_model": _colour_of}
        exec(replaced(blocks("alflow/guides/engineer.md", after, "python")[0], here), names)
        shown = replaced(blocks("alflow/guides/engineer.md", after, "bash")[0], here)
        told = [_get(line.split()[-1], token) for line in shown.splitlines()]
    assert (len(names["unsure"]), len(names["why"])) == (10, 4)
    assert round_summaries(workspace, project.id)[0].round.state == "labelled"
    assert all(each.settled_class_id == each.item.truth for each in round_candidates(workspace, 1))
    assert [json.loads(each)[0]["name"] if each[0] == "[" else "/v1/projects" in each for each in told] == [
        project.name,
        True,
    ]


@pytest.mark.slow
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


@pytest.mark.slow
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


def _colour_of(jpeg: bytes) -> str:
    """A model of one's own."""
    red, _, blue = np.asarray(Image.open(io.BytesIO(jpeg))).mean(axis=(0, 1))
    return "red" if red > blue else "blue"


def _get(url: str, token: str) -> str:
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked) as told:
        return told.read().decode()


def _cli(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, words, env={"ALFLOW_HOME": str(home)})


@pytest.mark.slow
@pytest.mark.parametrize("chapter", list(Chapter))
def test_a_chapter_is_shown_as_it_is_written(chapter: Chapter) -> None:
    """In a pipe it is the Markdown that the README links to; its commands and pages are there."""
    written = (GUIDES / f"{chapter}.md").read_text(encoding="utf-8")
    told = CliRunner().invoke(app, ["guide", chapter])
    assert (told.exit_code, told.stdout) == (0, written)
    titles = {page.title for page in access.PAGES.values()}
    named = re.findall(r"\*\*([A-Z][\w -]+)\*\*", written) if chapter is Chapter.ENGINEER else []
    assert set(named) <= titles | {"Report", "Run", "Import labels", "Export", "Stop or delete", "Installation"}
    for words in re.findall(r"(?:^|`)alflow ((?:[a-z]+ ?)+)", written, flags=re.MULTILINE):
        known = CliRunner().invoke(app, [*_command(words.split()), "--help"])
        assert known.exit_code == 0, words


def test_the_command_lists_all_chapters_with_their_titles() -> None:
    listed = CliRunner().invoke(app, ["guide"])
    assert listed.exit_code == 0
    assert (
        {line.split()[2] for line in listed.stdout.splitlines()} == set(Chapter) == {f.stem for f in GUIDES.iterdir()}
    )
    assert "alflow guide results     How well it works" in listed.stdout


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(GUIDES.glob("*.md"))], ids=lambda page: page.stem)
def test_links_lead_to_what_there_is_on_a_page_of_the_repository(page: Path) -> None:
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, place = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_file(), link
        assert not place or place in _places(target.read_text(encoding="utf-8")), link


def test_the_readme_leads_to_every_chapter() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"[`{each}`](alflow/guides/{each}.md)" in readme for each in Chapter)


@pytest.mark.parametrize("chapter", list(Chapter))
def test_in_a_terminal_no_link_leads_nowhere(chapter: Chapter) -> None:
    """A link to another chapter names the command that shows it."""
    shown = for_terminal(text_of(chapter))
    assert not re.findall(r"\]\((?!http)[^)]*\)", shown)
    for name in re.findall(r"\]\(([\w-]+)\.md", text_of(chapter)):
        assert f"`alflow guide {name}`" in shown


def test_a_chapter_that_there_is_not_is_refused() -> None:
    assert CliRunner().invoke(app, ["guide", "boss"]).exit_code == 2


def _places(text: str) -> set[str]:
    """The names that a page of the repository gives to the headings."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


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
