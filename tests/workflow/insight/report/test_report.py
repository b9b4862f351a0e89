"""A report says what is known, what is missing and how far to trust it, to people who have no account."""

import base64
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
import torch

from alflow.domain.answers import Verdict
from alflow.domain.certificates import Certificate
from alflow.domain.images import Split
from alflow.domain.projects import NewClass, Project
from alflow.domain.rounds import Origin
from alflow.errors import NotFoundError
from alflow.store.images import items
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.pool import import_items
from alflow.workflow.insight.report import pictures
from alflow.workflow.insight.report.gather import Report, read_report
from alflow.workflow.insight.report.page import file_name, page
from alflow.workflow.model.kept import outlook
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.class_changes import add_classes
from alflow.workflow.projects.projects import create_project, name_classes, set_guidelines
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.review import learning_curve
from alflow.workspace import Workspace
from tests.colours import answer, paint
from tests.voted import voted

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


def parsed(html: str) -> Element:
    """The page, read as strictly as the standard says; it holds nothing that runs, loads or leads away."""
    tree: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
    for each in tree.iter():
        each.tag, each.attrib = local(each.tag), {local(name): value for name, value in each.attrib.items()}
        assert each.tag not in {"script", "iframe", "object", "embed", "link", "form", "base"}
        for name, value in each.attrib.items():
            assert not name.startswith("on")
            assert name != "src" or value.startswith("data:image/jpeg;base64,")
            assert name not in {"href", "action", "srcset", "poster"} or value.startswith("#")
    targets = {each.get("id") for each in tree.iter() if each.get("id")}
    assert len(targets) == sum(1 for each in tree.iter() if each.get("id"))
    assert {each.get("href") for each in tree.iter("a")} <= {f"#{one}" for one in targets}
    policy = next(each.get("content") for each in tree.iter("meta") if each.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return tree


def local(name: str) -> str:
    """Without the namespace, which SVG has."""
    return name.rpartition("}")[2]


def words(tree: Element) -> str:
    return " ".join(" ".join(tree.itertext()).split())


def section(tree: Element, name: str) -> str:
    return words(next(each for each in tree.iter("section") if each.get("aria-labelledby") == name))


@pytest.fixture
def past(workspace: Workspace, project: Project) -> Project:
    """Two closed rounds, answered by one person, and a third that is open."""
    for _ in range(2):
        opened = open_round(workspace, project.id)
        answer(workspace, project)
        close_round(workspace, project.id, opened.id)
    open_round(workspace, project.id)
    return project


def test_a_project_with_nothing_in_it_says_what_is_missing(workspace: Workspace) -> None:
    project = create_project(workspace, "nothing", "demo", "fp32")
    tree = parsed(page(read_report(workspace, project.id)))
    for sentence in (
        "There are fewer than two classes: add them (alflow classes set).",
        "There are no images to ask about: import some (alflow import FOLDER --split pool).",
        "There is no test split: import labelled images to judge the model on",
        "The model says nothing yet: project 'nothing' has no embedded image yet: run `alflow embed`.",
        "No round was opened: alflow up, or alflow round open, opens the first.",
    ):
        assert sentence in section(tree, "missing")
    assert "Nothing was judged yet" in section(tree, "curves")
    assert "Nobody has answered" in section(tree, "agreement")
    assert not list(tree.iter("svg"))
    assert not list(tree.iter("img"))


@pytest.mark.slow
def test_the_numbers_are_those_of_the_project(workspace: Workspace, past: Project) -> None:
    report = read_report(workspace, past.id)
    assert (report.model.number, len(report.rounds), report.answers.count) == (2, 3, 8)
    assert dict(report.answers.asked) == {Origin.STRATEGY: (9, 6), Origin.CONTROL: (3, 2)}
    assert report.answers.verdicts == {Verdict.CLASS: 8}
    assert report.answers.seconds == 8.0
    assert list(report.evaluations) == learning_curve(workspace, past.id)
    judged, found = report.model.judged, outlook(workspace, past.id, 2)
    assert judged is not None
    with workspace.database.read() as tx:
        truths = items.truths(tx, past.id, Split.TEST)
    rows, _ = found.rows(list(truths))
    known = torch.tensor([found.class_ids.index(one) for one in truths.values()])
    right = found.probabilities[rows].argmax(1) == known
    assert int(judged.right.sum()) == int(right.sum())
    newest = next(one for one in reversed(report.evaluations) if one.split == "test")
    assert float(right.double().mean()) == pytest.approx(newest.metrics["accuracy"][0])
    tree = parsed(page(report))
    assert f"{100 * newest.metrics['accuracy'][0]:.1f}%" in words(tree)
    assert "8 answers stand" in section(tree, "answers")
    assert "Round 3 is not closed: its answers are not learnt yet." in section(tree, "limits")
    assert "12 images of the test split whose class is known, as the model after round 2" in section(tree, "classes")
    assert len(list(tree.iter("svg"))) >= 4
    assert all(each.get("role") == "img" or each.get("aria-hidden") for each in tree.iter("svg"))


@pytest.mark.slow
def test_a_round_is_told_as_it_was_at_its_end(workspace: Workspace, past: Project) -> None:
    report = read_report(workspace, past.id, 1)
    assert (report.model.number, len(report.rounds), report.answers.count) == (1, 1, 4)
    assert {one.round_number for one in report.evaluations} == {0, 1}
    assert report.galleries[0].heading == "What round 1 asked"
    assert (len(report.galleries[0].pictures), report.galleries[0].left_out) == (4, 0)
    assert "Report of round 1" in words(parsed(page(report)))
    assert file_name(report) == "colours-report-round-1.html"
    open_one = read_report(workspace, past.id, 3)
    assert (open_one.model.number, open_one.answers.count) == (2, 8)
    with pytest.raises(NotFoundError, match=r"project 'colours' has no round 4: choose one of 1 to 3"):
        read_report(workspace, past.id, 4)


@pytest.mark.slow
def test_what_was_accepted_by_the_model_is_told_apart(workspace: Workspace, past: Project) -> None:
    report = read_report(workspace, past.id)
    assert report.certificate is None
    at = report.at
    made = Certificate(1, past.id, 2, "hash", 0.02, 0.05, False, (), 400, 9000, 7654, 0.5, 1, at)  # type: ignore[arg-type]
    told = section(parsed(page(replace(report, certificate=made))), "answers")
    assert "7,654 of 9,000 images that nobody answered were accepted as the model says" in told
    assert "with 95% confidence at most 2.0% of them are wrong, by 400 labelled images" in told


@pytest.mark.slow
def test_names_of_people_files_and_folders_stay_here(workspace: Workspace, past: Project, tmp_path: Path) -> None:
    plain, named = (page(read_report(workspace, past.id, names=names)) for names in (False, True))
    assert "tester" not in plain
    assert "Person 1" in plain
    assert "tester" in named
    assert str(tmp_path) not in plain
    assert ".png" not in plain
    assert "local-dir:colours-model" in words(parsed(plain))


@pytest.mark.slow
def test_hostile_names_are_text(workspace: Workspace, past: Project) -> None:
    with workspace.database.begin() as tx:
        for table, column in (("project", "name"), ("class_label", "display_name"), ("annotator", "name")):
            tx.exec_driver_sql(f"UPDATE {table} SET {column} = {column} || ?", (HOSTILE,))
    set_guidelines(workspace, past.id, f"# {HOSTILE}\n\u202e")
    tree = parsed(page(read_report(workspace, past.id, names=True)))
    assert words(tree).count(" ".join(HOSTILE.split())) > 10
    assert "\u202e" not in words(tree)
    assert next(tree.iter("title")).text.startswith(f"colours{HOSTILE}")  # type: ignore[union-attr]


@pytest.mark.slow
def test_without_a_test_split_the_control_slice_judges(workspace: Workspace, past: Project) -> None:
    with workspace.database.begin() as tx:
        changed = [replace(one, truth=None) for one in items.list_(tx, past.id, Split.TEST)]
        items.change(tx, changed)
    report = read_report(workspace, past.id)
    judged = report.model.judged
    assert judged is not None
    assert (judged.source, judged.images) == ("control", 2)
    tree = parsed(page(report))
    assert "None of the 12 images of the test split has a known class" in section(tree, "missing")
    assert "2 labelled images of the control slice" in section(tree, "calibration")
    assert "by several models, older ones too" in section(tree, "limits")


@pytest.mark.slow
def test_classes_and_images_that_came_after_the_fit(workspace: Workspace, past: Project, tmp_path: Path) -> None:
    add_classes(workspace, past.id, [NewClass("green", "green", ())])
    import_items(workspace, past, str(paint(tmp_path / "late", 2, 9)), Split.POOL)
    import_items(workspace, past, str(paint(tmp_path / "later", 2, 10)), Split.TEST)
    report = read_report(workspace, past.id)
    assert report.model.judged is not None
    assert report.model.judged.images == 12
    assert [one.support for one in report.model.judged.by_class] == [6, 6, 0]
    tree = parsed(page(report))
    assert "1 class has no image to judge by" in section(tree, "limits")


def test_answers_without_a_round_and_without_a_model(workspace: Workspace, tmp_path: Path) -> None:
    project = create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))
    voted(workspace, project, tmp_path / "originals")
    report = read_report(workspace, project.id)
    assert (report.answers.count, report.answers.from_elsewhere, report.answers.quality.shared) == (5, 5, 1)
    assert report.answers.verdicts == {Verdict.CLASS: 3, Verdict.SKIP: 1, Verdict.NONE: 1}
    tree = parsed(page(report))
    assert "3 named a class; 1 skipped; 1 said that no class fits" in section(tree, "answers")
    assert "5 answers were given elsewhere" in section(tree, "limits")
    assert "clear" not in words(tree)  # a comment
    assert "fox" not in words(tree)


