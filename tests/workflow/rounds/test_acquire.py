import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch

from alflow.acquisition.strategies import STRATEGIES
from alflow.domain.images import Split
from alflow.domain.projects import Project, ProjectSettings
from alflow.domain.rounds import Origin, RoundState
from alflow.errors import ConflictError, InvalidInputError
from alflow.store.images import items
from alflow.workflow.images.embed import embed_missing, load_embeddings
from alflow.workflow.model.posterior import load_posterior
from alflow.workflow.projects.projects import change_settings, create_project, name_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.plan import NOVEL, round_seed
from alflow.workflow.rounds.review import overview, round_candidates
from alflow.workspace import Workspace
from tests.certified import grow
from tests.colours import colour_project

pytestmark = pytest.mark.slow


def picks(workspace: Workspace, project: Project) -> list[tuple[int, Origin]]:
    round_ = open_round(workspace, project.id)
    return [(row.candidate.item_id, row.candidate.origin) for row in round_candidates(workspace, round_.id)]


def test_a_round_asks_for_its_budget_and_says_why(workspace: Workspace, project: Project) -> None:
    round_ = open_round(workspace, project.id)
    queue = [row.candidate for row in round_candidates(workspace, round_.id)]
    assert (round_.number, round_.state, len(queue)) == (1, RoundState.OPEN, 4)
    assert [candidate.rank for candidate in queue] == [0, 1, 2, 3]
    assert [candidate.origin for candidate in queue].count(Origin.CONTROL) == 1
    for candidate in queue:
        assert sum(candidate.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert candidate.predicted_class_id == max(candidate.probabilities, key=candidate.probabilities.__getitem__)
        entropy = torch.special.entr(torch.tensor(list(candidate.probabilities.values()))).sum()
        assert candidate.epistemic + candidate.aleatoric == pytest.approx(float(entropy), abs=1e-5)
        assert (candidate.score is None) == (candidate.origin is Origin.CONTROL)
    deviations = round_.configuration["class_deviations"]
    assert set(deviations) == {str(each) for each in round_.configuration["class_ids"]}
    assert all(deviation > 0 for deviation in deviations.values())


def test_a_round_knows_how_unlike_pretraining_its_images_are(workspace: Workspace, project: Project) -> None:
    """As k(x, x) over its mean over the pairs behind the factors; of the pool, the share above `NOVEL`."""
    assert overview(workspace, project.id).novel_share is None
    round_ = open_round(workspace, project.id)
    posterior = load_posterior(workspace, project).image
    with workspace.database.read() as tx:
        pool = load_embeddings(workspace, project, items.ids(tx, project.id, Split.POOL))
    k = posterior.row_variance(pool.activations.values.double()) / posterior.mean_row_variance
    expected = dict(zip(pool.item_ids.tolist(), k.tolist(), strict=True))
    novelty = round_.configuration["novelty"]
    queue = [row.candidate for row in round_candidates(workspace, round_.id)]
    assert novelty == pytest.approx({str(one.item_id): expected[one.item_id] for one in queue}, rel=1e-3)
    share = sum(each > NOVEL for each in expected.values()) / len(expected)
    assert overview(workspace, project.id).novel_share == round_.configuration["novel_share"] == pytest.approx(share)


def test_every_part_of_a_round_is_named(workspace: Workspace, project: Project) -> None:
    round_ = open_round(workspace, project.id)
    assert set(round_.hashes) == {"encoder", "prompts", "posterior", "scores"}
    scores = workspace.artifacts.read_tensors(f"projects/{project.id}/scores/{round_.hashes['scores']}.safetensors")[0]
    of_item = dict(zip(scores["item_ids"].tolist(), scores["scores"].tolist(), strict=True))
    assert len(of_item) == 12
    queue = [row.candidate for row in round_candidates(workspace, round_.id)]
    best = next(candidate for candidate in queue if candidate.origin is Origin.STRATEGY)
    assert best.score == pytest.approx(of_item[best.item_id])
    assert best.score == pytest.approx(max(score for score in of_item.values() if not math.isnan(score)))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_round_can_be_replayed(workspace: Workspace, project: Project, strategy: str) -> None:
    change_settings(workspace, project.id, replace(project.settings, strategy=strategy))
    first = picks(workspace, project)
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("DELETE FROM round")
    assert picks(workspace, project) == first


def test_every_round_of_every_seed_draws_its_own() -> None:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    projects = [Project(1, "p", "demo", "fp32", None, ProjectSettings(seed=seed), made) for seed in (0, 1)]
    assert len({round_seed(project, number) for project in projects for number in (1, 2)}) == 4


def test_opening_twice_opens_one_round(workspace: Workspace, project: Project) -> None:
    with ThreadPoolExecutor(4) as pool:
        rounds = list(pool.map(lambda _: open_round(workspace, project.id), range(4)))
    assert {round_.id for round_ in rounds} == {rounds[0].id}
    assert len(round_candidates(workspace, rounds[0].id)) == 4


def test_a_pool_smaller_than_the_budget_is_taken_whole(workspace: Workspace, project: Project) -> None:
    change_settings(workspace, project.id, replace(project.settings, budget=50))
    round_ = open_round(workspace, project.id)
    assert len(round_candidates(workspace, round_.id)) == 12


def test_nothing_embedded_is_said(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    with pytest.raises(ConflictError, match=r"no embedded pool item.*alflow embed"):
        open_round(workspace, project.id)


def test_a_pool_that_lost_a_shard_is_not_asked_as_if_it_were_whole(workspace: Workspace, project: Project) -> None:
    grow(workspace, project, 6)
    (lost,) = workspace.settings.home.glob(f"artifacts/projects/*/embeddings/*/{0:064x}.safetensors")
    lost.unlink()
    with pytest.raises(ConflictError, match=r"6 of 18 images to ask about have no embedding: run `alflow embed` first"):
        open_round(workspace, project.id)
    assert embed_missing(workspace, project).complaint().startswith("6 of 6 images could not be embedded")
    assert open_round(workspace, project.id).number == 1  # which is told, and tried again


def test_one_class_is_no_choice(workspace: Workspace, project: Project) -> None:
    lonely = create_project(workspace, "lonely", project.model, "fp32", name_classes(["red"]))
    with pytest.raises(ConflictError, match="two"):
        open_round(workspace, lonely.id)


def test_an_unknown_strategy_is_named(workspace: Workspace, project: Project) -> None:
    with pytest.raises(InvalidInputError, match="bogus"):
        change_settings(workspace, project.id, replace(project.settings, strategy="bogus"))


def test_classes_that_the_model_cannot_tell_apart_are_named(workspace: Workspace, project: Project) -> None:
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("UPDATE class_label SET prompts = (SELECT prompts FROM class_label WHERE position = 0)")
    with pytest.raises(InvalidInputError, match=r"classes '.+' and '.+' have the same text activations"):
        open_round(workspace, project.id)
