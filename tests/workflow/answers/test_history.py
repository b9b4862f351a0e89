"""What happened to labels: told in words, traced to the screen, taken back or changed without losing anything."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from alflow.domain.answers import Label, Verdict
from alflow.domain.projects import ClassLabel
from alflow.domain.rounds import RoundState
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.store.desk import labels
from alflow.store.rounds import candidates, rounds
from alflow.workflow.answers import history
from alflow.workflow.answers.audit import check_history
from alflow.workflow.answers.history import Happening
from alflow.workflow.desk import label, screens
from alflow.workflow.desk.grid_answers import Accept
from alflow.workflow.desk.grid_exchange import grid_exchange
from alflow.workflow.desk.screens import Screen
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.pool import rendition_bytes
from alflow.workflow.people import annotators
from alflow.workspace import Workspace
from tests.at_desk import undo
from tests.browser import world as numbered
from tests.queues import World, open_queue


def submit(workspace: Workspace, world: World, rank: int, who: int = 0, class_: int = 0, **shown: object) -> Label:
    given = Submission(
        f"{rank}-{who}-{class_}", world.candidates[rank].id, Verdict.CLASS, world.classes[class_].id, 1.5, shown
    )
    return label.submit(workspace, world.project.id, world.annotators[who].id, given)


def state(workspace: Workspace, world: World) -> RoundState:
    with workspace.database.read() as tx:
        return rounds.by_id(tx, world.round.id).state


def test_a_withdrawal_opens_the_round_again_and_is_told_with_who_and_why(each_workspace: Workspace) -> None:
    workspace = each_workspace
    world = open_queue(workspace.database, 1, n_annotators=2)
    (ada, eve), project = (one.id for one in world.annotators), world.project.id
    given = submit(workspace, world, 0)
    assert state(workspace, world) is RoundState.LABELLED
    withdrawn = history.withdraw_label(workspace, project, eve, given.id, " not  a cat ")
    assert (withdrawn.withdrawn_by, withdrawn.withdrawn_why) == (eve, "not a cat")
    assert state(workspace, world) is RoundState.OPEN
    assert history.withdraw_label(workspace, project, ada, given.id, "again") == withdrawn
    told = history.item_history(workspace, project, world.items[0].id)
    assert [(one.happening, one.annotator, one.by, one.answer, one.why) for one in told.changes] == [
        (Happening.GIVEN, "annotator 0", "annotator 0", "Cat", None),
        (Happening.WITHDRAWN, "annotator 0", "annotator 1", "Cat", "not a cat"),
    ]
    assert told.labels == (withdrawn,)
    assert told.settled_class_id is None
    assert history.recent_changes(workspace, project) == told.changes[::-1]
    assert check_history(workspace, project) == []


def test_a_change_puts_another_label_in_place_also_in_a_closed_round(each_workspace: Workspace) -> None:
    workspace = each_workspace
    world = open_queue(workspace.database, 2, n_annotators=2)
    eve, project, dog = world.annotators[1].id, world.project.id, world.classes[1].id
    given = submit(workspace, world, 0)
    with workspace.database.begin() as tx:
        rounds.set_state(tx, world.round.id, RoundState.LABELLED)
        rounds.set_state(tx, world.round.id, RoundState.CLOSED)
    made = history.change_label(workspace, project, eve, given.id, dog, "look at the ears")
    assert (made.annotator_id, made.class_id, made.candidate_id) == (eve, dog, given.candidate_id)
    assert made.shown["instead_of"] == given.id
    told = history.item_history(workspace, project, given.item_id)
    assert [one.happening for one in told.changes] == [Happening.GIVEN, Happening.WITHDRAWN, Happening.GIVEN]
    assert told.settled_class_id == dog
    assert state(workspace, world) is RoundState.CLOSED
    assert check_history(workspace, project) == []


def test_what_cannot_be_changed_is_refused_and_nothing_happens(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 2, votes=2, n_annotators=2)
    other = open_queue(workspace.database, 1, name="other")
    ada, eve = (one.id for one in world.annotators)
    cat, dog, project = world.classes[0].id, world.classes[1].id, world.project.id
    given, _ = submit(workspace, world, 0), submit(workspace, world, 0, 1)
    withdrawn = history.withdraw_label(workspace, project, ada, submit(workspace, world, 1).id, "slip")

    def withdraw(id_: int, by: int = eve, why: str = "x", of: int = project) -> Label:
        return history.withdraw_label(workspace, of, by, id_, why)

    def change(id_: int, class_id: int) -> Label:
        return history.change_label(workspace, project, eve, id_, class_id, "x")

    elsewhere = other.project.id
    for error, message, call in (
        (InvalidInputError, "say why", lambda: withdraw(given.id, why="  ")),
        (NotFoundError, "no label of this project", lambda: withdraw(given.id, of=elsewhere)),
        (NotFoundError, "no label has the id", lambda: withdraw(999)),
        (NotFoundError, "annotator", lambda: withdraw(given.id, by=999)),
        (NotFoundError, "no item of this", lambda: history.item_history(workspace, elsewhere, given.item_id)),
        (ConflictError, "names this class already", lambda: change(given.id, cat)),
        (ConflictError, "yourself", lambda: change(given.id, dog)),
        (ConflictError, "withdrawn already", lambda: change(withdrawn.id, dog)),
        (InvalidInputError, "not of this project", lambda: change(given.id, 999)),
    ):
        before = history.recent_changes(workspace, project)
        with pytest.raises(error, match=message):
            call()
        assert history.recent_changes(workspace, project) == before


def test_what_went_past_the_desk_is_told_and_what_went_past_the_triggers_is_found(each_workspace: Workspace) -> None:
    workspace = each_workspace
    world = open_queue(workspace.database, 3)
    given = [submit(workspace, world, rank) for rank in range(3)]
    project, dog = world.project.id, world.classes[1].id
    with workspace.database.begin() as tx:
        tx.execute(text("UPDATE label SET class_id = :dog WHERE id = :id"), {"dog": dog, "id": given[0].id})
    newest = history.recent_changes(workspace, project)[0]
    assert (newest.happening, newest.by, newest.altered) == (
        Happening.ALTERED,
        None,
        {"class_id": (world.classes[0].id, dog)},
    )
    assert check_history(workspace, project) == []
    with workspace.database.begin() as tx:
        sqlite = tx.dialect.name == "sqlite"
        for name in ("update", "delete") if sqlite else ("",):
            tx.execute(text(f"DROP TRIGGER label_history_{name}" if sqlite else "DROP TRIGGER label_history ON label"))
        tx.execute(text("UPDATE label SET class_id = :dog WHERE id = :id"), {"dog": dog, "id": given[1].id})
        tx.execute(text("DELETE FROM label WHERE id = :id"), {"id": given[2].id})
    assert check_history(workspace, project) == [
        f"label {given[1].id}: class_id is {dog}, its history says {world.classes[0].id}",
        f"label {given[2].id}: gone, and the history does not say how",
    ]


def test_an_answer_is_traced_to_its_screen(workspace: Workspace, tmp_path: Path) -> None:
    project, round_ = numbered.build(workspace, tmp_path, "seen", 2)
    with workspace.database.read() as tx:
        first, second = candidates.of_round(tx, round_.id)
    classes = [ClassLabel(7, project.id, "cat", "Cat", ("a cat",), 0, "c")]
    seen = screens.remember(workspace, Screen("label", "v1", classes, suggestion=True))
    assert screens.remember(workspace, Screen("label", "v1", classes, suggestion=True)) == seen
    assert screens.remember(workspace, Screen("label", "v2", classes, suggestion=True)) != seen
    ada = annotators.sign_in(workspace, "Ada").id
    shown = {"screen": seen, "image": f"/images/{project.id}/{first.item_id}/rendition", "suggestion": None}
    class_id = first.predicted_class_id
    given = label.submit(workspace, project.id, ada, Submission("t", first.id, Verdict.CLASS, class_id, 1.0, shown))
    (change,) = history.item_history(workspace, project.id, given.item_id).changes
    jpeg = rendition_bytes(workspace, project.id, first.item_id, "rendition")
    assert change.shown == {**shown, "rendition": _sha256(jpeg)}
    assert change.screen == {
        "page": "label",
        "version": "v1",
        "classes": [{"id": 7, "name": "cat", "display_name": "Cat", "prompts": ["a cat"], "hot_key": "c", "group": ""}],
        "suggestion": True,
        "probabilities": False,
    }
    page = Accept("p", second.predicted_class_id, (second.id,), (), 2.0, seen)
    assert grid_exchange(workspace, project.id, ada, page).refusal is None
    on_grid = history.recent_changes(workspace, project.id)[0]
    assert (on_grid.item_id, on_grid.screen) == (second.item_id, change.screen)
    assert on_grid.shown["rendition"] == _sha256(rendition_bytes(workspace, project.id, second.item_id, "thumbnail"))


def test_an_undo_and_a_second_answer_say_who_withdrew(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 1)
    ada = world.annotators[0].id
    first = submit(workspace, world, 0)
    second = submit(workspace, world, 0, class_=1)
    undo(workspace, world.project.id, ada, second.token)
    with workspace.database.read() as tx:
        assert [one.withdrawn_by for one in labels.of_item(tx, first.item_id, withdrawn=True)] == [ada, ada]
    assert datetime.now(UTC) > history.recent_changes(workspace, world.project.id)[0].at


def _sha256(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()
