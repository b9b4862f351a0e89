"""Compiled towers against the model's own encode_image, and what happens where nothing can be compiled."""

import copy
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch._inductor import config as inductor
from torch.nn.functional import cosine_similarity

from alflow.vlm import compiled, encoder, models
from alflow.vlm.compiled import FEWEST_IMAGES, bfloat16_is_fast, compile_tower
from alflow.vlm.encoder import OpenClipEncoder, load_encoder, open_up
from tests import tiny

CPU, BATCH = torch.device("cpu"), 4
MANY = 10**9


@pytest.fixture
def reference(tmp_path: Path) -> str:
    return tiny.write_model(tmp_path / "model")


def pictures(n: int) -> list[Image.Image]:
    generator = np.random.default_rng(0)
    return [Image.fromarray(generator.integers(0, 256, (40, 50, 3), np.uint8)) for _ in range(n)]


def opened(loaded: models.LoadedModel) -> OpenClipEncoder:
    return open_up(loaded, "bf16", CPU, BATCH, torch.bfloat16)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_compiled_rows_are_those_of_the_model(reference: str, caplog: pytest.LogCaptureFixture) -> None:
    """Six pictures: a whole batch of four, and one that is filled up."""
    loaded = models.load_model(reference)
    whole = copy.deepcopy(loaded.model)
    fast = opened(loaded).for_many(MANY)
    assert not [record for record in caplog.records if record.name == compiled.__name__]
    batch = torch.stack([loaded.prepare(picture) for picture in pictures(6)])
    with torch.no_grad():
        expected = whole.encode_image(batch, normalize=False)
    found = fast.pixels(batch)
    assert found.values.shape == (6, 32)
    assert found.values.dtype == torch.float32
    assert float(1 - cosine_similarity(found.embed(fast.layers.image_weight), expected).min()) < 2e-3


@pytest.mark.slow
def test_few_images_are_not_worth_compiling(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = opened(models.load_model(reference))
    assert plain.for_many(FEWEST_IMAGES - 1) is plain
    assert plain.for_many(FEWEST_IMAGES) is plain  # a tiny model embeds them in a second
    monkeypatch.setattr(encoder, "PAYS_FROM_SECONDS", 0.0)
    with inductor.patch("cpp.cxx", ("/nowhere/g++",)):
        tried = plain.for_many(FEWEST_IMAGES)
    assert tried is not plain
    assert plain.for_many(1) is tried  # once compiled, or found impossible, that stays so
    assert tried.for_many(MANY) is tried


@pytest.mark.slow
def test_without_a_compiler_a_warning_says_so_and_the_tower_stays(
    reference: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "nothing compiled before"))
    torch.compiler.reset()  # nor by an earlier test
    no_compiler = {"cpp.cxx": ("/nowhere/g++",), "force_disable_caches": True}
    plain = opened(models.load_model(reference))
    batch = plain.example.to(plain.dtype).repeat(BATCH, 1, 1, 1)
    with inductor.patch(no_compiler), caplog.at_level(logging.WARNING):
        tower = compile_tower(plain.image_tower, batch)
    assert tower is plain.image_tower
    (record,) = (record for record in caplog.records if record.name == compiled.__name__)
    assert "runs uncompiled, which is slower, since it cannot be compiled here" in record.message


def test_float32_is_never_compiled(reference: str) -> None:
    full = load_encoder(reference, "fp32")
    assert full.for_many(MANY) is full
    assert full.dtype == torch.float32
    slow = open_up(models.load_model(reference), "bf16", CPU, BATCH, torch.float32)
    assert slow.for_many(MANY) is slow


def test_bfloat16_is_computed_in_where_it_is_fast(reference: str) -> None:
    assert load_encoder(reference, "bf16").dtype == (torch.bfloat16 if bfloat16_is_fast() else torch.float32)
