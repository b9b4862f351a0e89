"""Packs whose files hold something else than they should: each tensor is named, and nothing is widened before."""

from pathlib import Path

import pytest
import torch

from alflow.errors import InvalidInputError
from tests.packs import CLASSES, P_TEXT, D, P, small_pack

NAN = float("nan")
WRONG = [
    ("pack_activations", torch.ones(160, P - 1), "activations are 9 wide.* takes 10"),
    ("pack_activations", torch.empty(10**9, 0), "activations are 1 wide"),
    ("pack_activations", torch.full((160, P), NAN), "activations has entries that are not finite"),
    ("pack_activations", torch.ones(160, P).to(torch.complex64), "complex64"),
    ("pack_activations", torch.ones(160, P).bool(), "bool"),
    ("pack_activations", torch.ones(160), "1 sides"),
    ("pack_activations", torch.empty(0, P), "activations is empty"),
    ("pack_labels", torch.zeros(160), "labels holds float32, where whole numbers"),
    ("pack_labels", torch.zeros(159, dtype=torch.int64), r"labels is \(159,\)"),
    ("pack_labels", torch.tensor(0), r"labels is \(\)"),
    ("pack_labels", torch.full((160,), CLASSES), "a label is none of"),
    ("pack_labels", torch.empty(0, dtype=torch.int64), r"labels is \(0,\)"),
    ("pack_group", torch.zeros(160, 2, dtype=torch.int64), r"group is \(160, 2\)"),
    ("pack_domain", torch.zeros(160), "domain holds float32"),
    ("pack_class_activations", torch.ones(CLASSES, P_TEXT + 1), "class_activations are 6 wide"),
    ("model_image_weight", torch.ones(D), "image_weight has 1 sides"),
    ("model_image_weight", torch.empty(0, 10**9), "image_weight is empty"),
    ("model_text_weight", torch.full((D, P_TEXT), float("inf")), "text_weight has entries"),
    ("model_image_bias", torch.zeros(D, 1), "image_bias has 2 sides"),
    ("model_image_bias", torch.zeros(D + 1), "image_bias has 7 entries"),
    ("model_log_logit_scale", torch.tensor([1.0, 2.0]), "log_logit_scale must be one number"),
    ("model_log_logit_scale", torch.tensor(NAN), "log_logit_scale must be one number"),
    ("model_log_logit_scale", torch.tensor(1e9), "log_logit_scale must be one number"),
    ("pairs_image_activations", torch.full((80, P), NAN), "image_activations has entries"),
    ("pairs_text_activations", torch.ones(79, P_TEXT), "80 image_activations and 79 text_activations"),
    ("pairs_text_activations", torch.ones(80, P_TEXT, dtype=torch.int8), "int8"),
]


@pytest.mark.parametrize(("name", "tensor", "message"), WRONG)
def test_a_tensor_that_does_not_fit_is_named(name: str, tensor: torch.Tensor, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        small_pack(tmp_path, **{name: tensor}).world()
    file, _, _ = name.partition("_")
    assert f"{file}.safetensors" in str(caught.value)


def test_a_pack_is_named_by_whole_files_only(tmp_path: Path) -> None:
    for labels, message in ((torch.tensor(0), "labels has 0 sides"), (torch.zeros(160), "labels holds float32")):
        with pytest.raises(InvalidInputError, match=message):
            small_pack(tmp_path, pack_labels=labels).about()
    pack = small_pack(tmp_path)
    pack.pack.write_bytes(b"nonsense")
    with pytest.raises(InvalidInputError, match=r"pack\.safetensors cannot be read as safetensors"):
        pack.about()
    assert small_pack(tmp_path, pack_labels=torch.zeros(160, dtype=torch.uint8)).world().labels.dtype == torch.int64


def test_half_precision_and_one_number_in_a_list_are_taken(tmp_path: Path) -> None:
    whole = small_pack(tmp_path / "whole").world()
    scale = torch.tensor([1.6])
    world = small_pack(
        tmp_path / "half", model_log_logit_scale=scale, pack_domain=torch.zeros(160, dtype=torch.int8)
    ).world()
    assert world.model.layers.scale == pytest.approx(whole.model.layers.scale)
