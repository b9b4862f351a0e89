"""Every kind of tower against the model's own encode_image and encode_text, on small random models."""

import copy
import importlib.util
import json
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import open_clip
import pytest
import torch
from open_clip.factory import get_model_config
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from alflow.errors import InvalidInputError, UnavailableError
from alflow.vlm import models
from alflow.vlm.encoder import OpenClipEncoder, class_activations, load_encoder, open_up

CPU = torch.device("cpu")
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
VIT = {"image_size": 32, "patch_size": 16, "width": 32, "head_width": 16, "layers": 1}
SIGLIP_TEXT = TEXT | {"no_causal_mask": True, "proj_bias": True, "pool_type": "last"}


def timm(name: str, pool: str, proj: str | None, size: int = 32, *, bias: bool = False) -> dict[str, Any]:
    return {
        "timm_model_name": name,
        "timm_pool": pool,
        "timm_proj": proj,
        "timm_proj_bias": bias,
        "image_size": size,
    }


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "tiny-vit": {"vision_cfg": VIT, "text_cfg": TEXT},
    "tiny-vit-avg": {"vision_cfg": VIT | {"pool_type": "avg", "final_ln_after_pool": True}, "text_cfg": TEXT},
    "tiny-vit-attentional": {
        "vision_cfg": VIT | {"attentional_pool": True, "attn_pooler_queries": 4, "attn_pooler_heads": 2},
        "text_cfg": TEXT,
    },
    "tiny-resnet": {"vision_cfg": {"image_size": 32, "width": 8, "layers": [1, 1, 1, 1]}, "text_cfg": TEXT},
    "tiny-text-bias": {"vision_cfg": VIT, "text_cfg": TEXT | {"proj_bias": True}},
    "tiny-custom-text": {"vision_cfg": VIT, "text_cfg": TEXT | {"embed_cls": True}, "custom_text": True},
    "tiny-timm-linear": {"vision_cfg": timm("test_vit", "token", "linear"), "text_cfg": TEXT},
    "tiny-timm-linear-bias": {"vision_cfg": timm("test_vit", "token", "linear", bias=True), "text_cfg": TEXT},
    "tiny-timm-mlp": {"vision_cfg": timm("test_convnext", "", "mlp"), "text_cfg": TEXT},
    "tiny-timm-classifier": {"vision_cfg": timm("test_vit", "avg", None), "text_cfg": TEXT},
    "tiny-timm-map-head": {"vision_cfg": timm("test_vit3", "map", None, 160), "text_cfg": TEXT},
    "tiny-sigmoid": {
        "embed_dim": 96,
        "vision_cfg": timm("test_vit3", "map", "none", 160),
        "text_cfg": SIGLIP_TEXT,
        "custom_text": True,
        "init_logit_bias": -10,
        "init_logit_scale": 2.3,
    },
    "tiny-coca": {
        "vision_cfg": VIT
        | {"attentional_pool": True, "attn_pooler_queries": 4, "attn_pooler_heads": 2, "output_tokens": True},
        "text_cfg": TEXT | {"embed_cls": True, "output_tokens": True},
        "multimodal_cfg": {"width": 32, "heads": 2, "layers": 1, "context_length": 16, "vocab_size": 49408},
        "custom_text": True,
    },
}
NO_LAST_LAYER: dict[str, dict[str, Any]] = {
    "bare-image": {"embed_dim": 64, "vision_cfg": timm("test_vit", "token", "none"), "text_cfg": TEXT},
    "bare-text": {
        "embed_dim": 32,
        "vision_cfg": VIT,
        "text_cfg": TEXT | {"proj_type": "none"},
    },
}


