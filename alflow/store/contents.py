"""What the files of each folder of artifacts hold, so that a whole file of another kind is known when it is read.

A tensor is told by its kind and its axes: axes of one letter are equally long within a file, digits are a length. What
ends in a question mark may be missing: files of an older alflow have less. Folders that are not named here hold
anything.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from torch import Tensor  # as in `alflow.store.artifacts`


@dataclass(frozen=True)
class Contents:
    """Of one kind of file.

    Attributes:
        tensors: kind and axes by name.
        notes: what its metadata, or its JSON object, must have.
    """

    tensors: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


_ACTIVATIONS: Final = Contents({"values": "float N P", "residuals?": "float N D"})
_NUMBER: Final = "float"
_HASHED: Final = re.compile(r"(\d{10}-)?[0-9a-f]{64}\.safetensors")

CONTENTS: Final[Mapping[str, Contents]] = {
    "asked": Contents({"item_ids": "int N", "class_ids": "int C", "probabilities": "float N C"}),
    "certifying": Contents({"item_ids": "int N", "predicted": "int N", "confidence": "float N"}),
    "classes": _ACTIVATIONS,
    "copies": Contents({
        "item_ids": "int N", "centre": "float P", "first": "int M", "second": "int M", "likeness": "float M",
    }),
    "doubts": Contents({
        "item_ids": "int N", "given": "int N", "held": "int N", "p_given": "float N", "p_held": "float N",
        "odds": "float N", "misplaced": "bool N",
    }),
    "doubts.json": Contents(notes=("path",)),
    "drift": Contents({"p_values": "float 2"}),
    "embeddings": Contents({"item_ids": "int N", **_ACTIVATIONS.tensors}),
    "encoder.json": Contents(notes=("model", "precision", "hash")),
    "entropies": Contents({"total": "float N", "aleatoric": "float N", "epistemic": "float N"}),
    "evaluated": Contents(
        {
            "item_ids": "int N", "labels": "int N", "predicted": "int W N", "confidence": "float W N",
            "density": "float W N",
        },
        ("told",),
    ),
    "factors": Contents(
        {"image_A": "float P P", "image_B": "float D D", "text_A": "float Q Q", "text_B": "float D D"}, ("done",)
    ),
    "fields": Contents({
        "centre": "float P", "radius": _NUMBER, "weight": "float U C", "seen": "float R U", "log_scale": _NUMBER,
        "deviation": _NUMBER, "item_ids?": "int L", "labels?": "int L",
    }),
    "frames": Contents({"centre": "float P", "radius": _NUMBER}),
    "layers": Contents(
        {"image_weight": "float D P", "text_weight": "float D Q", "scale": _NUMBER, "bias": _NUMBER}, ("likelihood",)
    ),
    "lengths": Contents({"lengths": "float N"}),
    "maps": Contents({
        "item_ids": "int A", "mean": "float D", "components": "float K D", "anchors": "float A K",
        "positions": "float A 2",
    }),
    "outlooks": Contents({
        "item_ids": "int N", "probabilities": "float N C", "variance": "float N", "novelty": "float N",
    }),
    "pairs": Contents(
        {
            "none?": "float 0", "image_values?": "float N P", "image_residuals?": "float N D",
            "text_values?": "float N Q", "text_residuals?": "float N D",
        },
        ("rejected",),
    ),
    "placed": Contents({"item_ids": "int N", "points": "float N 2"}),
    "posteriors": Contents({
        "image_A": "float P P", "image_B": "float D D", "image_n": _NUMBER,
        "text_A": "float Q Q", "text_B": "float D D", "text_n": _NUMBER,
    }),
    "predictions": Contents({"class_ids": "int N"}),
    "scores": Contents({
        "item_ids": "int N", "scores": "float N", "target_ids?": "int T", "labelled_ids?": "int L",
        "spared_ids?": "int S", "centre?": "float P", "radius?": _NUMBER,
    }),
    "vocabularies": _ACTIVATIONS,
}  # fmt: skip


def contents_of(name: str) -> Contents | None:
    """What the artifact of that name holds; None where that is anybody's guess."""
    parts = PurePosixPath(name).parts
    if parts[0] == "projects":
        kind = parts[2] if len(parts) > 2 else ""
        return CONTENTS.get("placed" if parts[2:4] == ("maps", "placed") else kind)
    return CONTENTS.get(parts[-1].partition("-")[0] if parts[0] == "estimates" else parts[0])


def is_stray(name: str) -> bool:
    """Whether a file lies where tensors are kept, and has no name of theirs: alflow wrote none such, and reads none."""
    wanted = contents_of(name)
    if wanted is None or not wanted.tensors or name.startswith("estimates/"):
        return False
    return _HASHED.fullmatch(PurePosixPath(name).name) is None


def check_contents(
    name: str, tensors: Mapping[str, "Tensor"], notes: Mapping[str, Any], known: Mapping[str, int] | None = None
) -> None:
    """Does the file of that name hold what it should, with axes of these lengths where they are `known`?

    Raises:
        ValueError: it does not.
    """
    wanted = contents_of(name)
    if wanted is None:
        return
    lengths = dict(known or {})
    for key, what in wanted.tensors.items():
        tensor = tensors.get(key.removesuffix("?"))
        if tensor is None and not key.endswith("?"):
            raise ValueError(f"it is of another kind: it has no tensor {key}")
        if tensor is not None and (odd := ", ".join(_odd(tensor, what, lengths))):
            raise ValueError(f"it is of another kind: its tensor {key.removesuffix('?')} {odd}")
    check_notes(name, notes)
    if "/embeddings/" in name and notes.get("encoder", whose := PurePosixPath(name).parts[-2]) != whose:
        raise ValueError("it is of another kind: its rows are by another encoder")


def check_notes(name: str, notes: object) -> None:
    """Does its metadata, or the JSON in it, have what it should?

    Raises:
        ValueError: it does not.
    """
    wanted = contents_of(name)
    for key in wanted.notes if wanted is not None else ():
        if not isinstance(notes, Mapping) or key not in notes:
            raise ValueError(f"it is of another kind: it does not say its {key}")


def _odd(tensor: "Tensor", what: str, lengths: dict[str, int]) -> Iterator[str]:
    """What is not as it should be; remembers the lengths of axes."""
    kind, *axes = what.split()
    found = str(tensor.dtype).removeprefix("torch.").lstrip("ub")
    if not found.startswith(kind.lstrip("b")):
        yield f"holds {str(tensor.dtype).removeprefix('torch.')}, not {kind}"
    if tensor.ndim != len(axes) or any(
        lengths.setdefault(axis, int(axis) if axis.isdigit() else size) != size
        for axis, size in zip(axes, tensor.shape, strict=True)
    ):
        yield f"has the shape {tuple(tensor.shape)}"
