"""Labelling by keyboard in a real Chromium: nothing lost, nothing twice, nothing under the wrong image."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from alflow.domain.answers import Verdict
from alflow.domain.projects import ProjectSettings
from alflow.domain.rounds import RoundState
from alflow.store.desk import labels
from alflow.store.projects import projects
from alflow.store.rounds import candidates, rounds
from alflow.workflow.desk import label, queue
from alflow.workflow.desk.submission import Submission
from alflow.workflow.people import annotators
from tests.browser import world
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.seen import (
    KEYS,
    answer_each,
    assert_bound_to_what_was_seen,
    burst,
    finish,
    key_to_image,
    stored_labels,
    wait_for_image,
    wait_until,
    wait_until_ready,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]


def test_a_round_by_keyboard(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Every stored label stands under the image whose pixels were on screen at the key press."""
    project, round_ = world.build(desk.workspace, tmp_path, "round", 40)
    page = signed_in("Ada", project.name)
    wait_for_image(page)
    for key in "1 2":
        page.keyboard.press("Space" if key == " " else key)
        page.wait_for_timeout(150)
    page.keyboard.press("Backspace")
    page.wait_for_timeout(150)
    page.keyboard.press("4")
    burst(page, [KEYS[i % 4] for i in range(30)], 0.02)
    finish(page)

    seen = page.evaluate("window.witness")
    assert_bound_to_what_was_seen(desk, project, seen)
    with desk.workspace.database.read() as tx:
        standing = labels.of_round(tx, round_.id)
        everything = labels.of_round(tx, round_.id, withdrawn=True)
        assert rounds.by_id(tx, round_.id).state is RoundState.LABELLED
    assert len(standing) == len({label.item_id for label in standing}) == 40
    assert [label.verdict for label in standing].count(Verdict.SKIP) == 1
    assert len(everything) == 41  # the answer that was taken back stays, marked
    assert key_to_image(seen)["n"] > 20


