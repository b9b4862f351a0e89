"""Rounds and Project pages, the project selector, the empty workspace: shown whole, without an error on the page."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Error, Locator, Page, expect

from alflow.domain.answers import Verdict
from alflow.domain.images import Rejection
from alflow.domain.messages import CHOICES
from alflow.domain.projects import Project
from alflow.store.images import failures, items
from alflow.store.projects import channels, troubles
from alflow.store.rounds import candidates as queued
from alflow.workflow.desk import label
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.pool import import_items
from alflow.workflow.people import annotators
from alflow.workflow.projects.projects import create_project, find_project, name_classes, project_classes
from alflow.workflow.projects.sending import CLAIM
from tests.browser import world
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.seen import wait_until, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def project(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in the middle of a round, with a curve, answers of every kind and rejected files."""
    project, opened = world.build(desk.workspace, tmp_path_factory.mktemp("images"), "pages", 20)
    world.add_curve(desk.workspace, project, 4)
    ada = annotators.sign_in(desk.workspace, "Ada").id
    with desk.workspace.database.begin() as tx:
        candidates = queued.of_round(tx, opened.id)
        now = opened.opened_at
        items.reject(tx, project.id, [Rejection("s3://photos/broken.jpg", "the file ends in the middle", now)])
        for shown, trouble in (("https://hooks.example.org", None), ("slack:// (Slack)", "it answers with status 500")):
            values = {"address": shown, "shown": shown, "secret": None, "events": list(CHOICES), "made_at": now}
            made = channels.add(tx, ada, project_id=project.id, **values)
            channels.tried(tx, made.id, trouble, now, CLAIM)
    for place, candidate in enumerate(candidates[:8]):
        skipped = place == 3
        class_id = None if skipped else candidate.predicted_class_id if place % 3 else min(candidate.probabilities)
        verdict = Verdict.SKIP if skipped else Verdict.CLASS
        label.submit(
            desk.workspace, project.id, ada, Submission(f"pages-{place}", candidate.id, verdict, class_id, 1.2 + place)
        )
    return project


def test_rounds_show_the_curve_and_the_reasons(signed_in: Open, project: Project) -> None:
    page = signed_in("Ada", project.name, "rounds")
    expect(page.get_by_role("heading", name="All rounds")).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart]").first).to_be_visible()
    expect(page.get_by_text("points since zero-shot")).to_be_visible()
    expect(page.locator(".cards article")).to_have_count(20)
    expect(page.locator(".cards article.skipped")).to_have_count(1)
    expect(page.locator(".cards .origin")).to_have_count(2)
    expect(page.locator(".cards article").nth(7)).to_contain_text("Novelty1.2")
    page.get_by_role("radio", name="Control").click()
    expect(page.locator(".cards article")).to_have_count(2)
    expect(page.locator(".cards article").first).to_contain_text("drawn at random")
    _no_error(page)
    assert_accessible(page)


def test_a_figure_is_taken_along(signed_in: Open, project: Project, tmp_path: Path) -> None:
    """As PNG, SVG and CSV, under the policy of the page; a screen reader hears how to read it."""
    page = signed_in("Ada", project.name, "rounds")
    figure = page.locator(".st-key-figure-accuracy")
    chart = figure.locator("[data-testid=stVegaLiteChart]")
    expect(chart).to_have_attribute("aria-label", re.compile("share of images whose most probable class is right"))
    chart.hover()
    assert _saved(page, figure.get_by_role("button", name="Download as PNG"), tmp_path)[:4] == b"\x89PNG"
    page.get_by_test_id("stPopoverButton").filter(has_text="Data").first.click()
    svg = _saved(page, page.get_by_role("button", name="Save as SVG"), tmp_path)
    drawn = ElementTree.fromstring(svg)
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert {"Accuracy", "Labels", "Test split"} <= set(drawn.itertext())
    rows = _saved(page, page.get_by_role("button", name="Save as CSV"), tmp_path).decode().splitlines()
    assert rows[0] == '"labels","round","split","value","low","high","items"'
    assert len(rows) == 6
    _no_error(page)
    assert_accessible(page)