@pytest.fixture(scope="module", autouse=True)
def _architectures(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("configurations")
    for name, configuration in (CONFIGURATIONS | NO_LAST_LAYER).items():
        (folder / f"{name}.json").write_text(json.dumps({"embed_dim": 24} | configuration))
    open_clip.add_model_config(folder)


@cache
def random_model(name: str) -> Any:
    torch.manual_seed(0)  # open_clip initialises from the global generator
    model = open_clip.create_model(name)
    for called, parameter in model.named_parameters():
        if parameter.ndim == 1:  # zeros and ones at initialisation would hide a forgotten bias or norm
            nn.init.normal_(parameter, mean=0.5, std=0.2)
        elif called == "text_decoder.text_projection":  # CoCa leaves it as it was in memory
            nn.init.normal_(parameter, std=0.02)
    return model.eval()


def opened(
    model: Any, name: str, precision: str = "fp32", batch_size: int = 3, dtype: torch.dtype | None = None
) -> OpenClipEncoder:
    loaded = models.assemble(copy.deepcopy(model), get_model_config(name), open_clip.get_tokenizer(name))
    return open_up(loaded, precision, CPU, batch_size, dtype)


def pictures(n: int = 5) -> list[Image.Image]:
    generator = np.random.default_rng(0)
    return [Image.fromarray(generator.integers(0, 256, (70, 90, 3), np.uint8)) for _ in range(n)]


PROMPTS = ["a photo of a cat", "a dog", "an extremely long sentence about nothing in particular at all, is it not so?"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_last_layer_of_activations_is_what_the_model_encodes(name: str) -> None:
    model = random_model(name)
    encoder = opened(model, name)
    images, texts = encoder.images(pictures()), encoder.texts(PROMPTS)
    with torch.no_grad():
        batch = torch.stack([encoder.prepare(picture) for picture in pictures()])
        expected_images = model.encode_image(batch, normalize=False)
        expected_texts = model.encode_text(encoder.tokenize(PROMPTS), normalize=False)
    torch.testing.assert_close(images.embed(encoder.layers.image_weight), expected_images, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(texts.embed(encoder.layers.text_weight), expected_texts, atol=1e-5, rtol=1e-5)
    assert images.values.shape == (5, encoder.layers.image_weight.shape[1])
    assert images.values.dtype == texts.values.dtype == torch.float32
    assert not images.values.requires_grad
    assert not images.values.is_inference()


@pytest.mark.parametrize("name", ["tiny-vit", "tiny-sigmoid"])
def test_logits_are_those_of_the_model(name: str) -> None:
    model = random_model(name)
    encoder, layers = opened(model, name), opened(model, name).layers
    with torch.no_grad():
        batch = torch.stack([encoder.prepare(picture) for picture in pictures()])
        expected, _ = model.get_logits(batch, encoder.tokenize(PROMPTS))
    g = nn.functional.normalize(encoder.images(pictures()).embed(layers.image_weight), dim=1)
    h = nn.functional.normalize(encoder.texts(PROMPTS).embed(layers.text_weight), dim=1)
    torch.testing.assert_close(layers.scale * g @ h.T + layers.bias, expected, atol=1e-4, rtol=1e-5)
    assert layers.likelihood == ("sigmoid" if name == "tiny-sigmoid" else "softmax")


def test_siglip_has_a_residual_and_biases_and_clip_has_neither() -> None:
    siglip = opened(random_model("tiny-sigmoid"), "tiny-sigmoid")
    images, texts = siglip.images(pictures()), siglip.texts(PROMPTS)
    assert images.residuals is not None
    assert images.residuals.shape == (5, 96)
    assert torch.equal(images.values[:, -1], torch.ones(5))
    assert torch.equal(texts.values[:, -1], torch.ones(3))
    assert texts.residuals is None
    clip = opened(random_model("tiny-vit"), "tiny-vit")
    assert clip.images(pictures()).residuals is None
    assert clip.layers.image_weight.shape == (24, 32)


@pytest.mark.parametrize(("projection", "width"), [("linear", 24), ("mlp", 24), (None, 32)])
def test_hugging_face_text_towers(projection: str | None, width: int, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is an extra of open_clip")
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    transformers.RobertaConfig(vocab_size=49408, max_position_embeddings=80, **sizes).save_pretrained(tmp_path)
    text = {"hf_model_name": str(tmp_path), "hf_proj_type": projection, "hf_pooler_type": "mean_pooler"}
    name = f"hugging-face-{projection}"
    (tmp_path / "open_clip").mkdir()
    configuration = {"embed_dim": width, "vision_cfg": VIT, "text_cfg": text}
    (tmp_path / "open_clip" / f"{name}.json").write_text(json.dumps(configuration))
    open_clip.add_model_config(tmp_path / "open_clip")
    model = open_clip.create_model(name, pretrained_text=False).eval()
    if projection is None:
        with pytest.raises(InvalidInputError, match=r"the text tower \(HFTextEncoder\) has no last linear layer"):
            opened(model, name)
        return
    encoder = opened(model, name)
    with torch.no_grad():
        expected = model.encode_text(encoder.tokenize(PROMPTS))
    found = encoder.texts(PROMPTS).embed(encoder.layers.text_weight)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NO_LAST_LAYER)
def test_a_tower_without_a_last_linear_layer_is_named(name: str) -> None:
    side, tower = ("image", "TimmModel around VisionTransformer") if name == "bare-image" else ("text", "CLIP")
    with pytest.raises(InvalidInputError, match=rf"the {side} tower \({tower}\) has no last linear layer"):
        opened(random_model(name), name)


def test_a_linear_layer_that_is_not_the_last_is_noticed() -> None:
    model = copy.deepcopy(random_model("tiny-timm-linear"))
    model.visual.head.append(nn.Tanh())
    with pytest.raises(InvalidInputError, match="encode_image does not end in the last linear layer"):
        opened(model, "tiny-timm-linear")


@pytest.mark.parametrize("name", ["tiny-vit", "tiny-resnet", "tiny-sigmoid", "tiny-timm-mlp", "tiny-coca"])
def test_bfloat16_stays_close_and_is_another_encoder(name: str) -> None:
    model = random_model(name)
    full, half = opened(model, name), opened(model, name, "bf16")
    for exact, rounded, weight in (
        (full.images(pictures()), half.images(pictures()), full.layers.image_weight),
        (full.texts(PROMPTS), half.texts(PROMPTS), full.layers.text_weight),
    ):
        assert rounded.values.dtype == torch.float32
        cosine = nn.functional.cosine_similarity(exact.embed(weight), rounded.embed(weight))
        assert cosine.min() > 0.999
    assert torch.equal(full.layers.image_weight, half.layers.image_weight)
    assert full.hash != half.hash


def test_where_bfloat16_is_slow_its_encoder_computes_in_float32_under_the_same_name() -> None:
    model = random_model("tiny-vit")
    full, half = opened(model, "tiny-vit"), opened(model, "tiny-vit", "bf16")
    single = opened(model, "tiny-vit", "bf16", dtype=torch.float32)
    assert single.hash == half.hash != full.hash
    assert torch.equal(single.images(pictures()).values, full.images(pictures()).values)
    torch.testing.assert_close(half.images(pictures()).values, single.images(pictures()).values, atol=0.1, rtol=0.05)


def test_batches_do_not_change_rows() -> None:
    model = random_model("tiny-vit")
    one, many = opened(model, "tiny-vit", batch_size=1), opened(model, "tiny-vit", batch_size=64)
    torch.testing.assert_close(one.images(pictures()).values, many.images(pictures()).values, atol=1e-5, rtol=1e-5)
    assert one.hash == many.hash


def test_hash_names_weights_architecture_and_preprocessing() -> None:
    model = random_model("tiny-vit")
    first = opened(model, "tiny-vit")
    assert opened(model, "tiny-vit").hash == first.hash
    assert len(first.hash) == 64
    changed = copy.deepcopy(model)
    with torch.no_grad():
        changed.token_embedding.weight[17, 3] += 1e-3
    resized = copy.deepcopy(model)
    resized.visual.preprocess_cfg = resized.visual.preprocess_cfg | {"interpolation": "bilinear"}
    others = [opened(changed, "tiny-vit"), opened(resized, "tiny-vit"), opened(model, "tiny-vit-avg")]
    assert len({first.hash, *(other.hash for other in others)}) == 4


def test_class_rows_embed_as_the_prompt_ensemble() -> None:
    encoder = opened(random_model("tiny-text-bias"), "tiny-text-bias")
    weight = encoder.layers.text_weight
    rows = class_activations(encoder, [["a cat"], ["a dog", "a hound", "a puppy"]])
    single = nn.functional.normalize(encoder.texts(["a cat"]).embed(weight), dim=1)
    ensemble = nn.functional.normalize(encoder.texts(["a dog", "a hound", "a puppy"]).embed(weight), dim=1).mean(dim=0)
    torch.testing.assert_close(rows.embed(weight), torch.stack([single[0], ensemble]), atol=1e-6, rtol=1e-5)
    with pytest.raises(InvalidInputError, match="at least one prompt"):
        class_activations(encoder, [["a cat"], []])


def saved(model: Any, path: Path) -> Path:
    save_file({name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}, path)
    return path


def test_local_weights_and_a_local_folder_load_the_same_model(tmp_path: Path) -> None:
    model = random_model("tiny-vit")
    weights = saved(model, tmp_path / "open_clip_model.safetensors")
    configuration = {"model_cfg": get_model_config("tiny-vit"), "preprocess_cfg": model.visual.preprocess_cfg}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(configuration))
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    expected = opened(model, "tiny-vit").images(pictures()).values
    references = [f"tiny-vit:{weights}", f"tiny-vit:{tmp_path / 'weights.pt'}", f"local-dir:{tmp_path}"]
    encoders = [load_encoder(reference) for reference in references]
    for encoder in encoders:
        assert torch.equal(encoder.images(pictures()).values, expected)
    assert len({encoder.hash for encoder in encoders[:2]}) == 1


def test_weights_are_never_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return Path.touch, (tmp_path / "sprung",)

    with (tmp_path / "weights.pt").open("wb") as file:
        pickle.dump({"state_dict": Trap()}, file)
    with pytest.raises(InvalidInputError, match=r"weights\.pt"):
        load_encoder(f"tiny-vit:{tmp_path / 'weights.pt'}")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("nonsense", "no known form"),
        ("ViT-B-32/no_such_tag", "no pretrained tag of ViT-B-32 'no_such_tag'.*laion2b_s34b_b79k"),
        ("ViT-B-33/openai", "no architecture 'ViT-B-33'"),
        ("tiny-vit:/nowhere/weights.safetensors", "/nowhere/weights.safetensors does not exist"),
        ("local-dir:/nowhere", "/nowhere holds no open_clip_config.json"),
    ],
)
def test_wrong_references_say_what_is_wrong(reference: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        load_encoder(reference)


def test_wrong_files_precision_and_device_are_named(tmp_path: Path) -> None:
    weights = saved(random_model("tiny-resnet"), tmp_path / "resnet.safetensors")
    with pytest.raises(InvalidInputError, match=r"resnet\.safetensors' cannot be loaded"):
        load_encoder(f"tiny-vit:{weights}")
    (tmp_path / "weights.npz").write_bytes(b"PK")
    with pytest.raises(InvalidInputError, match="must end in one of"):
        load_encoder(f"tiny-vit:{tmp_path / 'weights.npz'}")
    with pytest.raises(InvalidInputError, match="unknown precision 'int4'"):
        load_encoder("demo", precision="int4")
    for device in ("abacus", "meta"):
        with pytest.raises(
            InvalidInputError, match=rf"the device '{device}' cannot be used \(.{{1,100}}\): set ALFLOW_DEV"
        ):
            load_encoder(f"tiny-resnet:{weights}", device=device)


@pytest.mark.parametrize("reference", ["ViT-B-32/laion2b_s34b_b79k", "hf-hub:laion/no-such-model"])
def test_weights_that_cannot_be_had_name_the_remedy(
    reference: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UnavailableError, match=rf"'{reference}' cannot be had here.*weights\.safetensors"):
        load_encoder(reference)


@pytest.mark.skipif(importlib.util.find_spec("transformers") is not None, reason="transformers is installed")
def test_a_tokenizer_that_needs_transformers_says_so(tmp_path: Path) -> None:
    model = random_model("tiny-sigmoid")
    saved(model, tmp_path / "open_clip_model.safetensors")
    configuration = get_model_config("tiny-sigmoid")
    configuration["text_cfg"]["hf_tokenizer_name"] = "any"
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": configuration}))
    with pytest.raises(UnavailableError, match="transformers"):
        load_encoder(f"local-dir:{tmp_path}")


@pytest.mark.skipif(not (models.DEMO_MODEL / "open_clip_config.json").is_file(), reason="the demo model is not here")
def test_the_demo_model_loads_offline() -> None:
    encoder = load_encoder("demo")
    assert encoder.images(pictures()).values.isfinite().all()