def test_reload_in_the_middle(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """A reload right after an answer neither loses it nor asks for it again."""
    project, _ = world.build(desk.workspace, tmp_path, "reload", 9)
    page = signed_in("Bo", project.name)
    seen: list[dict[str, Any]] = []
    for key in "123":
        wait_for_image(page)
        page.keyboard.press(key)
        wait_until(page, "window.witness.some(each => each.what === 'answered')")
        seen += page.evaluate("window.witness")
        page.reload()
    wait_for_image(page)
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(3)
    finish(page)
    assert_bound_to_what_was_seen(desk, project, seen + page.evaluate("window.witness"))
    assert len(stored_labels(desk, project)) == 9


def test_two_minutes_without_a_network(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """The deck goes on with what it holds and says how far that goes; what others got meanwhile has a further vote.

    The browser lives through the two minutes by its own clock, with all that its timers do; on the server all that is
    reserved lapses.
    """
    project, round_ = world.build(desk.workspace, tmp_path, "offline", 50, ProjectSettings(lease_minutes=1))
    page = signed_in("Cy", project.name)
    wait_for_image(page)
    answer_each(page, KEYS + KEYS + "12")
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")
    page.wait_for_load_state("networkidle")
    page.clock.install()
    page.context.set_offline(True)
    for turn in range(34):
        if turn % 3 == 0:  # together more than the browser lets one request carry
            page.keyboard.press("m")
            page.get_by_label("Comment on this image").fill("遠" * 2_000)
            page.keyboard.press("Enter")
        answer_each(page, KEYS[turn % 4])
        page.clock.fast_forward(120_000 // 34)
        if turn == 10:
            expect(page.locator("[data-is=banner]")).to_contain_text("kept in this browser")
            expect(page.locator("[data-is=banner]")).to_contain_text("23 images can be labelled offline")
    expect(page.locator("[data-is=pill]")).to_contain_text("34 kept here")
    expect(page.locator("[data-is=empty]")).to_contain_text("You have answered every image that was loaded")
    assert len(stored_labels(desk, project)) == 10

    world.forget_everybody(desk.workspace)
    bo = annotators.sign_in(desk.workspace, "Bo").id
    given = queue.next_candidates(desk.workspace, project.id, bo, 40)
    for entry in given[:5]:
        said = Submission(f"bo-{entry.item.id}", entry.candidate.id, Verdict.SKIP, None, 1.0)
        label.submit(desk.workspace, project.id, bo, said)
    page.context.set_offline(False)
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")
    expect(page.locator("[data-is=banner]")).to_be_hidden()
    finish(page)
    assert_bound_to_what_was_seen(desk, project, page.evaluate("window.witness"), strict=False)
    answers = Counter(each.item_id for each in stored_labels(desk, project))
    assert len(answers) == 50
    assert {item for item, n in answers.items() if n > 1} == {entry.item.id for entry in given[:5]}
    assert max(answers.values()) == 2
    with desk.workspace.database.read() as tx:
        assert rounds.by_id(tx, round_.id).state is RoundState.LABELLED


def test_two_tabs_of_one_annotator(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """What one tab answered, the other does not ask again, and no answer lands under another image."""
    project, _ = world.build(desk.workspace, tmp_path, "tabs", 16)
    first = signed_in("Di", project.name)
    wait_for_image(first)
    second = first.context.new_page()
    second.goto(first.url)
    wait_for_image(second)
    for turn in range(6):
        tab = (first, second)[turn % 2]
        tab.bring_to_front()
        tab.keyboard.press(KEYS[turn % 4])
        tab.wait_for_timeout(120)
    finish(second)
    for tab in (first, second):
        assert_bound_to_what_was_seen(desk, project, tab.evaluate("window.witness"), strict=False)
    standing = stored_labels(desk, project)
    assert len(standing) == len({label.item_id for label in standing}) == 16


def test_two_people_share_a_round(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """No image is shown to two people at once, and together they finish."""
    project, _ = world.build(desk.workspace, tmp_path, "shared", 16)
    pages = [signed_in(name, project.name) for name in ("Eve", "Flo")]
    for page in pages:
        wait_for_image(page)
    for turn in range(8):
        pages[turn % 2].keyboard.press(KEYS[turn % 4])
        pages[turn % 2].wait_for_timeout(80)
    seen = [{each["item_id"] for each in page.evaluate("window.witness") if each["what"] == "shown"} for page in pages]
    assert not seen[0] & seen[1]
    for page in pages:
        finish(page)
    standing = stored_labels(desk, project)
    assert len(standing) == len({label.item_id for label in standing}) == 16
    assert len({label.annotator_id for label in standing}) == 2


def test_find_a_class_by_typing(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """`/` opens the box, letters narrow the list, Enter answers; digits typed there are no hot keys."""
    project, _ = world.build(desk.workspace, tmp_path, "find", 3)
    page = signed_in("Gus", project.name)
    wait_for_image(page)
    page.keyboard.press("/")
    page.keyboard.type("1")
    page.keyboard.press("Escape")
    assert not stored_labels(desk, project)
    page.keyboard.press("/")
    page.keyboard.type("tri")
    page.keyboard.press("Enter")
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(1)
    with desk.workspace.database.read() as tx:
        triangle = next(each.id for each in projects.classes(tx, project.id) if each.name == "triangle")
    assert [label.class_id for label in stored_labels(desk, project)] == [triangle]


def test_a_held_key_answers_once(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """The repeats of a key that is held down are no answers."""
    project, _ = world.build(desk.workspace, tmp_path, "held", 8)
    page = signed_in("Hal", project.name)
    wait_for_image(page)
    for _ in range(6):
        page.keyboard.down("1")  # without an up between: the browser marks all but the first as repeats
        page.wait_for_timeout(40)
    page.keyboard.up("1")
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(1)
    assert len(stored_labels(desk, project)) == 1


def test_what_a_model_has_learned_is_not_taken_back(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Once the round is closed, an undo is refused before anything moves; an answer that came later goes back."""
    project, round_ = world.build(desk.workspace, tmp_path, "closed", 3)
    page = signed_in("Jay", project.name)
    wait_for_image(page)
    answer_each(page, "1")
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(1)
    with desk.workspace.database.begin() as tx:
        for step in (RoundState.LABELLED, RoundState.CLOSED):
            rounds.set_state(tx, round_.id, step)
    answer_each(page, "2")
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(2)
    page.keyboard.press("Backspace")
    expect(page.locator("[data-is=recent] button")).to_have_count(1)
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")
    page.keyboard.press("Backspace")
    expect(page.locator("[data-is=hint]")).to_contain_text("the model is fitted to this answer")
    answer_each(page, "3")  # of what was taken back, which is still on screen
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")
    assert_bound_to_what_was_seen(desk, project, page.evaluate("window.witness"))
    assert len({each.item_id for each in stored_labels(desk, project)}) == len(stored_labels(desk, project)) == 2


def test_answers_beyond_a_class_by_keys(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """Unsure, none with a name, a comment, bad; an answer changed; the queue of what was set aside."""
    project, _ = world.build(desk.workspace, tmp_path, "beyond", 12)
    page = signed_in("Ida", project.name)
    wait_for_image(page)
    answer_each(page, "u")
    page.keyboard.press("n")
    page.get_by_label("None of these").fill("hexagon")
    page.keyboard.press("Enter")
    expect(page.locator("[data-is=recent] button.stored")).to_have_count(2)
    wait_until_ready(page)
    page.keyboard.press("m")
    page.get_by_label("Comment on this image").fill("half of it is cut off")
    page.keyboard.press("Enter")
    answer_each(page, "b1")
    page.keyboard.press("h")  # back to the last answer
    wait_until_ready(page)
    answer_each(page, "2")
    expect(page.locator("[data-is=worth]")).to_contain_text("square")
    page.locator(".queues button").filter(has_text="Unsure").click()
    wait_until_ready(page)
    answer_each(page, "3")
    expect(page.locator("[data-is=pill]")).to_have_text("All answers stored")
    said = [(label.verdict, label.comment, label.proposed_class) for label in stored_labels(desk, project)]
    assert said == [
        (Verdict.NONE, "", "hexagon"),
        (Verdict.BAD, "half of it is cut off", ""),
        (Verdict.CLASS, "", ""),
        (Verdict.CLASS, "", ""),
    ]
    with desk.workspace.database.read() as tx:
        names = {each.id: each.name for each in projects.classes(tx, project.id)}
    assert [names[label.class_id] for label in stored_labels(desk, project) if label.class_id] == ["square", "triangle"]


def test_axe_finds_no_serious_fault(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project, _ = world.build(desk.workspace, tmp_path, "axe", 4)
    page = signed_in("Jo", project.name)
    wait_for_image(page)
    answer_each(page, "u1")
    expect(page.locator("[data-is=worth]")).to_be_visible()
    page.get_by_role("button", name="Guidelines").click()
    expect(page.locator("[data-is=guide]")).to_contain_text("no guidelines yet")
    page.wait_for_timeout(3_000)  # a hint that fades has no contrast to measure
    assert_accessible(page)
    page.get_by_role("button", name="Keys").click()
    assert_accessible(page)


def test_an_event_that_cannot_be_read_holds_up_no_other(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    """The server refuses the whole request; the deck sends the events one by one, and tells of the one."""
    project, opened = world.build(desk.workspace, tmp_path, "unreadable", 3)
    page = signed_in("Ada", project.name)
    wait_for_image(page)
    with desk.workspace.database.read() as tx:
        candidate = candidates.of_round(tx, opened.id)[2]
    ada = annotators.sign_in(desk.workspace, "Ada").id
    page.goto(f"{desk.url}/sign-in")  # no desk is open while something is put into the browser's storage
    page.evaluate(
        """([ada, project, candidate, chosen]) => {
          const event = (token, at, more) => ({ kind: "answer", token, key: `answer:${token}`, at, verdict: "class",
            candidate_id: candidate, class_id: chosen, seconds: 1, comment: "", shown: {}, entry: {}, ...more });
          let deep = {};
          for (let level = 0; level < 4000; level++) deep = { deep };
          const keep = (kept) => localStorage.setItem(`alflow:${ada}:${project}:${kept.key}`, JSON.stringify(kept));
          keep(event("bad", 1, { shown: deep }));
          keep(event("good", 2));
        }""",
        [ada, project.id, candidate.id, candidate.predicted_class_id],
    )
    page.goto(f"{desk.url}/?project={project.name}")
    expect(page.locator("[data-is=banner]")).to_contain_text("One answer was")
    assert [each.token for each in stored_labels(desk, project)] == ["good"]
    assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('alflow:')).length") == 0


def test_scripts_that_are_lost_on_the_way_are_asked_for_again(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project, _ = world.build(desk.workspace, tmp_path, "scripts", 2)
    page = signed_in("Ada", project.name, "checks")
    lost: list[str] = []

    def lose(route: Route) -> None:
        if len(lost) < 3:
            lost.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.route("**/components/**", lose)
    page.goto(f"{desk.url}/?project={project.name}")
    wait_for_image(page)
    assert len(lost) == 3
