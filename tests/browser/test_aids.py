"""What helps at the desk beside the image, in a real Chromium."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert, select, update

from alflow.domain.images import Split
from alflow.domain.projects import NewClass, Project, Suggestion
from alflow.domain.reasons import Aim
from alflow.ids import ItemId
from alflow.store import tables
from alflow.store.answers import outcomes
from alflow.store.images import items
from alflow.workflow.images.pool import import_items
from alflow.workflow.projects import class_changes
from alflow.workflow.projects.class_edits import Edit
from alflow.workflow.projects.projects import change_settings
from tests.browser import world
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.seen import answer_each, wait_for_image

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]


def copies_of_the_first(desk: Desk, project: Project, folder: Path, count: int) -> list[ItemId]:
    """Near copies, in the pool since the round opened, of the image that comes first in its queue."""
    folder.mkdir()
    for number in range(900, 900 + count):
        world.numbered_image(number).save(folder / f"{number}.png")
    with desk.workspace.database.read() as tx:
        known = set(items.ids(tx, project.id))
    import_items(desk.workspace, project, str(folder), Split.POOL)
    with desk.workspace.database.begin() as tx:
        copies = [each for each in items.ids(tx, project.id) if each not in known]
        candidate, round_ = tables.candidate, tables.round_
        rows = select(candidate.c.id).join(round_, round_.c.id == candidate.c.round_id)
        first = tx.execute(rows.where(round_.c.project_id == project.id, candidate.c.rank == 0)).scalar_one()
        details = {"copies": [[item_id, 0.99] for item_id in copies]}
        row = {"candidate_id": first, "aim": Aim.POOL, "expected": 0.1, "details": details}
        tx.execute(insert(tables.reasons).values(row))
    return copies


def test_near_copies_are_labelled_likewise_and_taken_back_with_one_key_each(
    desk: Desk, signed_in: Open, tmp_path: Path
) -> None:
    project, _ = world.build(desk.workspace, tmp_path, "likewise", 5)
    copies = copies_of_the_first(desk, project, tmp_path / "copies", 4)
    page = signed_in("Kim", project.name)
    wait_for_image(page)
    page.keyboard.press("y")
    expect(page.locator("[data-is=hint]")).to_have_text("No near copies to label")
    answer_each(page, "2")
    offer = page.locator("[data-is=likewise]")
    expect(offer.locator(".accept")).to_contain_text("Label these 4 likewise: square")
    offer.get_by_role("button", name="Near copy 2").click()
    expect(offer.locator(".accept")).to_contain_text("Label these 3 likewise: square")
    page.wait_for_timeout(3_000)  # a hint that fades has no contrast to measure
    assert_accessible(page)
    page.keyboard.press("y")
    expect(offer).to_be_hidden()
    expect(page.locator("[data-is=worth]")).to_be_visible()
    chip = page.locator("[data-is=recent] button.stored").first
    expect(chip).to_contain_text("square (3)")
    assert len(classes_of(desk, project)) == 4
    assert copies[1] not in classes_of(desk, project)

    answer_each(page, "1")
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(3)
    assert len(classes_of(desk, project)) == 5
    page.keyboard.press("Backspace")  # the answer about the second image
    page.keyboard.press("Backspace")  # all near copies of the first
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(1)
    expect(page.locator("[data-is=hint]")).to_have_text("Undone: square (3)")
    while len(classes_of(desk, project)) > 1:
        page.wait_for_timeout(50)


def test_classes_in_groups_by_two_keys_and_favourites_on_top(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project, _ = world.build(desk.workspace, tmp_path, "grouped", 6)
    many = [NewClass(f"bird {number:02}", "", (), group="birds") for number in range(30)]
    class_changes.add_classes(desk.workspace, project.id, many)
    class_changes.edit_classes(desk.workspace, project.id, ["square", "star"], Edit(group="shapes"))
    page = signed_in("Lou", project.name)
    wait_for_image(page)
    listed = page.locator("[data-is=classes] button[data-id]:visible")
    expect(listed).to_have_text([re.compile("circle"), re.compile("triangle")])  # all others are folded
    page.keyboard.press("Shift+Digit1")
    expect(listed).to_have_text([re.compile(name) for name in ("circle", "triangle", "square", "star")])
    page.keyboard.press("2")  # the second of its group, and not the key of the class "square"
    expect(page.locator("[data-is=recent] button.stored")).to_have_text("star")

    page.keyboard.press("/")
    page.keyboard.type("bird 17")
    page.keyboard.press("Enter")
    expect(page.locator("[data-is=recent] button.stored").first).to_have_text("bird 17")
    page.keyboard.press("/")
    expect(listed.first).to_contain_text("bird 17")  # what was used last comes first
    page.keyboard.type("bird 21")
    page.get_by_role("button", name="Favourite: bird 21").click()
    page.keyboard.press("Escape")
    expect(listed.first).to_contain_text("bird 21")
    page.wait_for_timeout(3_000)
    assert_accessible(page)
    page.evaluate("localStorage.clear()")  # as another browser of hers
    page.reload()
    wait_for_image(page)
    expect(listed.first).to_contain_text("bird 21")
    expect(page.get_by_role("button", name="Favourite: bird 21")).to_have_attribute("aria-pressed", "true")


def test_images_of_one_thing_beside_the_one_to_label(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project, _ = world.build(desk.workspace, tmp_path, "scans", 5)
    with desk.workspace.database.begin() as tx:
        tx.execute(update(tables.item).where(tables.item.c.project_id == project.id).values(group="patient 7"))
    page = signed_in("Mia", project.name)
    wait_for_image(page)
    answer_each(page, "2")
    strip = page.locator("[data-is=strip]")
    expect(strip.get_by_role("button")).to_have_text(["square", "This one", "", "", ""])
    strip.get_by_role("button", name="Image 4").click()
    expect(page.locator("[data-is=peek]")).to_be_visible()
    page.keyboard.press("1")  # the image to label is not in front
    expect(page.locator("[data-is=hint]")).to_have_text("Another image is in front: press Esc first")
    page.wait_for_timeout(3_000)
    assert_accessible(page)
    page.keyboard.press("Escape")
    answer_each(page, "1")
    expect(strip.get_by_role("button")).to_have_text(["square", "circle", "This one", "", ""])


def test_two_classes_side_by_side(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """One's own two where the guess is not shown, the model's two most probable ones where it is."""
    project, _ = world.build(desk.workspace, tmp_path, "rivals", 6)
    page = signed_in("Noa", project.name)
    wait_for_image(page)
    answer_each(page, "1")
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(1)
    page.keyboard.press("v")
    panel = page.locator("[data-is=compare]")
    expect(panel.get_by_alt_text("Example of circle")).to_have_count(1)
    page.get_by_label("Second class").select_option("star")
    expect(panel).to_contain_text("No example yet")
    page.keyboard.press("g")  # there is room for one: what is recorded as seen is on screen
    expect(panel).to_be_hidden()
    page.keyboard.press("v")
    expect(page.get_by_role("region", name="Guidelines")).to_be_hidden()
    expect(panel).to_be_visible()
    page.wait_for_timeout(3_000)
    assert_accessible(page)
    settings = replace(project.settings, suggestion=Suggestion.BEFORE)
    change_settings(desk.workspace, project.id, settings)
    page.reload()
    wait_for_image(page)
    page.keyboard.press("v")
    chosen = [page.get_by_label(f"{which} class").locator("option:checked") for which in ("First", "Second")]
    expect(chosen[0]).to_have_text("circle")  # of the image of rank 1
    expect(chosen[1]).to_have_text("star")


def test_a_goal_for_a_sitting(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project, _ = world.build(desk.workspace, tmp_path, "sitting", 4)
    page = signed_in("Oda", project.name)
    wait_for_image(page)
    page.keyboard.press("?")
    page.get_by_label("Images", exact=True).fill("2")
    page.keyboard.press("Tab")
    assert_accessible(page)
    page.keyboard.press("Escape")
    line = page.locator("[data-is=sitting]")
    expect(line).to_have_text("0 of 2 images")
    answer_each(page, "12")
    expect(line).to_have_text("goal reached: 2 images")
    page.reload()
    wait_for_image(page)
    expect(line).to_have_text("goal reached: 2 images")
    page.keyboard.press("Backspace")
    expect(line).to_have_text("1 of 2 images")


def classes_of(desk: Desk, project: Project) -> dict[ItemId, int]:
    with desk.workspace.database.read() as tx:
        return dict(outcomes.settled(tx, project.id))
