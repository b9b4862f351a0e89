"""What pages start beside themselves: backups and the doctor for who owns every project, replays for engineers."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from alflow import started
from alflow.accounts import Role, Visitor
from alflow.domain.answers import Annotator
from alflow.domain.projects import Project
from alflow.ids import ProjectId
from alflow.settings import Settings
from alflow.ui.parts import services
from alflow.ui.routes import backup
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.insight.map import make_map
from alflow.workflow.model.posterior import export_posterior
from alflow.workflow.operating.backups import backups
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project, find_project
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow


def page(name: str, role: str) -> None:
    """The page alone, as Ada sees it, who holds this role in the first project."""
    import importlib

    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.parts import session

    session.be(Visitor(Annotator(1, "Ada"), "", {1: Role(role)}))
    st.session_state["project"] = "colours"
    importlib.import_module(f"alflow.ui.pages.{name}").show(session.project())


@pytest.fixture
def colours(workspace: Workspace, tmp_path: Path) -> Project:
    """With an open round."""
    project = colour_project(workspace, tmp_path)
    embed_missing(workspace, project)
    advance(workspace, project.id)
    sign_in(workspace, "Ada")
    return project


def waited(kind: str) -> started.Started:
    """The command of this kind of the first project, once it is done."""
    settings = services.current().workspace.settings
    while started.is_running(settings, ProjectId(1), kind):
        time.sleep(0.1)
    found = started.last(settings, ProjectId(1), kind)
    assert found is not None
    return found


def pressed(app: AppTest, key: str, kind: str) -> None:
    """Press it, see that it runs, and wait until it is done."""
    app.button(key=key).click().run()
    assert not app.exception
    assert app.success[0].value == "Started\\. It goes on when this page is left\\."
    assert waited(kind).code in {0, 1}
    app.run()
    assert not app.exception
    assert not [one for one in app.success if one.value.startswith("Started")]


def test_a_round_is_replayed(colours: Project, drawn: Callable[..., AppTest]) -> None:
    assert colours.id == 1
    app = drawn(page, name="rounds", role="reviewer").run()
    assert not [one for one in app.button if "Replay" in one.label]
    app = drawn(page, name="rounds", role="engineer").run()
    pressed(app, "replay-1-1", "replay 1")
    assert [one.value for one in app.success] == ["Round 1\\: identical\\."]
    assert any("in the same order" in one.value and "the same bit for bit" in one.value for one in app.markdown)
    later = drawn(page, name="rounds", role="engineer").run()  # as after a restart
    assert [one.value for one in later.success] == ["Round 1\\: identical\\."]
    assert [one for one in later.caption if one.value.startswith("Started by Ada on ") and ", done at " in one.value]


def test_a_map_is_laid_out_anew(workspace: Workspace, colours: Project, drawn: Callable[..., AppTest]) -> None:
    before = make_map(workspace, colours.id)
    app = drawn(page, name="map", role="reviewer").run()
    assert not [one for one in app.button if "anew" in one.label]
    app = drawn(page, name="map", role="engineer").run()
    pressed(app, "map-anew-1", "map")
    assert [f"{len(before.item_ids)} images on the map" in one.value for one in app.success] == [True]


def test_a_backup_and_the_doctor(workspace: Workspace, colours: Project, drawn: Callable[..., AppTest]) -> None:
    app = drawn(page, name="project", role="owner")
    app.session_state[f"project-section-{colours.id}"] = "Installation"
    app.run()
    pressed(app, "backup", "backup")
    (made,) = backups(workspace.settings)
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.path.parent.stat().st_mode & 0o777 == 0o700
    assert [str(made.path)] == [frame.value.loc[0, "File"] for frame in app.dataframe if "File" in frame.value]
    assert any(f"alflow restore {made.path} --home NEW" in one.value for one in app.code)
    pressed(app, "doctor-Look", "doctor")
    (rows,) = [frame.value for frame in app.dataframe if "Check" in frame.value]
    assert {"database", "home", f"model of {colours.name}"} <= set(rows["Check"])
    assert any("schedule" in one.value for one in app.warning)  # which nobody keeps here
    create_project(workspace, "of somebody else", "demo", "fp32")
    app.button(key="backup").click().run()
    assert any("owns every project" in one.value for one in app.warning)
    assert [one.value for one in app.code] == ["alflow doctor\nalflow backup FILE"]
    assert len(backups(workspace.settings)) == 1


def _chosen(app: AppTest) -> Selectbox:
    (choice,) = (one for one in app.selectbox if one.label == "Backup")
    return choice


def test_a_backup_is_saved_elsewhere_and_removed(
    workspace: Workspace, colours: Project, drawn: Callable[..., AppTest]
) -> None:
    folder = workspace.settings.home / "backups"
    folder.mkdir(mode=0o700)
    (folder / "secret.txt").write_text("x")
    app = drawn(page, name="project", role="owner")
    app.session_state[f"project-section-{colours.id}"] = "Installation"
    for number in (1, 2):
        made = folder / f"alflow-{number}.tar"
        made.write_bytes(bytes([number]) * 70_000)
        os.utime(made, (number, number))
        app.run()
        assert _chosen(app).value == made.name  # the newest
    assert set(_chosen(app).options) == {"alflow-1.tar", "alflow-2.tar"}

    def asked(name: str, roles: dict[int, Role]) -> httpx.Response:
        class AsAda(BaseHTTPMiddleware):
            async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
                request.state.visitor = Visitor(Annotator(1, "Ada"), "", roles)  # type: ignore[arg-type]
                return await call_next(request)

        served = Starlette(routes=backup.ROUTES, middleware=[Middleware(AsAda)])
        return TestClient(served).get(f"/backup/1/{quote(name, safe='')}")

    owner = {colours.id: Role.OWNER}
    assert asked("alflow-2.tar", owner).content == bytes([2]) * 70_000
    assert asked("alflow-2.tar", owner).headers["cache-control"] == "no-store"
    assert [asked(name, owner).status_code for name in ("secret.txt", "../alflow.db", "*", "alflow-3.tar")] == [404] * 4
    app.button(key="backup-remove").click().run()
    assert "The backup alflow\\-2\\.tar is removed\\." in [one.value for one in app.success]
    assert [one.path.name for one in backups(workspace.settings)] == ["alflow-1.tar"]
    create_project(workspace, "of somebody else", "demo", "fp32")
    assert asked("alflow-1.tar", owner).status_code == 403
    app.button(key="backup-remove").click().run()
    assert any("owns every project" in one.value for one in app.warning)
    assert len(backups(workspace.settings)) == 1


def test_a_back_test_is_started_and_told(workspace: Workspace, colours: Project, drawn: Callable[..., AppTest]) -> None:
    answer(workspace, colours)
    app = drawn(page, name="backtest", role="reviewer").run()
    assert not [one for one in app.button if one.label == "Run"]
    app = drawn(page, name="backtest", role="engineer").run()
    (strategies,) = app.multiselect
    strategies.set_value(["random"])
    for box in app.number_input:
        if box.label in {"Seeds", "Rounds", "Labels per round"}:
            box.set_value(1)
        if box.label == "Drawn at random, %":
            box.set_value(50)
    next(one for one in app.selectbox if one.label == "What is known").select(True)
    (run,) = [one for one in app.button if one.label == "Run"]
    run.click().run()
    assert not app.exception
    assert [one.value for one in app.code][-1].startswith("alflow backtest --strategy random --seeds 1 --rounds 1")
    assert {"--control-fraction 0.5", "--fresh"} == set(
        re.findall("--control-fraction 0.5|--fresh", app.code[-1].value)
    )
    run = next(one for one in app.button if one.label == "Run")
    run.click().run()  # once more, while it runs
    assert [one.value for one in app.warning] == ["This is running already\\: wait until it is done\\."]
    done = waited("backtest")
    assert done.code == 0, done.fault
    app.run()
    assert not app.exception
    assert "The back-test is complete." in [one.value for one in app.success]
    assert any("Strategy" in frame.value for frame in app.dataframe)


def test_the_posterior_is_made_anew_or_taken_from_the_sources(
    workspace: Workspace,
    colours: Project,
    drawn: Callable[..., AppTest],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    export_posterior(workspace, colours, str(tmp_path / "seen/factors"))
    seen = Workspace.open(Settings(home=workspace.settings.home, sources=str(tmp_path / "seen")))

    def shown(role: str) -> AppTest:
        app = drawn(page, name="model", role=role)
        monkeypatch.setattr(services, "_provided", [services.Services(seen, None)])  # type: ignore[arg-type]
        app.session_state["model-section-1"] = "Posterior"
        return app.run()

    app = shown("engineer")
    assert not [one for one in app.button if one.label == "Make it"]
    pressed(app, "posterior-pool-1", "posterior")
    estimated = find_project(workspace, "colours").posterior
    assert any(f"`{str(estimated)[:12]}`" in one.value and "the pool" in one.value for one in app.markdown), (
        app.markdown
    )
    app = shown("owner")
    app.text_input(key="posterior-1-below").set_value("../secret")
    app.button(key="posterior-1-make").click().run()
    assert any("leads out of" in one.value for one in app.warning)
    app.text_input(key="posterior-1-below").set_value("nothing")
    pressed(app, "posterior-1-make", "posterior")
    assert find_project(workspace, "colours").posterior == estimated
    app.text_input(key="posterior-1-below").set_value("factors")
    app.number_input(key="posterior-1-pairs").set_value(50)
    pressed(app, "posterior-1-make", "posterior")
    imported = find_project(workspace, "colours").posterior
    assert imported != estimated
    assert [f"Posterior {imported}" in one.value for one in app.success] == [True]
