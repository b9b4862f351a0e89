"""Planted errors come first, are sent once, and are gone once a reviewer has settled them; no label is lost."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from alflow.demo.history import HISTORY
from alflow.domain.images import Split
from alflow.errors import NotFoundError
from alflow.store.answers import outcomes
from alflow.store.images import items
from alflow.workflow.answers import adjudicate, history
from alflow.workflow.answers.refer import referred, referred_items
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.insight import doubts as module
from alflow.workflow.insight.confusions import confusions
from alflow.workflow.insight.doubts import doubts, refer_doubts
from alflow.workflow.insight.prepare import prepare
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import find_project, project_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workspace import Workspace
from tests.colours import answer, colour_project
from tests.workflow.insight.labelled import labelled_project

pytestmark = pytest.mark.slow


def test_planted_errors_are_first_sent_once_and_gone_when_settled(each_workspace: Workspace, tmp_path: Path) -> None:
    workspace = each_workspace
    project, wrong = labelled_project(workspace, tmp_path)
    found = doubts(workspace, project.id)
    assert (found.n_labels, found.n_decided, found.n_missing, len(found)) == (12, 0, 0, 12)
    first = found.top(2)
    assert sorted(one.item_id for one in first) == sorted(wrong)
    assert all(one.odds < 0 and one.p_held > one.p_given for one in first)
    assert found.odds.tolist() == sorted(found.odds.tolist())
    assert found.n_against >= 2
    reviewer = sign_in(workspace, "Rita").id
    with workspace.database.read() as tx:
        before = outcomes.settled(tx, project.id)
    sent = refer_doubts(workspace, project.id, reviewer, 2)
    assert list(sent.sent) == [one.item_id for one in first]
    assert refer_doubts(workspace, project.id, reviewer, 2).sent == ()
    assert [one.referred for one in doubts(workspace, project.id).top(3)] == [True, True, False]
    with workspace.database.read() as tx:
        assert outcomes.settled(tx, project.id) == before
    names = {one.id: one.display_name for one in project_classes(workspace, project.id)}
    told = referred(workspace, project.id)[first[0].item_id].comment
    assert told.startswith(f"labelled {names[first[0].given]}, but without this label the model holds")
    for one in first:
        given = adjudicate.dispute(workspace, project.id, one.item_id)
        adjudicate.settle(workspace, project.id, reviewer, given, one.held)
    after = doubts(workspace, project.id)
    assert not set(after.item_ids.tolist()) & set(wrong)
    assert (len(after), after.n_labels, after.n_decided, after.n_missing) == (10, 12, 2, 0)
    assert referred_items(workspace, project.id) == []
    assert after.n_against < found.n_against


def test_labels_that_change_later_are_judged_anew_and_withdrawn_ones_leave(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, wrong = labelled_project(workspace, tmp_path)
    assert prepare(workspace, project.id) == ()
    monkeypatch.setattr(module, "QUICK", 0)  # as if there were a hundred thousand
    kept = doubts(workspace, project.id, make=False)
    assert (len(kept), kept.n_missing) == (12, 0)
    label = adjudicate.dispute(workspace, project.id, wrong[0]).votes[0]
    history.withdraw_label(workspace, project.id, label.annotator_id, label.id, "a slip")
    other = adjudicate.dispute(workspace, project.id, wrong[1]).votes[0]
    right = next(one.held for one in kept.top(2) if one.item_id == wrong[1])
    history.change_label(workspace, project.id, label.annotator_id, other.id, right, "a slip")
    stale = doubts(workspace, project.id, make=False)
    assert (len(stale), stale.n_labels, stale.n_missing, stale.is_newest) == (10, 11, 1, False)
    assert not set(stale.item_ids.tolist()) & set(wrong)
    anew = doubts(workspace, project.id)
    assert (len(anew), anew.n_missing, anew.is_newest) == (11, 0, True)
    assert doubts(workspace, project.id, make=False).n_missing == 0  # the newest that is kept


def test_a_page_of_few_labels_judges_them_and_writes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    project, _ = labelled_project(workspace, tmp_path)
    shown = doubts(workspace, project.id, make=False)
    assert (len(shown), shown.is_newest) == (12, True)
    assert workspace.artifacts.list(f"projects/{project.id}/doubts") == []
    assert torch.equal(shown.odds, doubts(workspace, project.id).odds)


def test_it_is_judged_once(workspace: Workspace, tmp_path: Path) -> None:
    project, _ = labelled_project(workspace, tmp_path)
    first, again = doubts(workspace, project.id), doubts(Workspace.open(workspace.settings), project.id)
    assert torch.equal(first.odds, again.odds)
    assert len(workspace.artifacts.list(f"projects/{project.id}/doubts")) == 1


def test_without_labels_there_is_nothing_to_doubt(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    assert len(doubts(workspace, project.id)) == 0
    embed_missing(workspace, project)
    open_round(workspace, project.id)
    found = doubts(workspace, project.id)
    assert (len(found), found.n_labels, found.n_misplaced, found.n_against) == (0, 0, 0, 0)
    assert found.top(5) == []
    assert refer_doubts(workspace, project.id, sign_in(workspace, "Rita").id, 5).sent == ()
    answer(workspace, project)
    assert len(doubts(workspace, project.id)) == 4  # while the round is open
    (workspace.settings.home / "artifacts" / f"projects/{project.id}/encoder.json").unlink()
    with pytest.raises(NotFoundError, match="no embedded image yet"):
        doubts(workspace, project.id)


def test_classes_that_people_and_the_model_confuse_are_counted_with_images(
    workspace: Workspace, tmp_path: Path
) -> None:
    project, wrong = labelled_project(workspace, tmp_path)
    pair = tuple(sorted(one.id for one in project_classes(workspace, project.id)))
    found = doubts(workspace, project.id)
    (one,) = confusions(workspace, project.id, found)
    assert (one.pair, one.people, one.model) == (pair, 0, found.n_against)
    reviewer = sign_in(workspace, "Rita").id
    worst = found.top(1)[0]
    seen = adjudicate.dispute(workspace, project.id, worst.item_id)
    adjudicate.settle(workspace, project.id, reviewer, seen, worst.held)
    (two,) = confusions(workspace, project.id, doubts(workspace, project.id))
    assert (two.people, two.item_ids[0]) == (1, worst.item_id)
    assert set(wrong) <= set(two.item_ids)


def test_the_errors_of_the_demo_are_found(demo_workspace: Workspace) -> None:
    """Its simulated people err now and then; what stands of that is near the top of the doubtful labels."""
    project = find_project(demo_workspace, HISTORY)
    found = doubts(demo_workspace, project.id)
    with demo_workspace.database.read() as tx:
        truths = items.truths(tx, project.id, Split.POOL)
    wrong = [truths[item] != given for item, given in zip(found.item_ids.tolist(), found.given.tolist(), strict=True)]
    n_wrong = sum(wrong)
    assert 2 <= n_wrong <= 12
    places = torch.tensor(wrong).nonzero()[:, 0].double()
    assert places.mean() < 0.3 * len(wrong)  # chance: half way down the list
    assert n_wrong <= found.n_misplaced <= len(wrong)


def test_what_waits_or_not_can_be_told_apart(workspace: Workspace, tmp_path: Path) -> None:
    project, _ = labelled_project(workspace, tmp_path)
    refer_doubts(workspace, project.id, sign_in(workspace, "Rita").id, 1)
    found = doubts(workspace, project.id)
    assert found.waiting().tolist() == [True] + 11 * [False]
    rest = found.where(~found.waiting())
    assert rest.top(11) == found.top(11, start=1)
    assert replace(rest, referred=frozenset()).waiting().sum() == 0
