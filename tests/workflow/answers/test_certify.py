"""Certificates in a real project: what is accepted, why not, who wins, what the audit is, and that no fit uses it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from alflow.domain.answers import Verdict
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin
from alflow.errors import ConflictError, InvalidInputError
from alflow.guarantees import Evidence, examine
from alflow.store.answers import certificates
from alflow.store.images import items
from alflow.store.rounds import candidates
from alflow.workflow.answers import certify
from alflow.workflow.answers.asking import read_asking
from alflow.workflow.answers.certifying import LEFT, SLICE, TAKEN, WAITING, certifying
from alflow.workflow.model.model import load_rows, model_of
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.moment import look
from alflow.workspace import Workspace
from tests import certified

pytestmark = pytest.mark.slow

BOUND, DELTA = 0.1, 0.1


@pytest.fixture
def grown(workspace: Workspace, tmp_path: Path) -> Project:
    """400 images of two colours; half of a round of 60 is random."""
    project = certified.grown_project(workspace, tmp_path, 400)
    return certified.with_settings(workspace, project, budget=60, control_fraction=0.5)


def truths(workspace: Workspace, project: Project) -> dict[int, int]:
    with workspace.database.read() as tx:
        return dict(items.truths(tx, project.id))


def test_what_is_accepted_is_what_the_slice_vouches_for(workspace: Workspace, grown: Project) -> None:
    certified.one_round(workspace, grown)
    found = certify.propose(workspace, grown.id, BOUND, DELTA)
    assert found.refusal is None
    said, known = found.said, truths(workspace, grown)
    slice_, left, taken = (said.group == each for each in (SLICE, LEFT, TAKEN))
    assert (slice_.sum(), taken.sum()) == (30, 30)
    wrong = np.array([said.class_ids[c] != known[i] for i, c in zip(said.item_ids, said.predicted, strict=True)])
    assert (said.wrong == (wrong & (slice_ | taken))).all()
    evidence = Evidence(
        said.confidence[slice_], wrong[slice_], said.confidence[left], said.confidence[taken], wrong[taken]
    )
    tested = examine(evidence, BOUND, DELTA)
    assert tested.best is not None
    accepted = left & (said.confidence >= tested.thresholds[tested.best])
    assert set(found.item_ids) == set(said.item_ids[accepted])
    assert (np.diff(found.probabilities) >= 0).all()  # the least sure first
    assert found.parts[0].accepted == len(found.item_ids)
    assert wrong[accepted].mean() <= BOUND


def test_no_label_of_the_slice_is_fitted(workspace: Workspace, grown: Project) -> None:
    certified.one_round(workspace, grown)
    before = certifying(workspace, grown.id)
    with workspace.database.read() as tx:
        asking = read_asking(tx, grown.id)
    drawn = {one.item_id for one in asking.asked if one.origin is Origin.CONTROL}
    support = asking.support(before.class_ids)
    assert len(support) == 30
    assert not drawn & support.keys()
    turned = replace(asking, settled={**asking.settled, **dict.fromkeys(drawn, before.class_ids[0])})
    assert turned.support(before.class_ids) == support


def test_images_of_the_fit_are_judged_by_fits_without_them(workspace: Workspace, grown: Project) -> None:
    certified.one_round(workspace, grown)
    said = certifying(workspace, grown.id)
    with workspace.database.read() as tx:
        asking = read_asking(tx, grown.id)
    support = asking.support(said.class_ids)
    zero_shot = model_of(workspace, asking.project, asking.classes)
    (rows,) = load_rows(workspace, asking.project, zero_shot, list(support))
    from alflow.bayes.fit import refit

    labels = zero_shot.columns(list(support.values()))
    whole = refit(zero_shot.model, rows.activations, labels, torch.Generator().manual_seed(0))
    inside = whole.probabilities(rows.activations).amax(dim=1).double().mean()
    assert said.confidence[said.group == TAKEN].mean() < float(inside)


def test_a_slice_that_is_too_small_is_refused_with_the_number_that_is_missing(
    workspace: Workspace, grown: Project
) -> None:
    open_round(workspace, grown.id)
    nothing = certify.propose(workspace, grown.id, BOUND, DELTA)
    assert nothing.refusal is not None
    assert nothing.refusal.startswith("there is no random label yet, too little to accept any image")
    assert nothing.needed is not None
    assert 18 <= (nothing.needed.least or 0) <= 22  # .9^22 < .1, and less where the pool is small
    with pytest.raises(ConflictError, match="further random labels would do if they were all right"):
        certify.accept(workspace, grown.id, sign_in(workspace, "eve").id, BOUND, DELTA)


def test_a_slice_counts_once_all_of_it_is_answered(workspace: Workspace, grown: Project) -> None:
    opened = open_round(workspace, grown.id)
    said = certifying(workspace, grown.id)
    assert (said.count(SLICE), said.count(WAITING), said.count(TAKEN)) == (0, 30, 30)
    assert said.round_number == 0
    certified.one_round(workspace, grown, close=False)
    assert certifying(workspace, grown.id).count(SLICE) == 30
    assert opened.number == 1


def test_an_image_without_a_class_counts_as_wrong(workspace: Workspace, grown: Project) -> None:
    certified.one_round(workspace, grown)
    before = certify.propose(workspace, grown.id, BOUND, DELTA)
    with workspace.database.begin() as tx:
        drawn = [one for one in candidates.asked(tx, grown.id) if one.origin is Origin.CONTROL]
        from sqlalchemy import update

        from alflow.store import tables

        ids = [one.item_id for one in drawn[:10]]
        none = {"verdict": Verdict.NONE, "class_id": None}
        tx.execute(update(tables.label).where(tables.label.c.item_id.in_(ids)).values(none))
    after = certify.propose(workspace, grown.id, BOUND, DELTA)
    assert before.refusal is None
    assert after.said.without_class == 10
    assert after.refusal is not None
    assert "10 of 30 random labels say that the model is wrong" in after.refusal


def test_a_pool_that_has_drifted_is_refused(workspace: Workspace, grown: Project) -> None:
    certified.one_round(workspace, grown)
    assert certify.propose(workspace, grown.id, BOUND, DELTA).refusal is None
    certified.grow(workspace, grown, 600, shift=3.0, seed=7)
    found = certify.propose(workspace, grown.id, BOUND, DELTA)
    assert found.drift.found
    assert found.refusal is not None
    assert "no longer like the random slice" in found.refusal
    assert not len(found.item_ids)


@pytest.mark.parametrize("strategy", ["margin", "typiclust"])
def test_a_pool_out_of_which_a_strategy_has_taken_much_has_not_drifted(
    workspace: Workspace, grown: Project, strategy: str
) -> None:
    certified.one_round(
        workspace, certified.with_settings(workspace, grown, strategy=strategy, budget=160, control_fraction=0.03)
    )
    certified.one_round(workspace, certified.with_settings(workspace, grown, budget=120, control_fraction=1.0))
    found = certify.propose(workspace, grown.id, BOUND, DELTA)
    assert not found.drift.found
    assert found.said.count(SLICE) == 125


def test_each_class_has_its_threshold_where_the_slice_allows(workspace: Workspace, grown: Project) -> None:
    certified.one_round(workspace, certified.with_settings(workspace, grown, budget=140))
    found = certify.propose(workspace, grown.id, 0.12, 0.2, per_class=True)
    assert found.refusal is None
    assert {part.class_id for part in found.parts} <= set(found.said.class_ids)
    assert sum(part.accepted for part in found.parts) == len(found.item_ids)
    assert all(part.p_value <= part.level <= 0.2 for part in found.parts)


def test_accepted_labels_stand_until_a_person_answers_and_are_withdrawn_in_one_step(
    workspace: Workspace, grown: Project
) -> None:
    eve = sign_in(workspace, "eve").id
    certified.one_round(workspace, grown)
    made = certify.accept(workspace, grown.id, eve, BOUND, DELTA)
    with workspace.database.read() as tx:
        standing = certificates.accepted(tx, grown.id)
        assert certificates.standing(tx, grown.id) == made
    assert len(standing) == made.n_accepted > 100
    second = certified.one_round(workspace, grown)
    with workspace.database.read() as tx:
        after = certificates.accepted(tx, grown.id)
        audited = {one.item_id for one in candidates.of_round(tx, second.id) if one.item_id in standing}
        origins = {one.origin for one in candidates.of_round(tx, second.id) if one.item_id in standing}
    assert audited  # by the control slice, and by nothing else
    assert origins == {Origin.CONTROL}
    assert after.keys() == standing.keys() - audited
    audit = certify.audit_of(workspace, grown.id, made)
    assert (audit.seen, audit.due) == (len(audited), 0)
    assert audit.wrong <= audit.seen
    newer = certify.accept(workspace, grown.id, eve, BOUND, DELTA)
    history = certify.all_certificates(workspace, grown.id)
    assert [one.id for one in history] == [newer.id, made.id]
    assert history[1].withdrawn_why == "a newer certificate takes its place"
    with pytest.raises(ConflictError, match=f"certificate {newer.id} has taken the place of certificate {made.id}"):
        certify.withdraw(workspace, grown.id, eve, "the audit was poor", made.id)
    certify.withdraw(workspace, grown.id, eve, "the audit was poor", newer.id)
    with workspace.database.read() as tx:
        assert certificates.accepted(tx, grown.id) == {}
    with pytest.raises(ConflictError, match="nothing to withdraw"):
        certify.withdraw(workspace, grown.id, eve, "again")


def test_fits_use_what_was_accepted_only_where_the_project_says_so(workspace: Workspace, grown: Project) -> None:
    certified.one_round(workspace, grown)
    made = certify.accept(workspace, grown.id, sign_in(workspace, "eve").id, BOUND, DELTA)
    before = certifying(workspace, grown.id)

    def support() -> int:
        with workspace.database.read() as tx:
            return len(look(tx, grown.id).support(before.class_ids))

    assert support() == 60
    certified.with_settings(workspace, grown, fit_accepted=True)
    assert support() == 60 + made.n_accepted
    assert certifying(workspace, grown.id).hash == before.hash  # certificates never rest on it


@pytest.mark.parametrize(("bound", "delta"), [(0.0, 0.05), (1.0, 0.05), (0.02, 0.0), (float("nan"), 0.05), (0.02, 2.0)])
def test_a_bound_is_a_share(workspace: Workspace, project: Project, bound: float, delta: float) -> None:
    with pytest.raises(InvalidInputError, match="between 0 and 1"):
        certify.propose(workspace, project.id, bound, delta)
