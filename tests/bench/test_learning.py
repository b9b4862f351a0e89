"""The tables of `make calibration`, on a small pack."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.bench import learning, sets, strategies
from tests.bench.learning_tables import after_labels, loss_left, unfamiliar
from tests.packs import image_pack, small_pack


def test_softmax_beside_the_prediction_is_that_of_the_fit(tmp_path: Path) -> None:
    world = small_pack(tmp_path, images=60).world()
    model = world.learner().fitted(world.images, world.labels, torch.Generator().manual_seed(0)).model
    sure = replace(model, learnt=replace(model.learnt, deviation=0.0))
    found = learning.fitted_logits(world.images, model).softmax(dim=1)
    torch.testing.assert_close(found, sure.probabilities(world.images), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found, learning.cosine_logits(world.images, model).softmax(dim=1), atol=0.01)


@pytest.mark.slow
def test_every_number_of_labels_is_measured_once_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = small_pack(tmp_path, images=60)
    others = small_pack(tmp_path / "others").world().images
    monkeypatch.setattr(learning, "HOME", tmp_path / "kept")
    monkeypatch.setattr(sets, "world", lambda _: pack.world())
    monkeypatch.setattr(learning, "_images", lambda _: others)
    found = learning.points("fashion", 0)
    assert [point["labels"] for point in found] == [0, 10, 20, 32]
    assert all(point["nlpd"] > 0 and point["epistemic"] > 0 for point in found)
    assert {"softmax_nlpd", "softmax_ece"} <= found[2].keys()
    monkeypatch.setattr(sets, "world", None)  # nothing is measured again
    known = {"fashion": [learning.points("fashion", 0)] * 2}
    assert [row[:2] for row in list(after_labels(known))[2:]] == [["fashion", "20"]]
    (left,) = list(loss_left(known))[2:]
    assert left[1] == "32"
    assert left[-1].endswith(" of 2")
    assert [row[1] for row in list(unfamiliar(known))[2:]] == ["0", "10", "20"]


def test_a_set_that_is_not_at_hand_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(strategies, "HOME", tmp_path / "home")
    monkeypatch.setenv("ALFLOW_PACKS", str(tmp_path))
    image_pack(tmp_path / "clip").pack.rename(tmp_path / "clip" / "dtd_images.safetensors")
    tiny = ["--seeds", "1", "--rounds", "1", "--processes", "1", "--strategy", "random", "--strategy", "bald"]
    assert strategies.main([*tiny, "--set", "dtd_images", "--set", "flowers_images"]) == 0
    told = capsys.readouterr()
    assert "dtd_images: 1 seeds from 0, 1 rounds of 4 labels" in told.out
    assert "bald" not in told.out
    assert "flowers_images is left out: there is no" in told.err
    assert strategies.main([*tiny, "--set", "pets24"]) == 1
