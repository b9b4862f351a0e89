"""Figures of the Model page against loops over the images they are about."""

from collections import Counter

import pytest
import torch

from alflow.bootstrap import Interval
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.ids import ClassId, ItemId
from alflow.store.images import items
from alflow.workflow.insight import figures
from alflow.workflow.insight.evaluated import Evaluated, evaluated
from alflow.workflow.model.kept import outlook
from alflow.workspace import Workspace


def made_up(n: int = 400, n_classes: int = 1_000, seed: int = 0) -> Evaluated:
    """Of many classes, in two ways."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(n_classes, (n,), generator=generator)
    predicted = torch.stack([
        torch.where(torch.rand(n, generator=generator) < 0.5, labels, (labels + 7) % 31) for _ in "ab"
    ])
    confidence = torch.rand(2, n, dtype=torch.float64, generator=generator).clamp_min(0.1)
    class_ids = tuple(ClassId(10 + column) for column in range(n_classes))
    about = {"raw": {"accuracy": Interval(0.5, 0.4, 0.6)}, "shown": {"accuracy": Interval(0.5, 0.4, 0.6)}}
    item_ids = torch.arange(100, 100 + n)
    return Evaluated(
        3, "test", class_ids, ("raw", "shown"), None, about, item_ids, labels, predicted, confidence, confidence / 2
    )


def test_the_matrix_of_many_classes_shows_the_most_confused_and_says_how_many_there_are() -> None:
    one = made_up()
    found = figures.confusions(one)
    pairs = Counter(zip(one.labels.tolist(), one.predicted[1].tolist(), strict=True))
    assert (len(found.class_ids), found.n_classes) == (figures.SHOWN_CLASSES, 1_000)
    for truth, row, elsewhere in zip(found.class_ids, found.counts, found.elsewhere, strict=True):
        assert list(row) == [pairs[truth - 10, other - 10] for other in found.class_ids]
        assert sum(row) + elsewhere == int((one.labels == truth - 10).sum())
    wrong = {pair: n for pair, n in pairs.items() if pair[0] != pair[1]}
    assert found.n_mistakes == len(wrong)
    assert found.mistakes[0].items == max(wrong.values())
    assert [wrong[each.truth, each.predicted] for each in found.mistakes] == [each.items for each in found.mistakes]


@pytest.mark.slow
def test_a_small_matrix_is_whole(workspace: Workspace, after_two: Project) -> None:
    one = evaluated(workspace, after_two.id)
    assert one is not None
    found = figures.confusions(one)
    assert found.class_ids == one.class_ids
    assert sum(map(sum, found.counts)) == len(one)
    assert found.elsewhere == (0, 0)
    right = sum(found.counts[each][each] for each in range(2))
    assert right / len(one) == pytest.approx(one.metrics["shown"]["accuracy"].value)


def test_the_images_of_a_cell_are_those_that_it_counts() -> None:
    one = made_up()
    for each in figures.confusions(one).mistakes[:5]:
        truth, predicted = (one.class_ids[column] for column in (each.truth, each.predicted))
        images, n = figures.images_of(one, truth, predicted, only_wrong=False, limit=1_000)
        assert n == len(images) == each.items
        assert {(image.class_id, image.predicted_class_id) for image in images} == {(truth, predicted)}
        assert [image.confidence for image in images] == sorted((i.confidence for i in images), reverse=True)
    wrong, n = figures.images_of(one, None, None, only_wrong=True, limit=9)
    assert (len(wrong), n) == (9, int((one.predicted[1] != one.labels).sum()))
    assert all(image.class_id != image.predicted_class_id for image in wrong)
    every, n = figures.images_of(one, None, None, only_wrong=False, limit=9)
    assert n == len(one)
    first = int(one.confidence[1].argmax())
    assert every[0].item_id == ItemId(100 + first)
    assert every[0].density == pytest.approx(every[0].confidence / 2)


def test_each_way_has_its_bins_and_its_risk() -> None:
    one = made_up()
    for curves in (figures.reliability_of(one), figures.risk_of(one)):
        assert set(curves) == {"raw", "shown"}
    risks = figures.risk_of(one)["shown"]
    assert risks[-1].risk == pytest.approx(float((one.predicted[1] != one.labels).double().mean()))
    best = figures.covered_at(risks, 0.5)
    assert best is not None
    assert best.risk <= 0.5
    assert figures.covered_at(risks, -1) is None
    assert len(figures.classes_of(one)) == 1_000


@pytest.mark.slow
@pytest.mark.parametrize("split", [None, Split.POOL, Split.TEST])
def test_histograms_count_every_image_of_both_rounds(
    workspace: Workspace, after_two: Project, split: Split | None
) -> None:
    found = figures.histograms(workspace, after_two.id, 2, 0, split)
    with workspace.database.read() as tx:
        wanted = items.ids(tx, after_two.id, split)
    assert set(found) == set(figures.PARTS)
    for name, both in found.items():
        assert both[0].edges == both[1].edges
        for number, one in zip((2, 0), both, strict=True):
            kept = outlook(workspace, after_two.id, number)
            values = getattr(kept, name)[kept.rows(wanted)[0]]
            assert sum(one.counts) == len(wanted)
            assert one.mean == pytest.approx(float(values.double().mean()))
    assert found["total"][0].mean == pytest.approx(found["aleatoric"][0].mean + found["epistemic"][0].mean, abs=1e-6)
