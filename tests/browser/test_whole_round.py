"""The main job, whole: label a round by keyboard, see the schedule close it, the curve move, the labels come out."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from alflow.commands.processes import Supervisor
from alflow.commands.up import services
from alflow.domain.images import Split
from alflow.domain.projects import Project, ProjectSettings
from alflow.domain.rounds import RoundState
from alflow.settings import Settings
from alflow.store.desk import labels
from alflow.store.rounds import evaluations, rounds
from alflow.workflow.images.pool import import_items
from alflow.workflow.model.from_pairs import estimate_posterior
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests import colours
from tests.browser import world
from tests.browser.conftest import HERE, PATIENCE_MS, Desk, sign_in
from tests.browser.seen import assert_bound_to_what_was_seen, burst, choose, finish, wait_until
from tests.tiny import write_model
from tests.web import TOKEN, free_port

pytestmark = [pytest.mark.browser, pytest.mark.prefect, pytest.mark.slow]

BUDGET = 12
SCHEDULE_MS = 300_000


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Project]]:
    """Everything that `alflow up` starts, on a project with a real model and a posterior."""
    home = tmp_path_factory.mktemp("up")
    ports = {"port": free_port(), "prefect_port": free_port()}
    settings = Settings(home=home, sign_in_token=TOKEN, schedule_seconds=10.0, **ports)
    workspace = Workspace.open(settings)
    project = _project(workspace, tmp_path_factory.mktemp("numbered"))
    with Supervisor() as supervisor:
        for service in services(settings):
            supervisor.start(service)
            assert supervisor.wait()
        yield Desk(workspace, f"http://127.0.0.1:{settings.port}"), project
    workspace.database.close()


def test_label_close_learn_export(up: tuple[Desk, Project], chromium: Browser, tmp_path: Path) -> None:
    desk, project = up
    context = chromium.new_context(viewport={"width": 1360, "height": 860})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(path=HERE / "witness.js")
    page = context.new_page()
    sign_in(page, desk, "Ada")
    wait_until(page, "window.witness.some(each => each.what === 'shown')", timeout_ms=SCHEDULE_MS)

    page.keyboard.press("1")
    page.wait_for_timeout(200)
    page.keyboard.press("Backspace")
    page.wait_for_timeout(200)
    burst(page, ["1", "2"] * 3, 0.02)
    _finish_round(page)
    seen = page.evaluate("window.witness")
    first = _round(desk, project, 1)
    assert_bound_to_what_was_seen(desk, project, seen, strict=False)
    with desk.workspace.database.read() as tx:
        assert rounds.answered(tx, first) == (BUDGET, BUDGET)
    _finish_extra(page)
    expect(page.locator("[data-is=round]")).to_have_text("Round 2")  # the desk goes over to it by itself
    with desk.workspace.database.read() as tx:
        extra = len(labels.of_project(tx, project.id)) - BUDGET
    assert extra > 0

    page.goto(f"{desk.url}/rounds")
    expect(page.get_by_text("since zero-shot").first).to_be_visible(timeout=SCHEDULE_MS)
    with desk.workspace.database.read() as tx:
        assert rounds.by_id(tx, first).state is RoundState.CLOSED
        judged = {each.round_number for each in evaluations.of_project(tx, project.id) if each.split == "test"}
    assert judged == {0, 1}
    expect(page.locator("[data-testid=stVegaLiteChart]").first).to_be_visible()

    page.goto(f"{desk.url}/project")
    page.get_by_role("radio", name="Export").click()
    choose(page, "Format", ".jsonl")
    save = page.get_by_role("link", name="Save labels")
    expect(save).to_have_attribute("href", re.compile(r"\.jsonl$"))
    with page.expect_download() as download:
        save.click()
    download.value.save_as(tmp_path / "labels.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    standing = [row for row in rows if row["withdrawn_at"] is None]
    assert len(standing) == BUDGET + extra
    assert {row["annotator"] for row in standing} == {"Ada"}
    context.close()


def _finish_round(page: Page) -> None:
    """Answer what is left of round 1; what comes extra is shown at once."""
    finish(page, "2", still=lambda: not page.locator("[data-is=extra]").is_visible())
    expect(page.locator("[data-is=extra]")).to_have_text("Extra, while the next round is prepared")


def _finish_extra(page: Page) -> None:
    """Answer what comes extra until the next round is there, whose images follow what is on screen."""
    finish(page, "1", still=lambda: page.locator("[data-is=extra]").is_visible())
    expect(page.locator("[data-is=extra]")).to_be_hidden(timeout=SCHEDULE_MS)


def _round(desk: Desk, project: Project, number: int) -> int:
    with desk.workspace.database.read() as tx:
        return rounds.by_number(tx, project.id, number).id


def _project(workspace: Workspace, folder: Path) -> Project:
    """Two classes told apart by the ground colour; pool, target and test, and factors from the target's captions."""
    settings = ProjectSettings(budget=BUDGET, control_fraction=0.25)
    classes = name_classes(list(colours.COLOURS))
    project = create_project(workspace, "numbered", write_model(folder / "model"), "fp32", classes, settings)
    number = 0
    for split, count in ((Split.POOL, 30), (Split.TARGET, 10), (Split.TEST, 20)):
        for _ in range(count):
            number += 1
            name = list(colours.COLOURS)[number % 2]
            path = folder / split / name / f"{number:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            world.numbered_image(number, colours.COLOURS[name]).save(path)
        import_items(workspace, project, str(folder / split), split)
    estimate_posterior(workspace, project, str(colours.captions(folder / Split.TARGET)))
    return project
