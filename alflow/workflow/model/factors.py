"""Kronecker factors in files: as alflow keeps and ships them, and as the method's authors publish theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.domain.projects import Project
from alflow.embeddings import LastLayers
from alflow.errors import InvalidInputError
from alflow.tensors import check, check_filled, read_pickled, read_safetensors, take

SHIPPED_NAME: Final = "factors.safetensors"
"""A file of this name in a folder, beside a model or alone, holds factors in alflow's own form."""

PUBLISHED_PAIRS: Final = 327_680
"""Image-text pairs behind the factors that were published with the method; their files do not say."""


@dataclass(frozen=True)
class BothFactors:
    """The Kronecker factors of both modalities."""

    image: Factors
    text: Factors


def read_folder(folder: Path, pairs: int, layers: LastLayers, project: Project) -> BothFactors:
    """The factors in a folder: alflow's own file where there is one, else as they are published; in float64.

    Raises:
        InvalidInputError: a file is missing or holds no matrix, or the factors are not of this model's widths.
    """
    own = folder / SHIPPED_NAME
    given = _shipped(own) if own.is_file() else read_published(folder, pairs)
    check_widths(given, layers, project)  # before they are widened
    return double(given) if own.is_file() else sums(given)


def read_published(folder: Path, pairs: int) -> BothFactors:
    """The published matrices as they are in the files: sums over `pairs` pairs, divided by sqrt(pairs).

    Raises:
        InvalidInputError: a file is missing, or holds something else.
    """
    image, text = (
        Factors(_read_matrix(folder, f"A_{side}"), _read_matrix(folder, f"B_{side}"), pairs) for side in ("img", "txt")
    )
    return BothFactors(image, text)


def sums(published: BothFactors) -> BothFactors:
    """Published factors as sums, in float64."""
    image, text = (Factors.published(one.A, one.B, one.n) for one in (published.image, published.text))
    return BothFactors(image, text)


def write_published(folder: Path, factors: BothFactors) -> None:
    """Write them as `read_published` reads them, float32; both sides count as many pairs as the image side has."""
    for side, one in (("img", factors.image), ("txt", factors.text)):
        for name, matrix in zip("AB", one.counted_as(factors.image.n).published_form(), strict=True):
            torch.save(matrix.float(), folder / f"{name}_{side}_analytic.pt")


def write_factors(path: Path, factors: BothFactors) -> None:
    """Write factors as a file that `import_posterior` reads from its folder; float32, to be shipped with a model."""
    save_file({name: tensor.float().contiguous() for name, tensor in to_tensors(factors).items()}, path)


def read_factors(path: Path) -> BothFactors:
    """Read what `write_factors` wrote.

    Raises:
        InvalidInputError: the file holds something else.
    """
    return double(_shipped(path))


def check_widths(factors: BothFactors, layers: LastLayers, project: Project) -> None:
    """The door for factors.

    Raises:
        InvalidInputError: they are not of the widths of the project's model; both are named.
    """
    for side, given, weight in (
        ("image", factors.image, layers.image_weight),
        ("text", factors.text, layers.text_weight),
    ):
        found, wanted = (len(given.B), len(given.A)), tuple(weight.shape)
        if found != wanted:
            raise InvalidInputError(
                f"the {side} factors are for a last layer from {found[1]} to {found[0]}, but that of {project.model} "
                f"goes from {wanted[1]} to {wanted[0]}; factors fit one model only"
            )


def to_tensors(factors: BothFactors) -> dict[str, Tensor]:
    """As they are kept and shipped."""
    sides = {"image": factors.image, "text": factors.text}
    matrices = {f"{side}_{name}": getattr(one, name) for side, one in sides.items() for name in "AB"}
    return matrices | {f"{side}_n": torch.tensor(float(one.n), dtype=torch.float64) for side, one in sides.items()}


def from_tensors(tensors: Mapping[str, Tensor], source: object) -> BothFactors:
    """The factors of a file as they are in it.

    Raises:
        InvalidInputError: it holds something else.
    """
    sides = []
    for side in ("image", "text"):
        a, b = (_matrix(take(tensors, f"{side}_{name}", source, 2), f"{source}: {side}_{name}") for name in "AB")
        n = take(tensors, f"{side}_n", source, 0, "any")
        sides.append(Factors(a, b, float(check_filled(n, f"{source}: {side}_n"))))
    return BothFactors(*sides)


def double(given: BothFactors) -> BothFactors:
    """The factors in float64."""
    image, text = (Factors(one.A.double(), one.B.double(), one.n) for one in (given.image, given.text))
    return BothFactors(image, text)


def _shipped(path: Path) -> BothFactors:
    try:
        return from_tensors(read_safetensors(path), path)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path} holds no Kronecker factors as alflow writes them: {error}") from error


def _read_matrix(folder: Path, stem: str) -> Float[Tensor, "K K"]:
    """One published factor: a pickle of a tensor, opened as data only, wherever it was computed.

    Raises:
        InvalidInputError: there is no such file, or it holds something else.
    """
    if not folder.is_dir():
        raise InvalidInputError(f"there is no folder {folder}: name the one that holds A_img*.pt, B_img*.pt and so on")
    found = sorted(folder.glob(f"{stem}*.pt"))
    if len(found) != 1:
        raise InvalidInputError(f"the folder {folder} needs one file {stem}*.pt; it has {len(found)}")
    return _matrix(read_pickled(found[0]), str(found[0]))


def _matrix(found: object, source: str) -> Tensor:
    """A square matrix, in the precision it is kept in.

    Raises:
        InvalidInputError: it is something else.
    """
    if not isinstance(found, Tensor) or found.ndim != 2:
        what = f"{found.ndim} sides" if isinstance(found, Tensor) else type(found).__name__
        raise InvalidInputError(f"{source} holds no matrix, but {what}")
    matrix = check(found, source, 2)
    if matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise InvalidInputError(f"{source} is {tuple(matrix.shape)}, where a square matrix is wanted")
    return matrix
