"""The deck's exchange: idempotent, in order, and never losing an answer to a bad neighbour."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from alflow.domain.projects import Project, Suggestion
from alflow.errors import InvalidInputError, NotFoundError, UnavailableError
from alflow.store import tables
from alflow.store.desk import labels
from alflow.ui.routes import desk
from alflow.workflow.people import annotators
from alflow.workflow.projects import projects
from alflow.workspace import Workspace
from tests.browser import world
from tests.queues import open_queue


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    """Eight images in an open round."""
    project, _ = world.build(workspace, tmp_path, "desk", 8)
    return project


@pytest.fixture
def ada(workspace: Workspace) -> int:
    """Somebody who labels."""
    return annotators.sign_in(workspace, "Ada").id


def test_an_empty_exchange_gives_the_queue(workspace: Workspace, project: Project, ada: int) -> None:
    reply = desk.sync(workspace, project.id, ada, [])
    assert [entry["rank"] for entry in reply["queue"]] == [0, 1, 2, 3, 4, 5]
    assert reply["round"] == {"number": 1, "state": "open", "answered": 0, "total": 8}
    assert reply["recent"] == reply["acknowledgements"] == []


def test_what_comes_behind_the_round_is_marked_as_extra(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 3, name="behind", reserve=2)
    queue = desk.sync(workspace, world.project.id, world.annotators[0].id, [])["queue"]
    assert [(entry["rank"], entry.get("extra")) for entry in queue] == [(0, None), (1, True), (2, True)]


def test_the_queue_tells_nothing_that_could_bias(workspace: Workspace, project: Project, ada: int) -> None:
    """No prediction, no score and no origin reach the browser of who labels."""
    assert {key for entry in desk.sync(workspace, project.id, ada, [])["queue"] for key in entry} == {
        "candidate_id",
        "item_id",
        "rank",
        "width",
    }


def test_what_a_person_chose_for_their_desk_is_theirs_in_this_project_and_told_when_asked(
    workspace: Workspace, project: Project, ada: int
) -> None:
    bo, none = annotators.sign_in(workspace, "Bo").id, {"favourites": None, "goal": None}

    def own(who: int, chosen: dict[str, Any]) -> Any:
        return desk.sync(workspace, project.id, who, [], chosen=chosen)["own"]

    assert "own" not in desk.sync(workspace, project.id, ada, [])
    assert own(ada, {}) == none
    assert own(ada, {"favourites": [3, 1]}) == {"favourites": [3, 1], "goal": None}
    assert own(ada, {"goal": [None, 20]}) == own(ada, {}) == {"favourites": [3, 1], "goal": [None, 20]}
    assert own(bo, {}) == none
    for wrong in ("3", ["x"], [True], [10**30], [1] * 1001):  # no answer that comes with it is held up
        assert own(ada, {"favourites": wrong, "goal": [5, None], "x": [1]}) == {"favourites": [3, 1], "goal": [5, None]}


def test_an_answer_sent_again_is_stored_once(workspace: Workspace, project: Project, ada: int) -> None:
    event = _answer(workspace, project, ada, "t1")
    for _ in range(3):
        reply = desk.sync(workspace, project.id, ada, [event])
        (acknowledged,) = reply["acknowledgements"]
        assert (acknowledged["key"], acknowledged["stored"]) == ("answer:t1", True)
    assert len(_stored(workspace, project)) == 1
    assert event["candidate_id"] not in {entry["candidate_id"] for entry in reply["queue"]}
    assert [answer["token"] for answer in reply["recent"]] == ["t1"]


def test_answer_undo_answer_in_one_exchange(workspace: Workspace, project: Project, ada: int) -> None:
    first = _answer(workspace, project, ada, "t1", place=0)
    second = _answer(workspace, project, ada, "t2", place=1)
    events = [first, {"kind": "undo", "token": "t1", "key": "undo:t1"}, second]
    reply = desk.sync(workspace, project.id, ada, events)
    assert [each["stored"] for each in reply["acknowledgements"]] == [True, True, True]
    assert [(each.token, each.class_id) for each in _stored(workspace, project)] == [("t2", second["class_id"])]
    assert reply["queue"][0]["candidate_id"] == first["candidate_id"]  # the item that was taken back comes first


def test_what_was_set_aside_has_a_queue_that_can_be_opened(workspace: Workspace, project: Project, ada: int) -> None:
    skipped = _answer(workspace, project, ada, "t1", place=2) | {"verdict": "skip", "class_id": None}
    reply = desk.sync(workspace, project.id, ada, [skipped])
    assert reply["aside"] == {"skip": 1, "unsure": 0, "none": 0, "bad": 0}
    reply = desk.sync(workspace, project.id, ada, [], desk.Wish(queue="skip"))
    assert [entry["candidate_id"] for entry in reply["queue"]] == [skipped["candidate_id"]]
    with pytest.raises(InvalidInputError, match="no queue of"):
        desk.sync(workspace, project.id, ada, [], desk.Wish(queue="class"))


def test_the_words_of_an_answer_are_stored_and_come_back(workspace: Workspace, project: Project, ada: int) -> None:
    event = _answer(workspace, project, ada, "t1") | {"verdict": "none", "class_id": None}
    reply = desk.sync(workspace, project.id, ada, [event | {"comment": "a toy", "proposed_class": "robot"}])
    assert [(each["comment"], each["proposed_class"]) for each in reply["recent"]] == [("a toy", "robot")]


@pytest.mark.parametrize("when", list(Suggestion))
def test_the_suggestion_is_shown_when_the_project_says_so(
    workspace: Workspace, project: Project, ada: int, when: Suggestion
) -> None:
    projects.change_settings(workspace, project.id, replace(project.settings, suggestion=when))
    queue = desk.sync(workspace, project.id, ada, [])["queue"]
    assert ("suggestion" in queue[0]) is (when is Suggestion.BEFORE)
    event = _answer(workspace, project, ada, "t1", place=0)
    (acknowledged,) = desk.sync(workspace, project.id, ada, [event])["acknowledgements"]
    told = acknowledged["worth"]
    assert (told is None) is (when is Suggestion.NEVER)
    if told is not None:
        assert told["agrees"] is (told["class_id"] == event["class_id"])
        assert "Among the 8 images that the strategy chose for this round, it is number 1." in told["words"]


BROKEN: list[dict[str, Any]] = [
    {"token": None},
    {"candidate_id": "1"},
    {"candidate_id": True},
    {"candidate_id": 10**6},
    {"class_id": None},
    {"class_id": 999},
    {"verdict": "maybe"},
    {"verdict": "skip", "shown": "x"},
    {"seconds": "fast"},
    {"kind": "likewise"},
    {"kind": "likewise", "answer": "good", "item_ids": "all"},
    {"kind": "likewise", "answer": "good", "item_ids": [True]},
    {"kind": "likewise", "answer": "good", "item_ids": [2**70]},
    {"kind": "likewise", "answer": "nobody's", "item_ids": [1]},
]


@pytest.mark.slow
@pytest.mark.parametrize("change", BROKEN)
def test_a_broken_event_is_refused_and_its_neighbours_are_kept(
    workspace: Workspace, project: Project, ada: int, change: dict[str, Any]
) -> None:
    broken = _answer(workspace, project, ada, "bad") | change
    good = _answer(workspace, project, ada, "good", place=1)
    refused, stored = desk.sync(workspace, project.id, ada, [broken, good])["acknowledgements"]
    assert not refused["stored"]
    assert refused["reason"]
    assert (stored["key"], stored["stored"]) == ("answer:good", True)
    assert [each.token for each in _stored(workspace, project)] == ["good"]


def test_an_event_that_fails_by_itself_is_kept_by_the_deck_and_its_neighbours_are_stored(
    workspace: Workspace, project: Project, ada: int
) -> None:
    with workspace.database.begin() as tx:
        tx.execute(
            text("CREATE TRIGGER odd BEFORE INSERT ON label WHEN NEW.token = 'odd' BEGIN SELECT RAISE(ABORT, '?'); END")
        )
    odd = _answer(workspace, project, ada, "odd")
    good = _answer(workspace, project, ada, "good", place=1)
    failed, stored = desk.sync(workspace, project.id, ada, [odd, good])["acknowledgements"]
    assert (failed["stored"], failed["again"]) == (False, True)
    assert (stored["key"], stored["stored"]) == ("answer:good", True)


@pytest.mark.parametrize("change", [{"shown": {"image": "\ud800"}}, {"comment": "\0"}, {"token": "t" * 101}])
def test_what_can_never_be_stored_is_refused_for_good(
    workspace: Workspace, project: Project, ada: int, change: dict[str, Any]
) -> None:
    odd = _answer(workspace, project, ada, "odd") | change
    (refused,) = desk.sync(workspace, project.id, ada, [odd])["acknowledgements"]
    assert not refused["stored"]
    assert refused["reason"]
    assert "again" not in refused


def test_a_database_that_does_not_answer_refuses_nothing(workspace: Workspace, project: Project, ada: int) -> None:
    event = _answer(workspace, project, ada, "t1")
    file = workspace.settings.home / "alflow.db"
    workspace.database.close()
    file.rename(file.with_suffix(".away"))
    file.mkdir()
    with pytest.raises(UnavailableError):
        desk.sync(workspace, project.id, ada, [event])


def test_a_page_that_only_delivers_reserves_nothing(workspace: Workspace, project: Project, ada: int) -> None:
    event = _answer(workspace, project, ada, "t1")
    bo = annotators.sign_in(workspace, "Bo").id
    desk.sync(workspace, project.id, ada, [event], wish=desk.Wish(ahead=0))
    assert len(_stored(workspace, project)) == 1
    assert desk.sync(workspace, project.id, bo, [], desk.Wish(ahead=0))["queue"] == []


def test_a_page_that_is_closed_delivers_and_gives_back(workspace: Workspace, project: Project, ada: int) -> None:
    event = _answer(workspace, project, ada, "t1")
    bo = annotators.sign_in(workspace, "Bo").id
    desk.sync(workspace, project.id, ada, [event], desk.Wish(ahead=0, leave=True))
    assert len(_stored(workspace, project)) == 1
    assert [entry["rank"] for entry in desk.sync(workspace, project.id, bo, [])["queue"]] == [1, 2, 3, 4, 5, 6]


def test_a_page_that_was_asking_as_it_was_closed_keeps_nothing(
    workspace: Workspace, project: Project, ada: int
) -> None:
    """The answer is stored, then the page leaves, then the first request comes to what it would show next."""
    event = _answer(workspace, project, ada, "t1")
    with ThreadPoolExecutor(2) as requests:
        with workspace.database.begin():  # writers take turns: both wait for this one
            asking = requests.submit(desk.sync, workspace, project.id, ada, [event])
            time.sleep(0.2)
            leaving = requests.submit(desk.sync, workspace, project.id, ada, [], desk.Wish(ahead=0, leave=True))
            time.sleep(0.2)
        assert leaving.result()["queue"] == []
        assert asking.result()["queue"]
    assert len(_stored(workspace, project)) == 1
    with workspace.database.read() as tx:
        assert tx.execute(select(func.count()).where(tables.lease.c.annotator_id == ada)).scalar_one() == 0


def test_a_page_that_comes_back_reserves_again(workspace: Workspace, project: Project, ada: int) -> None:
    desk.sync(workspace, project.id, ada, [], desk.Wish(ahead=0, leave=True))
    bo = annotators.sign_in(workspace, "Bo").id
    held = {entry["candidate_id"] for entry in desk.sync(workspace, project.id, ada, [])["queue"]}
    assert held
    assert not held & {entry["candidate_id"] for entry in desk.sync(workspace, project.id, bo, [])["queue"]}


def test_nobody_takes_back_the_answer_of_another(workspace: Workspace, project: Project, ada: int) -> None:
    desk.sync(workspace, project.id, ada, [_answer(workspace, project, ada, "t1")])
    eve = annotators.sign_in(workspace, "Eve").id
    reply = desk.sync(workspace, project.id, eve, [{"kind": "undo", "token": "t1", "key": "undo:t1"}])
    assert not reply["acknowledgements"][0]["stored"]
    assert len(_stored(workspace, project)) == 1


def test_what_was_on_screen_is_kept(workspace: Workspace, project: Project, ada: int) -> None:
    event = _answer(workspace, project, ada, "t1")
    desk.sync(workspace, project.id, ada, [event])
    assert _stored(workspace, project)[0].shown == event["shown"]


def test_an_unknown_project_is_named(workspace: Workspace, ada: int) -> None:
    with pytest.raises(NotFoundError, match="77"):
        desk.sync(workspace, 77, ada, [])


def _answer(workspace: Workspace, project: Project, annotator: int, token: str, place: int = 0) -> dict[str, Any]:
    entry = desk.sync(workspace, project.id, annotator, [])["queue"][place]
    return {
        "kind": "answer",
        "key": f"answer:{token}",
        "token": token,
        "candidate_id": entry["candidate_id"],
        "verdict": "class",
        "class_id": projects.project_classes(workspace, project.id)[place].id,
        "seconds": 1.5,
        "shown": {"item_id": entry["item_id"], "width": 480},
    }


def _stored(workspace: Workspace, project: Project) -> list[Any]:
    with workspace.database.read() as tx:
        return labels.of_project(tx, project.id)


@pytest.mark.parametrize("when", list(Suggestion))
def test_the_most_probable_classes_come_first_where_the_guess_is_shown(
    workspace: Workspace, project: Project, ada: int, when: Suggestion
) -> None:
    settings = replace(project.settings, suggestion=when, sort_classes=True)
    projects.change_settings(workspace, project.id, settings)
    first = desk.sync(workspace, project.id, ada, [])["queue"][0]
    assert ("likely" in first) is (when is Suggestion.BEFORE)
    if when is Suggestion.BEFORE:
        ids = [each.id for each in projects.project_classes(workspace, project.id)]
        assert first["likely"] == ids[::-1]  # the image of rank 0: 0.7 more for each class
        assert first["suggestion"]["class_id"] == first["likely"][0]
        assert first["rivals"] == first["likely"][:2]
