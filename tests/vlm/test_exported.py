"""Every kind of tower as a checkpoint of open_clip and as ONNX, against the model itself."""

import copy
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.factory import get_model_config
from torch import Tensor

from alflow.embeddings import Activations
from alflow.vlm import models
from alflow.vlm.encoder import load_encoder
from alflow.vlm.exported import write_onnx, write_open_clip
from alflow.vlm.models import LoadedModel
from alflow.vlm.towers import cut_image_tower
from tests.vlm.test_encoder import CONFIGURATIONS, PROMPTS, _architectures, opened, pictures, random_model

pytestmark = pytest.mark.slow

__all__ = ["_architectures"]
FACTOR = 2.0**-12
NO_PLACE = {"tiny-vit-attentional", "tiny-timm-mlp", "tiny-sigmoid", "tiny-coca"}
"""Other layers of these are as wide as the embedding, or the last linear layer is inside a block."""


def loaded(name: str) -> LoadedModel:
    model = copy.deepcopy(random_model(name))
    return models.assemble(model, get_model_config(name), open_clip.get_tokenizer(name))


@pytest.mark.parametrize("name", CONFIGURATIONS)
@torch.no_grad()
def test_a_checkpoint_embeds_as_the_model_and_carries_the_map_where_it_can(name: str, tmp_path: Path) -> None:
    model, encoder = random_model(name), opened(random_model(name), name)
    weight = torch.randn(3, encoder.layers.image_weight.shape[1], generator=torch.Generator().manual_seed(0))
    carries = write_open_clip(tmp_path, loaded(name), weight, FACTOR)
    assert carries == (name not in NO_PLACE)
    written, _, prepare = open_clip.create_model_and_transforms(f"local-dir:{tmp_path}")
    pixels = torch.stack([prepare(picture) for picture in pictures()])
    assert torch.equal(pixels, torch.stack([encoder.prepare(picture) for picture in pictures()]))
    found, depth = written.eval().encode_image(pixels), encoder.layers.image_weight.shape[0]
    torch.testing.assert_close(found[:, :depth], model.encode_image(pixels), atol=1e-5, rtol=1e-5)
    if carries:
        expected = encoder.pixels(pixels).values @ weight.T
        torch.testing.assert_close(found[:, depth:] / FACTOR, expected, atol=1e-5, rtol=1e-5)
    assert found.shape[1] == depth + (3 if carries else 0)
    tokens = open_clip.get_tokenizer(f"local-dir:{tmp_path}")(PROMPTS)
    texts = written.encode_text(tokens)
    torch.testing.assert_close(texts[:, :depth], model.encode_text(encoder.tokenize(PROMPTS)), atol=1e-5, rtol=1e-5)
    assert not texts[:, depth:].any()
    again = load_encoder(f"local-dir:{tmp_path}")  # alflow's own door takes it, and finds the same activations
    torch.testing.assert_close(again.pixels(pixels).values, encoder.pixels(pixels).values, atol=1e-5, rtol=1e-5)


ONNX = ["tiny-vit", "tiny-vit-attentional", "tiny-resnet", "tiny-timm-linear-bias", "tiny-sigmoid"]


@pytest.mark.parametrize("name", ONNX)
@torch.no_grad()
def test_an_onnx_file_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="the packages of the extra `onnx` are not installed")
    encoder = opened(random_model(name), name)

    def head(rows: Activations) -> Tensor:
        return torch.softmax(rows.embed(encoder.layers.image_weight), dim=1)

    model = loaded(name)
    write_onnx(tmp_path / "model.onnx", cut_image_tower(model.model), head, encoder.example)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    pixels = torch.stack([encoder.prepare(picture) for picture in pictures()])
    for batch in (pixels, pixels[:1]):
        (found,) = session.run(["probabilities"], {"pixels": batch.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), head(encoder.pixels(batch)), atol=1e-4, rtol=0)
