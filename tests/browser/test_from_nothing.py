"""From nothing to labels that came out, in a browser alone: a project is made, images are dropped, rounds run."""

import csv
import io
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page, expect

from alflow.commands.processes import Supervisor
from alflow.commands.up import services
from alflow.domain.images import Split
from alflow.settings import Settings
from alflow.workflow.images.pool import image_counts
from alflow.workflow.projects.projects import find_project
from alflow.workspace import Workspace
from tests import colours
from tests.browser import world
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import HERE, PATIENCE_MS, Desk, sign_in
from tests.browser.seen import finish, wait_until, wait_until_drawn
from tests.tiny import write_model
from tests.web import TOKEN, free_port

pytestmark = [pytest.mark.browser, pytest.mark.prefect, pytest.mark.slow]

SCHEDULE_MS = 300_000
NAME = "from nothing"
BUDGET = 4


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Everything that `alflow up` starts, on an empty home; the server sees one folder of the machine."""
    home, seen = tmp_path_factory.mktemp("up"), tmp_path_factory.mktemp("seen")
    ports = {"port": free_port(), "prefect_port": free_port()}
    settings = Settings(home=home, sign_in_token=TOKEN, sources=str(seen), **ports)
    workspace = Workspace.open(settings)
    with Supervisor() as supervisor:
        for service in services(settings):
            supervisor.start(service)
            assert supervisor.wait()
        yield Desk(workspace, f"http://127.0.0.1:{settings.port}")
    workspace.database.close()


def test_make_drop_label_review_export(up: Desk, chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context(viewport={"width": 1360, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(path=HERE / "witness.js")
    page = context.new_page()
    sign_in(page, up, "Ada")
    _make(page, write_model(tmp_path / "model"))
    began = time.monotonic()
    _bring(page, tmp_path)
    project = find_project(up.workspace, NAME)
    expect(page.get_by_text("Waiting for annotators").first).to_be_visible(timeout=SCHEDULE_MS)
    assert_accessible(page)
    expect(page.get_by_text("24 images are here")).to_be_visible(timeout=SCHEDULE_MS)
    assert 0 < image_counts(up.workspace, project.id)[Split.TEST] < 24

    page.get_by_role("link", name="Label these").click()
    wait_until(page, "window.witness.some(each => each.what === 'shown')", timeout_ms=SCHEDULE_MS)
    print(f"from the first drop to the first image: {time.monotonic() - began:.1f} s")  # noqa: T201
    assert_accessible(page)
    for number in (1, 2):
        expect(page.locator("[data-is=round]")).to_have_text(f"Round {number}", timeout=SCHEDULE_MS)
        finish(page, "1", still=lambda here=f"Round {number}": page.locator("[data-is=round]").inner_text() == here)

    page.goto(f"{up.url}/rounds")
    expect(page.get_by_text("since zero-shot").first).to_be_visible(timeout=SCHEDULE_MS)
    page.goto(f"{up.url}/project")
    page.get_by_role("radio", name="Export").click()
    link = page.get_by_role("link", name="Save labels")
    expect(link).to_be_visible()
    assert_accessible(page)
    saved = page.request.get(urljoin(f"{up.url}/", link.get_attribute("href")))
    rows = list(csv.DictReader(io.StringIO(saved.text())))
    assert len(rows) >= 2 * BUDGET
    assert {row["annotator"] for row in rows} == {"Ada"}
    context.close()


def _make(page: Page, model: str) -> None:
    """A project with the tiny model of the tests, and rounds that are soon answered."""
    expect(page.get_by_role("button", name="Create the project")).to_be_visible()
    assert_accessible(page)
    page.get_by_text("Another one").click()
    page.get_by_role("textbox", name="Its reference").fill(model)
    page.get_by_role("textbox", name="Its reference").blur()
    page.get_by_role("textbox", name="Classes, one a line").fill("\n".join(colours.COLOURS))
    page.get_by_role("textbox", name="Classes, one a line").blur()
    page.get_by_role("textbox", name="Name", exact=True).fill(NAME)
    page.get_by_role("textbox", name="Name", exact=True).blur()
    wait_until_drawn(page)
    page.get_by_role("button", name="Create the project").click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    expect(page.get_by_text("Drop the first images here")).to_be_visible()
    page.get_by_role("radio", name="Settings").click()
    page.get_by_role("spinbutton", name="Images per round").fill(str(BUDGET))
    page.get_by_role("button", name="Save", exact=True).click()
    wait_until_drawn(page)
    page.get_by_role("radio", name="Images").click()
    expect(page.get_by_text("Drop the first images here")).to_be_visible()
    assert_accessible(page)


def _bring(page: Page, folder: Path) -> None:
    """A folder, of whose images a share is for the test; an archive; and what cannot be used."""
    names, images = list(colours.COLOURS), []
    for number in range(24):
        name = names[number % len(names)]
        image = folder / "photos" / name / f"{number:04d}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        world.numbered_image(number, colours.COLOURS[name]).save(image)
        images.append(image)
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        for image in images[12:]:
            archive.write(image, image.relative_to(folder / "photos"))
            image.unlink()
        archive.writestr("../outside.png", b"never")
    (folder / "text.jpg").write_text("words, and no picture\n" * 9)
    page.get_by_text("Pool, but for a share drawn by chance").click()
    page.locator("[data-is=test]").fill("30")
    page.locator("[data-is=target]").fill("0")
    drop(page, folder / "photos")
    drop(page, folder / "more.zip", folder / "text.jpg")
    expect(page.get_by_text("1 left out")).to_be_visible()
    expect(page.get_by_text("Left out: not an image in a known format, but text")).to_be_visible()
    expect(page.get_by_text(re.compile(r"(13 files are|1 file is) sent"))).to_be_visible()  # of both drops, or the last


def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders of the disk, as a person would."""
    box = page.locator("[data-is=zone]").bounding_box()
    assert box is not None
    devices = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        devices.send("Input.dispatchDragEvent", {"type": kind, "data": data, **where})
    devices.detach()
