"""Why images are asked about, and what their labels were worth, from the opening of a round to its close."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from alflow.acquisition import worth
from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.reasons import Aim, Reasons
from alflow.domain.rounds import Origin, Round, RoundState
from alflow.ids import ItemId
from alflow.store.answers import outcomes
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import candidates, reasons
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.likewise import Follow
from alflow.workflow.desk.messages import Answer, Likewise
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.class_changes import add_classes
from alflow.workflow.projects.projects import change_settings, name_classes
from alflow.workflow.rounds import plan, question
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.moment import look
from alflow.workflow.rounds.reasons import COPIES
from alflow.workspace import Workspace
from tests.at_desk import visit

pytestmark = pytest.mark.slow


def known(workspace: Workspace, round_: Round) -> dict[ItemId, Reasons]:
    with workspace.database.read() as tx:
        return reasons.of_round(tx, round_.id)


def answer(workspace: Workspace, project: Project, verdict: Verdict = Verdict.CLASS) -> None:
    annotator = sign_in(workspace, "tester")
    for entry in next_candidates(workspace, project.id, annotator.id, 100, extra=False):
        one, label = entry.candidate.id, entry.item.truth if verdict is Verdict.CLASS else None
        submit(workspace, project.id, annotator.id, Submission(f"{one}", one, verdict, label, 1.0))


def without(workspace: Workspace, project: Project, split: Split) -> None:
    with workspace.database.begin() as tx:
        tx.exec_driver_sql(f"DELETE FROM item WHERE project_id = {project.id} AND split = '{split.value}'")


def test_every_candidate_has_reasons(workspace: Workspace, project: Project) -> None:
    round_ = open_round(workspace, project.id)
    found = known(workspace, round_)
    with workspace.database.read() as tx:
        queue = {one.item_id: one for one in candidates.of_round(tx, round_.id)}
        pool, target = (set(items.ids(tx, project.id, split)) for split in (Split.POOL, Split.TARGET))
    assert found.keys() == queue.keys()
    for item_id, why in found.items():
        one = queue[item_id]
        assert why.aim is Aim.TARGET
        assert set(why.gains) == set(one.probabilities)
        assert why.expected == pytest.approx(
            sum(one.probabilities[c] * gain for c, gain in why.gains.items()), rel=1e-3
        )
        assert why.expected > 0
        assert {each.item_id for each in why.informs} <= target
        nats = [each.value for each in why.informs]
        assert nats == sorted(nats, reverse=True)
        assert {each.item_id for each in why.copies} <= pool - {item_id}
        assert len(why.copies) == min(why.n_copies, COPIES)
        assert why.lead >= 0 < why.lead_deviation
        assert why.realised is None
        places = {each.strategy: each for each in why.places}
        by_all = {"entropy", "epig", "bald", "margin"}  # of which margin chose
        assert set(places) == (by_all if one.origin is Origin.STRATEGY else by_all - {"margin"})
        assert all(1 <= each.place <= each.of and each.exact is (each.strategy != "bald") for each in why.places)


def test_without_targets_the_gain_is_about_the_pool(workspace: Workspace, project: Project) -> None:
    without(workspace, project, Split.TARGET)
    for item_id, why in known(workspace, open_round(workspace, project.id)).items():
        assert why.aim is Aim.POOL
        assert why.expected > 0
        assert item_id not in {each.item_id for each in why.informs}


def test_a_label_is_worth_the_gain_of_the_answer_that_was_given(workspace: Workspace, project: Project) -> None:
    round_ = open_round(workspace, project.id)
    before = known(workspace, round_)
    answer(workspace, project)
    close_round(workspace, project.id, round_.id)
    with workspace.database.read() as tx:
        truth = items.truths(tx, project.id, Split.POOL)
        listed = reasons.realised(tx, project.id)
    after = known(workspace, round_)
    assert {item: why.realised for item, why in after.items()} == {
        item: why.gains[truth[item]] for item, why in before.items()
    }
    assert {item: replace(why, realised=None) for item, why in after.items()} == before
    assert [(gain.round_number, gain.expected, gain.realised) for gain in listed] == [
        (1, why.expected, why.realised) for why in after.values()
    ]


def test_what_is_skipped_was_worth_nothing_that_is_known(workspace: Workspace, project: Project) -> None:
    round_ = open_round(workspace, project.id)
    answer(workspace, project, Verdict.SKIP)
    close_round(workspace, project.id, round_.id)
    assert {why.realised for why in known(workspace, round_).values()} == {None}


@pytest.mark.parametrize("number", [1, 2])
def test_an_answer_that_was_not_rated_is_rated_at_the_close(
    workspace: Workspace, project: Project, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with many classes, of which each image has some rated: by the model before the round, zero-shot or fitted."""
    if number == 2:
        first = open_round(workspace, project.id)
        answer(workspace, project)
        close_round(workspace, project.id, first.id)
    whole = known(workspace, opened := open_round(workspace, project.id))
    with workspace.database.begin() as tx:
        tx.exec_driver_sql(f"DELETE FROM round WHERE id = {opened.id}")
        truth = items.truths(tx, project.id, Split.POOL)
    for where in (worth, plan):
        monkeypatch.setattr(where, "ANSWERS", 1)
    round_ = open_round(workspace, project.id)
    rated = known(workspace, round_)
    assert {len(why.gains) for why in rated.values()} == {1}
    other = {item: next(one for one in set(truth.values()) if one not in why.gains) for item, why in rated.items()}
    annotator = sign_in(workspace, "tester")
    for entry in next_candidates(workspace, project.id, annotator.id, 100, extra=False):
        one = entry.candidate.id
        given = Submission(f"{one}", one, Verdict.CLASS, other[entry.item.id], 1.0)
        submit(workspace, project.id, annotator.id, given)
    close_round(workspace, project.id, round_.id)
    for item_id, why in known(workspace, round_).items():
        assert why.realised == pytest.approx(whole[item_id].gains[other[item_id]], rel=1e-3)