@pytest.mark.slow
def test_two_people_and_their_agreement(workspace: Workspace, project: Project) -> None:
    opened = open_round(workspace, project.id)
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("UPDATE candidate SET votes_needed = 2")
    for name in ("Ada", "Grace"):
        who = sign_in(workspace, name).id
        while queue := next_candidates(workspace, project.id, who, extra=False):
            entry = queue[0]
            given = Submission(f"{name} {entry.candidate.id}", entry.candidate.id, Verdict.CLASS, entry.item.truth, 2.0)
            submit(workspace, project.id, who, given)
    report = read_report(workspace, project.id, opened.number)
    assert report.answers.quality.shared == 4
    told = section(parsed(page(report)), "agreement")
    assert "4 images have the votes of two people" in told
    assert "Person 2" in told


@pytest.mark.slow
def test_pictures_stay_below_their_room(workspace: Workspace, past: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def embedded(report: Report) -> int:
        tree = parsed(page(report))
        return sum(len(base64.b64decode(each.get("src", "").partition(",")[2])) for each in tree.iter("img"))

    whole = read_report(workspace, past.id)
    room = embedded(whole)
    assert 0 < room == sum(len(one.jpeg) for each in whole.galleries for one in each.pictures)
    monkeypatch.setattr(pictures, "MOST_BYTES", room // 2)
    half = read_report(workspace, past.id)
    assert 0 < embedded(half) <= room // 2
    assert sum(each.left_out for each in half.galleries) > sum(each.left_out for each in whole.galleries)
    assert read_report(workspace, past.id, pictures=False).galleries == ()


@pytest.mark.slow
def test_removed_thumbnails_are_left_out(workspace: Workspace, past: Project, tmp_path: Path) -> None:
    for file in (*(Path(workspace.settings.artifacts) / "thumbnails").rglob("*.jpg"), *tmp_path.rglob("*.png")):
        file.unlink()  # originals too, of which they would be made anew
    assert read_report(workspace, past.id).galleries == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("birds", "birds"), ("a/b: c", "a-b-c"), ("目標", "project"), ("..", "project"), ("x" * 200, "x" * 60)],
)
def test_the_file_has_a_plain_name(workspace: Workspace, name: str, expected: str) -> None:
    report = read_report(workspace, create_project(workspace, name, "demo", "fp32").id)
    assert file_name(report) == f"{expected}-report.html"


@pytest.mark.slow
def test_a_thousand_classes_fit_in_five_megabytes(
    workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wide(*_: Any) -> bytes:
        return b"\xff" * 60_000

    monkeypatch.setattr(pictures, "rendition_bytes", wide)
    many = [NewClass(f"class {number} of a project with many of them", "", ()) for number in range(1_000)]
    add_classes(workspace, project.id, many, ["{}"])
    opened = open_round(workspace, project.id)
    answer(workspace, project)
    close_round(workspace, project.id, opened.id)
    html = page(read_report(workspace, project.id))
    assert len(html.encode()) < 5_000_000
    assert len(re.findall("<img ", html)) > 10
