import json
from pathlib import Path

import pytest
import torch

from alflow.demo import evaluate as evaluate_module
from alflow.demo.evaluate import Comparison, Demo, compare, evaluate, learn, table
from alflow.demo.pool import CLASS_NAMES, split_rows
from alflow.domain.images import Split
from alflow.embeddings import Activations


@pytest.fixture(scope="module")
def easy_world() -> Demo:
    """The shipped model on made-up activations that lie around one centre for each class."""
    encoder = evaluate_module.load_encoder("demo")
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(340) % len(CLASS_NAMES)
    width = encoder.layers.image_weight.shape[1]
    centres = torch.randn(len(CLASS_NAMES), width, generator=generator)
    values = centres[labels] + 0.1 * torch.randn(340, width, generator=generator)
    images = Activations(values)
    held_out = torch.arange(340) % 5 == 0
    return Demo(images, labels, held_out, evaluate_module.zero_shot_model(encoder, images))


@pytest.mark.slow
def test_labels_teach_an_easy_world(easy_world: Demo) -> None:
    curve = [hits.double().mean().item() for hits in learn(easy_world, "random", seed=0, rounds=3)]
    before = compare(easy_world, seeds=[0], rounds=1).zero_shot
    assert before < 0.2
    assert curve[0] < curve[2]
    assert curve[2] > before + 0.3


@pytest.mark.slow
def test_seen_and_held_out_make_up_the_whole(easy_world: Demo) -> None:
    result = compare(easy_world, seeds=[0], rounds=1)
    of = split_rows(easy_world.labels.tolist(), 0)
    test = torch.tensor([split is Split.TEST for split in of])
    share = easy_world.held_out[test].double().mean().item()
    assert result.zero_shot == pytest.approx(share * result.held_out[0] + (1 - share) * result.seen[0])
    assert result.default[-1] == pytest.approx(share * result.held_out[1] + (1 - share) * result.seen[1])


@pytest.mark.slow
def test_a_seed_gives_one_curve(easy_world: Demo) -> None:
    (first,), (second,) = (learn(easy_world, "default", seed=1, rounds=1) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.slow
def test_the_numbers_are_paired_by_seed(easy_world: Demo) -> None:
    result = compare(easy_world, seeds=[0, 1], rounds=1)
    hits = {name: [learn(easy_world, name, seed, 1)[0] for seed in (0, 1)] for name in ("random", "default")}
    curves = {name: [of_seed.double().mean().item() for of_seed in found] for name, found in hits.items()}
    differences = [d - r for d, r in zip(curves["default"], curves["random"], strict=True)]
    assert result.default == [pytest.approx(sum(curves["default"]) / 2)]
    assert result.paired_difference == pytest.approx(sum(differences) / 2)
    assert result.standard_error == pytest.approx(abs(differences[0] - differences[1]) / 2)


def test_the_table_shows_every_round() -> None:
    result = Comparison(0.07, 0.3, [0.31, 0.32], [0.33, 0.36], [0.32, 0.39], [0.22, 0.29], 0.03, 0.01)
    lines = table(result).splitlines()
    assert lines[0] == "majority class 0.070, zero-shot 0.300"
    assert lines[3].split() == ["40", "0.320", "0.360"]
    assert lines[-2] == "emoji held out of training: zero-shot 0.220, default after the last round 0.290"
    assert "+0.0300" in lines[-1]


@pytest.mark.slow
def test_the_file_holds_what_the_table_shows(easy_world: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_module, "load_demo", lambda: easy_world)
    monkeypatch.setattr(evaluate_module, "SEEDS", (0, 1))
    monkeypatch.setattr(evaluate_module, "ROUNDS", 1)
    said: list[str] = []
    result = evaluate(tmp_path / "numbers.json", said.append)
    written = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert set(written) == {
        "majority", "zero_shot", "random", "default", "seen", "held_out", "paired_difference", "standard_error"
    }  # fmt: skip
    assert Comparison(**written) == result
    assert said == [table(result)]
