"""A project is stopped, let go on, archived and brought back on its pages; what runs is told on top of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alflow.domain.projects import Project
from alflow.domain.reasons import Aim, Reasons
from alflow.domain.rounds import Round
from alflow.domain.runs import Run, Step
from alflow.store.projects import runs
from alflow.store.rounds import candidates, reasons
from alflow.workflow.projects.projects import find_project
from tests.browser import world
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_stop_archive_and_what_runs(desk: Desk, signed_in: Callable[..., Page], tmp_path: Path) -> None:
    project, opened = world.build(desk.workspace, tmp_path, "states", 4)
    _learnt_little(desk, project, opened)
    world.build(desk.workspace, tmp_path, "another", 2)
    page = signed_in("Ada", project.name, "project", timezone_id="Europe/Berlin")
    page.get_by_role("radio", name="Stop or delete").click()
    page.get_by_role("button", name="Delete ...").click()
    expect(page.get_by_text("What goes for good: images of the pool: 4, rounds: 1")).to_be_visible()
    page.get_by_role("textbox", name="Type the name").fill("another")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("nothing was deleted")).to_be_visible()
    assert_accessible(page)

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("This project is stopped: nothing runs")).to_be_visible()
    for path in ("", "grid"):
        page.goto(f"{desk.url}/{path}?project={project.name}")
        expect(page.get_by_role("heading", name="The project is stopped")).to_be_visible()
        assert_accessible(page)
    page.goto(f"{desk.url}/project?project={project.name}")
    page.get_by_role("radio", name="Stop or delete").click()
    page.get_by_role("button", name="Archive", exact=True).click()
    expect(page.get_by_role("heading", name="another")).to_be_visible()
    page.get_by_text("Archived projects: 1").click()
    page.get_by_role("button", name="states").click()
    expect(page.get_by_role("heading", name="states")).to_be_visible()
    assert find_project(desk.workspace, project.name).is_active

    began = datetime(2026, 1, 2, 10, 32, tzinfo=UTC)
    soon = datetime.now(UTC).replace(year=2100)  # so that it is told as long as this takes
    with desk.workspace.database.begin() as tx:
        link = "http://127.0.0.1:4200/runs/flow-run/1"
        runs.tell(
            tx, project.id, Run(Step.CLOSE, 1, "the model is fitted (2 of 3)", None, None, began, began, link), soon
        )
    expect(page.get_by_text("Round 1 is being closed: the model is fitted (2 of 3), since 11:32.")).to_be_visible()
    page.goto(f"{desk.url}/rounds?project={project.name}")
    expect(page.get_by_role("link", name="The run in Prefect")).to_be_visible()
    expect(page.get_by_text("1 labels told 0.80 times as much as was expected")).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart]")).to_have_count(3)
    page.get_by_role("button", name="Run", exact=False).first.click()
    page.get_by_text("Close round 1 early").click()
    expect(page.get_by_text("to 0 of its 4 images; the other 4 are asked about no more")).to_be_visible()
    assert_accessible(page)


def _learnt_little(desk: Desk, project: Project, opened: Round) -> None:
    """One point of the curve, and one label whose worth is known: no interval."""
    world.add_curve(desk.workspace, project, 0)
    with desk.workspace.database.begin() as tx:
        (first, *_) = candidates.of_round(tx, opened.id)
        reasons.add(tx, opened.id, {first.item_id: Reasons(Aim.POOL, 0.5, {}, 0.0, 0.0)})
        reasons.realise(tx, opened.id, {first.item_id: 0.4})
