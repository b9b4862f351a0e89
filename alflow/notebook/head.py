"""A fitted model that was exported, as a classifier of scikit-learn: `alflow.load_head("birds-head")`.

Axes: N images, C classes.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import Tensor

from alflow.embeddings import Activations
from alflow.errors import InvalidInputError, UnavailableError
from alflow.notebook.features import Floats
from alflow.workflow.images.encoding import prepare_file
from alflow.workflow.insight.exports.head_files import HeadFiles, read_head

if TYPE_CHECKING:
    from alflow.vlm.encoder import OpenClipEncoder

_AT_ONCE: Final = 64  # pictures in memory
_ROWS: Final = 8192  # features in float32


class HeadClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The classifier that labels taught, fitted already. X are images or features.

    Images are paths or addresses, Pillow images or arrays [height, width, 3] of bytes, in a list or another sequence.
    Features are an array [N, n_features_in_], as `alflow export embeddings` writes them. `classes_` are the names in
    the order of the columns, sorted as scikit-learn's functions expect it. A clone reads the same folder. `fit` learns
    nothing, so that it can stand in a pipeline or a cross-validation, as in `sklearn.frozen.FrozenEstimator`.
    """

    def __init__(self, folder: str | Path) -> None:
        """Read the head from `folder` when it is first needed."""
        self.folder = folder

    @property
    def classes_(self) -> NDArray[np.str_]:
        """Names of the classes [C], sorted.

        Raises:
            InvalidInputError: the folder holds no head that can be read.
        """
        return np.array(self._files.about.classes)[self._order]

    @property
    def n_features_in_(self) -> int:
        """Columns of features.

        Raises:
            InvalidInputError: the folder holds no head that can be read.
        """
        return self._files.width

    def fit(self, X: Any = None, y: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Learn nothing; labels are checked to be of these classes.

        Raises:
            InvalidInputError: a label is none, or the folder holds no head that can be read.
        """
        unknown = set() if y is None else {str(one) for one in np.asarray(y).ravel()} - set(self.classes_.tolist())
        if unknown:
            known = ", ".join(self.classes_[:20])
            raise InvalidInputError(f"{min(unknown)!r} is no class of this head: it knows {known}")
        return self

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        """Class probabilities [N C]; rows sum to one.

        Raises:
            InvalidInputError: X is neither images nor features of the right width, or an image cannot be read.
            UnavailableError: the weights of the image tower cannot be had, or are others now.
        """
        parts = [self._files.head.probabilities(rows) for rows in self._activations(X)]
        return np.asarray(_joined(parts, len(self._order))[:, self._order.copy()])

    def predict_log_proba(self, X: Any) -> Floats:  # noqa: N803
        """Logarithm of `predict_proba`; see there.

        Raises:
            InvalidInputError: see there.
            UnavailableError: see there.
        """
        return np.asarray(np.log(np.maximum(self.predict_proba(X), np.finfo(np.float32).tiny)))

    def decision_function(self, X: Any) -> Floats:  # noqa: N803
        """Logits [N C] at the middle of the average over their scale; of two classes their difference [N].

        Raises:
            InvalidInputError: see `predict_proba`.
            UnavailableError: see there.
        """
        parts = [self._files.head.logits(rows) for rows in self._activations(X)]
        logits = np.asarray(_joined(parts, len(self._order))[:, self._order.copy()])
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict(self, X: Any) -> NDArray[np.str_]:  # noqa: N803
        """Name of the most probable class of each [N].

        Raises:
            InvalidInputError: see `predict_proba`.
            UnavailableError: see there.
        """
        best: NDArray[np.str_] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return best

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name in {"folder", "_sklearn_version"}}

    @cached_property
    def _files(self) -> HeadFiles:
        return read_head(Path(self.folder))

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(np.array(self._files.about.classes), kind="stable")

    @cached_property
    def _encoder(self) -> "OpenClipEncoder":
        from alflow.vlm.encoder import load_encoder  # noqa: PLC0415 - takes seconds; features need none

        about = self._files.about
        if about.checkpoint is not None:
            return load_encoder(f"local-dir:{Path(self.folder).absolute()}", batch_size=_AT_ONCE)
        encoder = load_encoder(about.model, about.precision, batch_size=_AT_ONCE)
        if encoder.hash != about.hashes.get("encoder"):
            raise UnavailableError(
                f"the model {about.model!r} has other weights here than the one this head is for: give features, or "
                "export as open_clip, which brings the weights"
            )
        return encoder

    def _activations(self, X: Any) -> Iterator[Activations]:  # noqa: N803
        if (features := _features(X)) is not None:
            for rows in torch.split(features, _ROWS):
                yield self._split(rows)
            return
        given = list(X)
        for start in range(0, len(given), _AT_ONCE):
            batch = given[start : start + _AT_ONCE]
            pixels = [_pixels(self._encoder, one, start + at) for at, one in enumerate(batch)]
            found = self._encoder.pixels(torch.stack(pixels))
            if found.values.shape[1] != self._files.head.image_weight.shape[1]:
                raise InvalidInputError(f"the checkpoint in {self.folder} is not of its head: export the model anew")
            yield found

    def _split(self, rows: Tensor) -> Activations:
        head = self._files.head
        if rows.shape[1] != self._files.width:
            raise InvalidInputError(f"features are {rows.shape[1]} wide, and this head reads {self._files.width}")
        if not bool(torch.isfinite(rows).all()):
            raise InvalidInputError("features are not finite: leave such rows out")
        wide = head.image_weight.shape[1]
        return Activations(rows[:, :wide], rows[:, wide:] if self._files.about.residuals else None)


def load_head(folder: str | Path) -> HeadClassifier:
    """The head in a folder that `alflow export model` wrote as `sklearn` or `open_clip`, as a classifier.

    Raises:
        InvalidInputError: the folder holds none that can be read.
    """
    head = HeadClassifier(folder)
    head.fit()
    _ = head.classes_
    return head


def _features(X: Any) -> Tensor | None:  # noqa: N803
    """X as rows of numbers; None where it is images.

    Raises:
        InvalidInputError: it is neither.
    """
    if isinstance(X, Tensor):
        found = X.detach().cpu().float()
    elif isinstance(X, pd.DataFrame):
        found = _numbers(X.to_numpy())
    elif isinstance(X, np.ndarray) and (X.dtype.kind not in "OUS" or (X.dtype == object and X.ndim == 2)):
        if X.ndim == 4:
            return None
        found = _numbers(X)
    elif isinstance(X, Sequence) and not isinstance(X, str) and len(X) and _is_row(X[0]):
        found = _numbers(np.array(X, dtype=object))
    elif isinstance(X, str | Path | Image.Image | bytes):
        raise InvalidInputError("X is one image: give a list of images")
    else:
        return None
    if found.ndim != 2:
        raise InvalidInputError(f"features have the shape {tuple(found.shape)}: give an array [rows, width]")
    return found


def _is_row(value: Any) -> bool:
    return (isinstance(value, Sequence) and not isinstance(value, str | bytes)) or (
        isinstance(value, np.ndarray | Tensor) and value.ndim == 1
    )


def _numbers(values: NDArray[Any]) -> Tensor:
    try:
        return torch.from_numpy(np.array(values.tolist() if values.dtype == object else values, np.float32))
    except (TypeError, ValueError) as error:
        raise InvalidInputError("features are no table of numbers: give an array [rows, width]") from error


def _pixels(encoder: "OpenClipEncoder", one: Any, at: int) -> Tensor:
    """Read and prepared as the images of a project are.

    Raises:
        InvalidInputError: it is no image that can be read.
    """
    from alflow.vlm.images import read_image  # noqa: PLC0415

    name = one if isinstance(one, str | Path) else type(one).__name__
    try:
        if isinstance(one, str | Path):
            return prepare_file(encoder, str(one))
        if isinstance(one, np.ndarray) and one.dtype == np.uint8 and one.ndim == 3 and one.shape[2] == 3:
            one = Image.fromarray(one)
        if isinstance(one, Image.Image):
            one.save(file := BytesIO(), "PNG")
            return encoder.prepare(read_image(file.getvalue(), shortest=encoder.smallest_side).image)
    except (OSError, InvalidInputError) as error:
        raise InvalidInputError(f"image {at} ({name}): {error}") from error
    raise InvalidInputError(f"X[{at}] is a {name}: give paths, Pillow images, or features [rows, width]")


def _joined(parts: list[Tensor], width: int) -> Tensor:
    return torch.cat(parts) if parts else torch.zeros(0, width)