def test_a_report_is_saved_and_read_without_a_server(signed_in: Open, project: Project, tmp_path: Path) -> None:
    page = signed_in("Ada", project.name, "rounds")
    page.get_by_test_id("stPopoverButton").filter(has_text="Report").click()
    page.get_by_text("With the names of people").click()
    link = page.get_by_role("link", name="Save the report")
    expect(link).to_have_attribute("href", re.compile("names=1"))
    assert_accessible(page)
    file = tmp_path / "report.html"
    file.write_bytes(_saved(page, link, tmp_path))
    page.context.set_offline(True)
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", name=project.name, exact=True)).to_be_visible()
    expect(page.get_by_role("cell", name="Ada").or_(page.get_by_role("rowheader", name="Ada"))).to_be_visible()
    expect(page.get_by_role("img", name="Accuracy over the number of labels")).to_be_visible()
    assert page.locator("img").count() > 4
    assert page.locator("img").evaluate_all("all => all.every(one => one.naturalWidth > 0)")
    assert_accessible(page)
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    assert_accessible(page)


def test_rounds_follow_what_happens(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """A page that is open shows an evaluation and a new state without a reload."""
    project, _ = world.build(desk.workspace, tmp_path, "follow", 2)
    page = signed_in("Ada", project.name, "rounds")
    expect(page.get_by_text("The curve starts once a round is closed")).to_be_visible()
    world.add_curve(desk.workspace, project, 1)
    expect(page.locator("[data-testid=stVegaLiteChart]").first).to_be_visible()
    _no_error(page)


def test_project_tells_what_is_in_it(signed_in: Open, project: Project) -> None:
    page = signed_in("Ada", project.name, "project")
    expect(page.get_by_role("heading", name="Set-up")).to_be_visible()
    expect(page.get_by_text("20% of the images are unlike the model's pretraining data")).to_be_visible()
    expect(page.get_by_text("of round 1 are answered")).to_be_visible()
    _no_error(page)
    for section, editor in (
        ("Images", page.get_by_text("Rejected files: 1")),
        ("Guidelines", page.get_by_role("textbox", name="Guidelines, in Markdown")),
        ("Classes", page.get_by_role("button", name="Save the classes")),
        ("Settings", page.get_by_role("spinbutton", name="Share of checks")),
        ("Messages", page.get_by_text("it answers with status 500")),
        ("Installation", page.get_by_role("button", name="Make a backup")),
    ):
        page.get_by_role("radio", name=section).click()
        expect(editor).to_be_visible()
        assert_accessible(page)


def test_a_project_is_made_without_a_terminal(desk: Desk, signed_in: Open, project: Project) -> None:
    page = signed_in("Ada", project.name, "new")
    page.get_by_role("textbox", name="Classes, one a line").fill("cat\ndog")
    page.get_by_role("textbox", name="Classes, one a line").blur()
    page.get_by_role("button", name="Create the project").click()
    expect(page.get_by_text("A project's name is missing")).to_be_visible()  # it has none
    assert_accessible(page)
    page.get_by_role("textbox", name="Name", exact=True).fill("pets by hand")
    page.get_by_role("textbox", name="Name", exact=True).blur()
    wait_until_drawn(page)
    page.get_by_text("The demo's").click()
    page.get_by_role("button", name="Create the project").click()
    expect(page.get_by_role("heading", name="pets by hand")).to_be_visible()
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    _no_error(page)
    made = find_project(desk.workspace, "pets by hand")
    assert (made.model, [each.name for each in project_classes(desk.workspace, made.id)]) == ("demo", ["cat", "dog"])


def test_why_nothing_can_be_asked_is_told_wherever_somebody_waits(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """No posterior, a run that failed, no image embedded: with the next step, and nothing promised of the schedule."""
    folder = tmp_path / "waiting"
    folder.mkdir()
    world.numbered_image(1).save(folder / "1.png")
    project = create_project(desk.workspace, "waiting", world.MODEL, "fp32", name_classes(world.CLASSES))
    import_items(desk.workspace, project, str(folder))
    with desk.workspace.database.begin() as tx:
        failures.record(tx, {items.ids(tx, project.id)[0]: "the disk <b>is</b> away"}, project.created_at)
        troubles.record(tx, project.id, "the shard *x* is damaged", project.created_at)
    for where in ("label", "grid", "rounds", "project"):
        page = signed_in("Ada", project.name, where)
        expect(page.get_by_text("has no posterior; run").first).to_be_visible()
        expect(page.get_by_text("the shard *x* is damaged").first).to_be_visible()
        expect(page.get_by_text("it will open the next round")).to_have_count(0)
    page.get_by_role("radio", name="Images").click()
    expect(page.get_by_text("Images that could not be embedded so far: 1")).to_be_visible()
    _no_error(page)


def test_labels_are_saved_in_each_format_and_brought_back(
    signed_in: Open, desk: Desk, project: Project, tmp_path: Path
) -> None:
    page = signed_in("Ada", project.name, "project")
    page.get_by_role("radio", name="Export").click()
    save = page.get_by_role("link", name="Save labels")
    expect(save).to_be_visible()
    assert_accessible(page)
    assert len(_saved(page, save, tmp_path).splitlines()) == 9
    address = f"{desk.url}/{save.get_attribute('href')}".replace(".csv", "{}")
    assert len(page.request.get(address.format(".jsonl")).body().splitlines()) == 8
    table = pq.read_table(io.BytesIO(page.request.get(address.format(".parquet")).body()))
    assert table.num_rows == 8
    assert {"item_id", "uri", "content_hash", "class_name", "annotator", "round_number"} <= set(table.column_names)
    file = tmp_path / "labels.jsonl"
    file.write_bytes(page.request.get(address.format(".jsonl")).body())
    page.get_by_role("radio", name="Import labels").click()
    expect(page.get_by_text("Drop files of labels here")).to_be_visible()
    page.locator("[data-is=chosen]").set_input_files([file, *desk.workspace.settings.home.glob("alflow.db")])
    expect(page.get_by_label("Files that were read")).to_contain_text("0 added, 8 known already")
    expect(page.get_by_label("Files that were left out")).to_contain_text("alflow.db holds no labels that can be read")
    expect(page.get_by_role("group", name="What the images are for")).to_have_count(0)
    assert_accessible(page)


def test_the_selector_changes_the_project(desk: Desk, signed_in: Open, project: Project, tmp_path: Path) -> None:
    other, _ = world.build(desk.workspace, tmp_path, "other", 3)
    page = signed_in("Ada", project.name)
    expect(page.locator("[data-is=title]")).to_have_text(project.name)
    wait_until(page, "window.witness.some(each => each.what === 'shown')")
    page.get_by_role("combobox").click()
    page.get_by_role("option", name=other.name).click()
    expect(page.locator("[data-is=title]")).to_have_text(other.name)
    expect(page.locator("[data-is=count]")).to_have_text("0 of 3")
    wait_until(page, "window.witness.filter(each => each.what === 'shown').length === 2")
    page.keyboard.press("1")
    expect(page.locator("[data-is=count]")).to_have_text("1 of 3")  # keys go to the deck, not into the selector
    page.reload()
    expect(page.locator("[data-is=title]")).to_have_text(other.name)
    page.get_by_test_id("stSidebarNavLink").first.focus()
    page.keyboard.press("Tab")  # where one is in the menu can be seen, and not as a shade only
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_what_a_spreadsheet_would_run_is_offered_in_quotes_only(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Streamlit's own download of a table quotes nothing; ours does."""
    project, opened = world.build(desk.workspace, tmp_path, "cells", 2)
    with desk.workspace.database.begin() as tx:
        items.reject(tx, project.id, [Rejection("=1+1.jpg", "the file ends in the middle", opened.opened_at)])
    page = signed_in("Ada", project.name, "project")
    expect(page.get_by_role("button", name="Download as CSV")).to_have_count(1)  # of the classes
    page.get_by_role("radio", name="Images").click()
    page.get_by_text("Rejected files: 1").click()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(1)
    expect(page.get_by_role("button", name="Fullscreen")).to_have_count(1)
    expect(page.get_by_role("button", name="Download as CSV")).to_have_count(0)


def test_signing_out_closes_the_door(desk: Desk, signed_in: Open, project: Project) -> None:
    page = signed_in("Ada", project.name)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Your name")).to_be_visible()
    page.goto(f"{desk.url}/rounds")
    expect(page.get_by_label("Token from the terminal")).to_be_visible()


def _saved(page: Page, button: Locator, folder: Path) -> bytes:
    """What the browser saves when this is pressed; again where the page was drawn under the pointer."""
    for _ in range(5):
        try:
            with page.expect_download(timeout=15_000) as download:
                button.click()
            break
        except Error:
            continue
    else:
        raise AssertionError("nothing was saved")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path.read_bytes()


def _no_error(page: Page) -> None:
    expect(page.locator("[data-testid=stException], [data-testid=stError]")).to_have_count(0)
