"""Folders and repositories of models that would have Python run, or other models loaded, by what they say."""

import importlib.util
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import huggingface_hub
import open_clip
import pytest

from alflow.errors import InvalidInputError
from alflow.vlm.configuration import CONFIGURATION, read_configuration
from alflow.vlm.models import DEMO_MODEL, check_reference, load_model

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
VISION = {"image_size": 32, "patch_size": 16, "width": 32, "head_width": 16, "layers": 1}
TRAP = """
from pathlib import Path
Path({path!r}).touch()
from transformers import PreTrainedTokenizerFast
class Trap(PreTrainedTokenizerFast):
    pass
"""


def model(text: Any = None, vision: Any = None, **more: Any) -> dict[str, Any]:
    return {"embed_dim": 24, "vision_cfg": VISION | (vision or {}), "text_cfg": TEXT | (text or {}), **more}


def remote(**more: Any) -> dict[str, Any]:
    return {"hf_tokenizer_name": "any", "tokenizer_kwargs": {"trust_remote_code": True, **more}}


REFUSED: dict[str, tuple[Any, str]] = {
    "code for the tokenizer": ({"model_cfg": model(remote())}, "tokenizer_kwargs.trust_remote_code.*runs? Python"),
    "code, but not now": (
        {"model_cfg": model({"tokenizer_kwargs": {"trust_remote_code": False}})},
        "tokenizer_kwargs.trust_remote_code",
    ),
    "code, deeper": (
        {"model_cfg": model({"tokenizer_kwargs": {"extra": [{"auto_map": {"AutoTokenizer": "a.B"}}]}})},
        "tokenizer_kwargs.extra.*Python",
    ),
    "code, above": ({"model_cfg": model(), "trust_remote_code": True}, "trust_remote_code.*Python"),
    "another place": (
        {"model_cfg": model({"tokenizer_kwargs": {"cache_dir": "/tmp/x"}})},
        "tokenizer_kwargs.cache_dir",
    ),
    "another vocabulary": ({"model_cfg": model({"tokenizer_kwargs": {"bpe_path": "/etc/passwd"}})}, "bpe_path"),
    "another way of cleaning": (
        {"model_cfg": model({"tokenizer_kwargs": {"clean": ["lower"]}})},
        "tokenizer_kwargs.clean",
    ),
    "options as a list": ({"model_cfg": model({"tokenizer_kwargs": ["trust_remote_code"]})}, "tokenizer_kwargs"),
    "timm, from the hub": ({"model_cfg": model(vision={"timm_model_name": "hf-hub:evil/model"})}, "timm_model_name"),
    "timm, from a folder": ({"model_cfg": model(vision={"timm_model_name": "local-dir:/tmp/x"})}, "timm_model_name"),
    "a text tower elsewhere": ({"model_cfg": model({"hf_model_name": "/tmp/evil"})}, "hf_model_name"),
    "a text tower above": ({"model_cfg": model({"hf_model_name": "../evil"})}, "hf_model_name"),
    "a text tower deep": ({"model_cfg": model({"hf_model_name": "a/b/c"})}, "hf_model_name"),
    "a tokenizer elsewhere": ({"model_cfg": model({"hf_tokenizer_name": "./evil"})}, "hf_tokenizer_name"),
    "a tokenizer at an address": ({"model_cfg": model({"hf_tokenizer_name": "https://evil/x"})}, "hf_tokenizer_name"),
    "a key of nobody": ({"model_cfg": model(factory="os.system")}, "model_cfg.factory.*known here: .*embed_dim"),
    "a key of a tower": ({"model_cfg": model(vision={"pretrained_path": "/x.bin"})}, "vision_cfg.pretrained_path"),
    "options of a layer": ({"model_cfg": model({"act_kwargs": {"fn": "os.system"}})}, "act_kwargs.fn"),
    "a key of preprocessing": (
        {"model_cfg": model(), "preprocess_cfg": {"transform": "x"}},
        "preprocess_cfg.transform",
    ),
    "text for a number": ({"model_cfg": model({"width": "32"})}, "text_cfg.width is '32'"),
    "truth for a number": ({"model_cfg": model({"width": True})}, "text_cfg.width is True"),
    "too large a number": ({"model_cfg": model({"width": 10**12})}, "text_cfg.width"),
    "no number": ({"model_cfg": model(init_logit_scale=float("nan"))}, "init_logit_scale"),
    "an object for a number": ({"model_cfg": model({"layers": {"a": 1}})}, "text_cfg.layers"),
    "a tower as text": ({"model_cfg": model() | {"text_cfg": "x"}}, "text_cfg"),
    "no model": ({"preprocess_cfg": {}}, "no model_cfg"),
    "a list": ([1], "must be an object"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("scheme", ["local-dir", "hf-hub"])
def test_what_is_not_known_to_be_harmless_is_refused_by_name(
    name: str, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, message = REFUSED[name]

    def load(*_: object, **__: object) -> None:
        raise AssertionError("nothing is loaded before it is checked")

    monkeypatch.setattr(open_clip, "create_model", load)
    monkeypatch.setattr(open_clip, "get_tokenizer", load)
    reference = {"local-dir": f"local-dir:{tmp_path}", "hf-hub": "hf-hub:some/model"}[scheme]
    (on_the_hub(tmp_path, monkeypatch) / CONFIGURATION).write_text(json.dumps(found))
    (tmp_path / CONFIGURATION).write_text(json.dumps(found))
    if scheme == "local-dir":
        with pytest.raises(InvalidInputError, match=message):
            check_reference(reference)  # at `alflow init` already
    with pytest.raises(InvalidInputError, match=message) as caught:
        load_model(reference)
    assert str(caught.value).startswith(f"the model {reference!r}: ")
    assert "\n" not in str(caught.value)


def on_the_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository as huggingface_hub keeps it after it was fetched."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder / "hub"))
    repository = folder / "hub" / "models--some--model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    (repository / "snapshots" / ("0" * 40)).mkdir(parents=True)
    return repository / "snapshots" / ("0" * 40)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"model_cfg": 1}', "\x00", " " * 2**20 + "{}"])
def test_configurations_that_cannot_be_read(text: str, tmp_path: Path) -> None:
    (tmp_path / CONFIGURATION).write_text(text)
    with pytest.raises(InvalidInputError, match=CONFIGURATION.replace(".", r"\.") + "|model_cfg"):
        load_model(f"local-dir:{tmp_path}")


@pytest.mark.parametrize("by", ["configuration", "tokenizer_config.json", "config.json"])
def test_python_of_a_folder_is_never_run(by: str, tmp_path: Path) -> None:
    """With transformers installed the first of them ran it."""
    sprung = tmp_path / "sprung"
    (tmp_path / "trap.py").write_text(TRAP.format(path=str(sprung)))
    asked = remote() if by == "configuration" else {"hf_tokenizer_name": "any"}
    (tmp_path / CONFIGURATION).write_text(json.dumps({"model_cfg": model(asked)}))
    mapped = {"auto_map": {"AutoTokenizer": ["trap.Trap", "trap.Trap"]}, "tokenizer_class": "Trap"}
    if by != "config.json":
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(mapped))
    if by != "tokenizer_config.json":
        (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"} | mapped))
    open_clip.create_model(f"local-dir:{tmp_path}")  # its configuration is one that open_clip takes
    if by == "configuration" and importlib.util.find_spec("transformers") is not None:
        with suppress(ValueError):  # it ran, and then had no vocabulary
            open_clip.get_tokenizer(f"local-dir:{tmp_path}")
        assert sprung.exists()
        sprung.unlink()
    with pytest.raises(InvalidInputError, match=r"auto_map|trust_remote_code"):
        load_model(f"local-dir:{tmp_path}")
    assert not sprung.exists()


def test_every_architecture_of_open_clip_passes(tmp_path: Path) -> None:
    path = tmp_path / CONFIGURATION
    seen = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash", "size": [9, 9]}
    for name in open_clip.list_models():
        found = {"model_cfg": open_clip.get_model_config(name), "preprocess_cfg": seen}
        path.write_text(json.dumps(found))
        assert read_configuration(path, name) == json.loads(path.read_text())


def test_a_harmless_model_of_the_hub_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = on_the_hub(tmp_path, monkeypatch)
    for name in (CONFIGURATION, "open_clip_model.safetensors"):
        (repository / name).write_bytes((DEMO_MODEL / name).read_bytes())
    assert load_model("hf-hub:some/model").digest() == load_model("demo").digest()