def test_a_class_that_came_after_the_round_opened_has_no_gain(workspace: Workspace, project: Project) -> None:
    round_ = open_round(workspace, project.id)
    add_classes(workspace, project.id, name_classes(["violet"]))
    with workspace.database.read() as tx:
        violet = next(one.id for one in projects.classes(tx, project.id) if one.display_name == "violet")
    annotator = sign_in(workspace, "tester")
    for number, entry in enumerate(next_candidates(workspace, project.id, annotator.id, 100, extra=False)):
        one, label = entry.candidate.id, entry.item.truth if number else violet
        submit(workspace, project.id, annotator.id, Submission(f"{one}", one, Verdict.CLASS, label, 1.0))
    assert close_round(workspace, project.id, round_.id).state is RoundState.CLOSED
    values = [why.realised for why in known(workspace, round_).values()]
    assert values.count(None) == 1
    assert len(values) == 4


def test_a_pool_of_one_image_opens_and_says_why(workspace: Workspace, project: Project) -> None:
    without(workspace, project, Split.TARGET)
    with workspace.database.begin() as tx:
        kept = items.ids(tx, project.id, Split.POOL)[0]
        tx.exec_driver_sql(f"DELETE FROM item WHERE split = 'pool' AND id != {kept}")
    (why,) = known(workspace, open_round(workspace, project.id)).values()
    assert (why.informs, why.copies, why.n_copies) == ((), (), 0)
    assert why.expected > 0


@pytest.mark.parametrize("budget", [1, 50])
@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_any_budget_and_slice_is_explained(
    workspace: Workspace, project: Project, budget: int, fraction: float
) -> None:
    change_settings(workspace, project.id, replace(project.settings, budget=budget, control_fraction=fraction))
    round_ = open_round(workspace, project.id)
    assert len(known(workspace, round_)) == min(budget, 12)


@pytest.mark.parametrize("split", [Split.TARGET, Split.TEST])
def test_of_a_pool_in_blocks_the_reasons_are_the_same(
    workspace: Workspace, project: Project, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With targets and without."""
    without(workspace, project, split)
    whole = known(workspace, opened := open_round(workspace, project.id))
    with workspace.database.begin() as tx:
        tx.exec_driver_sql(f"DELETE FROM round WHERE id = {opened.id}")
    monkeypatch.setattr(question, "IN_MEMORY", 0)
    blocks = known(workspace, open_round(workspace, project.id))
    assert blocks.keys() == whole.keys()
    for item_id, why in blocks.items():
        other = whole[item_id]
        assert why.expected == pytest.approx(other.expected, rel=1e-3)
        assert why.gains == pytest.approx(other.gains, rel=1e-3)
        assert [each.item_id for each in why.informs] == [each.item_id for each in other.informs]
        assert [each.item_id for each in why.copies] == [each.item_id for each in other.copies]
        assert why.places == other.places


def test_the_near_copies_of_a_round_are_labelled_likewise_and_no_fit_learns_from_them(
    workspace: Workspace, project: Project, tmp_path: Path
) -> None:
    with workspace.database.read() as tx:
        pool = items.list_(tx, project.id, Split.POOL)
    for item in pool:  # the same pixels in other bytes
        folder = tmp_path / "copies" / Path(item.uri).parent.name
        folder.mkdir(parents=True, exist_ok=True)
        Image.open(item.uri).save(folder / f"{item.id}.bmp")
    import_items(workspace, project, str(tmp_path / "copies"), Split.POOL)
    change_settings(workspace, project.id, replace(project.settings, reserve=0))  # else it holds them all
    embed_missing(workspace, project)
    round_, person = open_round(workspace, project.id), sign_in(workspace, "tester")
    copies = {item_id: [near.item_id for near in why.copies] for item_id, why in known(workspace, round_).items()}
    for entry in next_candidates(workspace, project.id, person.id, 100, extra=False):
        given = Submission(f"{entry.candidate.id}", entry.candidate.id, Verdict.CLASS, entry.item.truth, 1.0)
        (fate,) = visit(workspace, project.id, person.id, Answer(None, given)).acknowledgements
        if fate.offer:
            break
    else:
        pytest.fail("no image of this round has a near copy that nobody asks about")
    offered = list(fate.offer.item_ids)
    assert set(offered) <= set(copies[entry.item.id]) - copies.keys()
    visit(workspace, project.id, person.id, Likewise(None, Follow("all", given.token, tuple(offered), 1.0)))
    answer(workspace, project)
    close_round(workspace, project.id, round_.id)
    with workspace.database.read() as tx:
        assert set(look(tx, project.id).settled) == copies.keys()
        assert set(outcomes.settled(tx, project.id)) == {*copies, *offered}
        assert not set(items.unasked(tx, project.id)) & set(offered)
