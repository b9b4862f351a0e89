"""Search against its written-out form, its filters, and sending what was found to the queue."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from alflow.acquisition.likeness import LENGTH
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin, RoundState
from alflow.embeddings import among
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.store.answers import outcomes
from alflow.store.images import items
from alflow.store.rounds import candidates, evaluations
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.images import embed
from alflow.workflow.images.embed import load_embeddings
from alflow.workflow.images.embedded import names
from alflow.workflow.model import find
from alflow.workflow.model.find import Filter, find_like, find_text
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects import projects
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.chosen import send_to_queue
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests.colours import answer

pytestmark = pytest.mark.slow

EVERYWHERE = Filter()


@pytest.fixture
def ids(workspace: Workspace, project: Project) -> list[int]:
    with workspace.database.read() as tx:
        return items.ids(tx, project.id)


@pytest.fixture
def by(workspace: Workspace) -> int:
    return sign_in(workspace, "eve").id


@pytest.mark.parametrize("residuals", [False, True])
def test_words_rank_by_cosine(workspace: Workspace, project: Project, ids: list[int], residuals: bool) -> None:
    encoder = workspace.encoder(project)
    if residuals:  # as SigLIP's image tower has them
        (name,) = names(workspace, project, encoder.hash)
        tensors, _ = workspace.artifacts.read_tensors(name)
        more = torch.randn(len(ids), 12, generator=torch.Generator().manual_seed(0))
        workspace.artifacts.write_tensors(name, {**tensors, "residuals": more})
    rows = load_embeddings(workspace, project, ids)
    text = encoder.texts(["a red picture"]).embed(encoder.layers.text_weight)[0]
    images = rows.activations.embed(encoder.layers.image_weight)
    cosine = {item: float(image @ text / (image.norm() * text.norm())) for item, image in zip(ids, images, strict=True)}
    search = find_text(workspace, project, "  a red  picture ", EVERYWHERE, 10)
    assert [one.item.id for one in search.found] == sorted(ids, key=lambda item: -cosine[item])[:10]
    assert [one.score for one in search.found] == pytest.approx([cosine[one.item.id] for one in search.found], abs=1e-5)
    assert search.searched == len(ids) == 36
    assert find_text(workspace, project, "a red picture", EVERYWHERE, 10) == search  # from what the first one kept
    with pytest.raises(InvalidInputError, match="a few words"):
        find_text(workspace, project, " ", EVERYWHERE)


def test_likeness_ranks_by_the_kernel_that_batches_use_and_needs_no_tower(
    workspace: Workspace, project: Project, ids: list[int]
) -> None:
    rows = load_embeddings(workspace, project, ids).activations.values
    away = normalize(rows - rows.mean(dim=0), dim=1)
    squares = (away - away[0]).square().sum(dim=1)
    alike = dict(zip(ids, (1 / (1 + squares / (2 * LENGTH**2))).tolist(), strict=True))
    fresh = Workspace.open(workspace.settings)
    search = find_like(fresh, project, ids[0], Filter(split=Split.POOL), 500)
    pool = [one.item.id for one in search.found]
    assert pool == sorted(set(pool), key=lambda item: -alike[item])
    assert len(pool) == 11
    assert ids[0] not in pool
    assert [one.score for one in search.found] == pytest.approx([alike[item] for item in pool], abs=1e-5)
    assert {one.predicted_class_id for one in search.found} == {None}  # nobody has embedded the class names yet
    open_round(workspace, project.id)
    again = find_like(fresh, project, ids[0], Filter(split=Split.POOL), 500)
    assert all(one.predicted_class_id is not None for one in again.found)
    assert not fresh.holds_encoder(project)
    fresh.database.close()


def test_shards_are_searched_as_one(workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [(one.item.id, round(one.score, 5)) for one in find_text(workspace, project, "blue", EVERYWHERE, 7).found]
    with workspace.database.read() as tx:
        again = projects.create_project(workspace, "small shards", project.model, "fp32", [])
        pool = items.list_(tx, project.id)
    with workspace.database.begin() as tx:
        items.add(tx, again.id, [items.NewItem(one.content_hash, one.uri, one.split, 1, 1) for one in pool])
    monkeypatch.setattr(embed, "SHARD_ITEMS", 8)
    monkeypatch.setattr(workspace.settings, "batch_size", 8)
    embed.embed_missing(workspace, again)
    found = find_text(workspace, again, "blue", EVERYWHERE, 7).found
    assert [(one.item.content_hash, round(one.score, 5)) for one in found] == [
        (next(each.content_hash for each in pool if each.id == item), score) for item, score in whole
    ]
    assert {one.predicted_class_id for one in found} == {None}
    with pytest.raises(InvalidInputError, match="nothing can be predicted yet"):
        find_text(workspace, again, "blue", Filter(predicted_class_id=1))


@pytest.mark.parametrize("wanted", [[], [3], [2, 5, 7], list(range(9))])
def test_what_is_wanted_is_found_in_every_shard(wanted: list[int]) -> None:
    for ids in ([], [7, 2, 4], [0, 8, 99]):
        here, there = (torch.tensor(each, dtype=torch.int64) for each in (ids, wanted))
        assert torch.equal(among(here, there), torch.isin(here, there))


def test_filters(workspace: Workspace, project: Project) -> None:
    round_ = open_round(workspace, project.id)
    assert sum(one.asked for one in find_text(workspace, project, "red", EVERYWHERE).found) == 4
    answer(workspace, project)
    close_round(workspace, project.id, round_.id)
    with workspace.database.read() as tx:
        settled = outcomes.settled(tx, project.id)
    red, blue = (each.id for each in projects.project_classes(workspace, project.id))

    def found(where: Filter) -> dict[int, find.Found]:
        return {one.item.id: one for one in find_text(workspace, project, "red", where, 100).found}

    everything = found(EVERYWHERE)
    assert {item: one.class_id for item, one in everything.items() if one.class_id} == settled
    assert found(Filter(labelled=True)).keys() == settled.keys()
    assert found(Filter(labelled=False)).keys() == everything.keys() - settled.keys()
    assert len(found(Filter(split=Split.TEST))) == 12
    for class_id in (red, blue):
        assert found(Filter(class_id=class_id)).keys() == {item for item, each in settled.items() if each == class_id}
        predicted = {item for item, one in everything.items() if one.predicted_class_id == class_id}
        for _ in range(2):  # the second time from what is kept
            assert found(Filter(predicted_class_id=class_id)).keys() == predicted
    assert all(math.isclose(one.score, everything[item].score) for item, one in found(Filter(labelled=True)).items())
    assert not any(one.asked for one in everything.values())


def test_what_cannot_be_searched_is_named(workspace: Workspace, project: Project, ids: list[int]) -> None:
    other = projects.create_project(workspace, "other", project.model, "fp32", [])
    with pytest.raises(NotFoundError, match="no item of this project"):
        find_like(workspace, other, ids[0], EVERYWHERE)
    with pytest.raises(InvalidInputError, match="1 to 500"):
        find_text(workspace, project, "red", EVERYWHERE, 501)
    with workspace.database.begin() as tx:
        (bare,) = items.add(tx, project.id, [items.NewItem("f" * 64, "gone.png", Split.POOL, 1, 1)])
    with pytest.raises(NotFoundError, match="not embedded"):
        find_like(workspace, project, bare.id, EVERYWHERE)
    assert find_text(workspace, other, "red", EVERYWHERE).found == ()


def test_a_selection_joins_the_queue_marked_as_a_persons(workspace: Workspace, project: Project, by: int) -> None:
    round_ = open_round(workspace, project.id)
    unlabelled = find_text(workspace, project, "red", Filter(split=Split.POOL), 100).found
    fresh = [one.item.id for one in unlabelled if not one.asked][:2]
    asked = next(one.item.id for one in unlabelled if one.asked)
    test = find_text(workspace, project, "red", Filter(split=Split.TEST), 1).found[0].item.id
    report = send_to_queue(workspace, project.id, by, [*fresh, asked, test, fresh[0]], " rare  case ")
    assert (report.round_number, report.queued) == (1, tuple(fresh))
    assert report.refused.keys() == {asked, test}
    assert "in round 1 already" in report.refused[asked]
    assert "only images of the pool" in report.refused[test]
    with workspace.database.read() as tx:
        queue = candidates.of_round(tx, round_.id)
    assert [(one.rank, one.origin, one.chosen_by, one.reason, one.score) for one in queue[4:]] == [
        (rank, Origin.PERSON, by, "rare case", None)
        for rank in (8, 9)  # behind the reserve, too
    ]
    by_item = {one.item.id: one for one in unlabelled}
    for one in queue[4:]:
        assert one.predicted_class_id == by_item[one.item_id].predicted_class_id
        assert one.probabilities[one.predicted_class_id] == pytest.approx(by_item[one.item_id].probability)
        entropy = torch.special.entr(torch.tensor(list(one.probabilities.values()))).sum()
        assert one.epistemic + one.aleatoric == pytest.approx(float(entropy), abs=1e-5)
    answer(workspace, project)
    closed = close_round(workspace, project.id, round_.id)
    assert closed.state is RoundState.CLOSED
    with workspace.database.read() as tx:
        control = [one for one in evaluations.of_project(tx, project.id) if one.split == "control"]
    assert [one.n_items for one in control] == [1]  # the slice that was drawn, and nothing that was chosen


def test_without_an_open_round_nothing_is_sent(workspace: Workspace, project: Project, ids: list[int], by: int) -> None:
    with pytest.raises(ConflictError, match="no round is open"):
        send_to_queue(workspace, project.id, by, ids[:1], "why")
    with pytest.raises(InvalidInputError, match="select"):
        send_to_queue(workspace, project.id, by, [], "why")
    open_round(workspace, project.id)
    with pytest.raises(InvalidInputError, match="say why"):
        send_to_queue(workspace, project.id, by, ids[:1], " ")
    answer(workspace, project)
    assert not next_candidates(workspace, project.id, by, extra=False)
    with pytest.raises(ConflictError, match="is labelled"):
        send_to_queue(workspace, project.id, by, ids[:1], "why")
