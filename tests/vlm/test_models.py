"""What is said where a library cannot load a model."""

import pickle
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from alflow.errors import InvalidInputError
from alflow.vlm.configuration import CONFIGURATION
from alflow.vlm.models import DEMO_MODEL, load_model

BACKEND = "Couldn't instantiate the backend tokenizer from one of: \n(1) a file, \nYou need to have sentencepiece.\n"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError(BACKEND), "You need to have sentencepiece."),
        (RuntimeError("one line"), "one line"),
        (OSError("\n \n"), "OSError"),
        (KeyError(), "KeyError"),
        (pickle.UnpicklingError("Weights only load failed.\nsee https://pytorch.org"), "save it as safetensors"),
    ],
)
def test_the_last_line_of_an_error_is_reported(error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(open_clip, "get_tokenizer", fail)
    with pytest.raises(InvalidInputError) as caught:
        load_model("demo")
    assert str(caught.value).startswith("the model 'demo' cannot be loaded: ")
    assert str(caught.value).endswith(reason)


def odd_folder(folder: Path, name: str, change: Callable[[torch.Tensor], object], suffix: str) -> str:
    """The demo's model with one of its weights changed."""
    (folder / CONFIGURATION).write_bytes((DEMO_MODEL / CONFIGURATION).read_bytes())
    weights: dict[str, object] = dict(load_file(DEMO_MODEL / "open_clip_model.safetensors"))
    weights[name] = change(load_file(DEMO_MODEL / "open_clip_model.safetensors")[name])
    if suffix == "bin":
        torch.save(weights, folder / "open_clip_pytorch_model.bin")
    else:
        save_file(weights, folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


@pytest.mark.parametrize(
    ("name", "change", "suffix", "message"),
    [
        ("text_projection", lambda weight: weight * float("nan"), "safetensors", "text_projection has entries that"),
        (
            "text_projection",
            lambda weight: weight.to(torch.complex64),
            "safetensors",
            "text_projection holds complex64",
        ),
        (
            "text_projection",
            lambda weight: weight[:1, :1].expand(10**5, 10**5),
            "bin",
            "text_projection.*again and again",
        ),
        ("positional_embedding", lambda weight: weight[:1, :1].expand(10**6, 48), "bin", "positional_embedding.*again"),
        ("text_projection", lambda weight: weight.to_sparse(), "bin", "text_projection is sparse"),
        ("text_projection", lambda weight: weight.tolist(), "bin", "text_projection is not a tensor: it is a list"),
    ],
    ids=["NaN", "complex", "expanded", "expanded positions", "sparse", "list"],
)
def test_weights_that_are_no_usual_tensors_are_named(
    name: str, change: Callable[[torch.Tensor], object], suffix: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        load_model(odd_folder(tmp_path, name, change, suffix))
