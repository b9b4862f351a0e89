"""Strategies and posterior on features of one's own: `alflow.choose` what to label next, `alflow.fit` to labels.

With class embeddings, as from CLIP, the model is that of a project: scale * cosine before any label, then what labels
teach (`alflow.bayes.field`). No pretraining stands behind features, so its posterior is a neutral one
(`alflow.bayes.features`): the novelty of images is not known, and nothing else is lost. Without class embeddings, the
model is a logistic regression, which has no posterior; strategies that need one say so.

Axes: N images, C classes, D width of the features.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from alflow.acquisition.acquire import acquire
from alflow.bayes.features import model_of_features
from alflow.bayes.field import Frame
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError
from alflow.workflow.backtests.learners import Learner, ModelLearner, RegressionLearner, check_strategy

Floats: TypeAlias = NDArray[np.floating[Any]]
Table: TypeAlias = ArrayLike | Tensor

CLIP_SCALE: Final = 100.0
"""Of the logits of CLIP: the exponential of its `logit_scale`."""


@dataclass(frozen=True)
class Chosen:
    """What to label next.

    Attributes:
        rows: rows of the pool, best first [B].
        scores: the strategy's score of each when it was picked [B].
        all_scores: of every row of the pool before any pick; NaN where it was not rated [N].
    """

    rows: NDArray[np.int64]
    scores: Floats
    all_scores: Floats


@dataclass(frozen=True)
class Parts:
    """Entropy of the prediction, in nats [N], and its parts: total = aleatoric + epistemic.

    `epistemic` is what more labels could remove. Both parts are None where nothing tells them apart (no texts).
    """

    total: Floats
    aleatoric: Floats | None
    epistemic: Floats | None


@dataclass(frozen=True)
class Fitted:
    """What labels taught about features of this kind."""

    _learner: Learner
    _width: int
    _unit: bool

    def predict_proba(self, features: Table) -> Floats:
        """Class probabilities of images [N D]: [N C], rows sum to one.

        Raises:
            InvalidInputError: these are no finite rows of the same width.
        """
        return _numpy(self._learner.judge(self._rows(features)).probabilities)

    def predict(self, features: Table) -> NDArray[np.int64]:
        """The most probable class of each image, as its row [N].

        Raises:
            InvalidInputError: these are no finite rows of the same width.
        """
        best: NDArray[np.int64] = self.predict_proba(features).argmax(axis=1)
        return best

    def uncertainty(self, features: Table) -> Parts:
        """Total, aleatoric and epistemic entropy of each prediction, in nats.

        Raises:
            InvalidInputError: these are no finite rows of the same width.
        """
        found = self._learner.judge(self._rows(features))
        aleatoric, epistemic = (None if part is None else _numpy(part) for part in (found.aleatoric, found.epistemic))
        return Parts(_numpy(found.total), aleatoric, epistemic)

    def _rows(self, features: Table) -> Activations:
        return _rows(features, "features", self._width, unit=self._unit)


def choose(
    pool: Table,
    target: Table | None = None,
    labelled: Table | None = None,
    labels: Table | None = None,
    *,
    classes: Table | int,
    strategy: str = "default",
    budget: int = 20,
    scale: float = CLIP_SCALE,
    seed: int = 0,
) -> Chosen:
    """Choose which images of a pool to label next, by their features.

    Args:
        pool: features of the images to choose from [N D].
        target: features of the images whose predictions matter; the pool stands in where there are none.
        labelled: features of the images that are labelled.
        labels: the class of each, as its row in `classes`.
        classes: embeddings of the classes [C D]; or how many there are, where there are no texts.
        strategy: a name that `alflow strategies` lists, or a combination of names.
        budget: how many; a smaller pool is taken whole.
        scale: of the zero-shot logits: 100 for CLIP. Only directions of features and classes count with it.
        seed: of every random draw: the same features, labels and seed give the same choice.

    Raises:
        InvalidInputError: something given cannot be used; the message names it.
    """
    classes, width = _classes(classes), _wide(pool)
    unit = not isinstance(classes, int)
    own = _rows(pool, "pool", width, unit=unit)
    aimed, known = (
        own[torch.arange(0)] if rows is None else _rows(rows, name, width, unit=unit)
        for rows, name in ((target, "target"), (labelled, "labelled"))
    )
    if (labelled is None) != (labels is None):
        raise InvalidInputError("labelled images and labels come together: give both, or neither")
    check_strategy(strategy, with_posterior=unit)
    learner = _learner(Activations.concatenate([own, aimed, known]), classes, scale)
    generator = torch.Generator().manual_seed(seed)
    if labels is not None and len(known):
        learner = learner.fitted(known, _labels(labels, len(known), _count(classes)), generator)
    found, _ = acquire(learner.ask(own, aimed, known), strategy, budget, 0.0, generator)
    return Chosen(found.rows.numpy(), _numpy(found.scores), _numpy(found.all_scores))


def fit(
    features: Table,
    labels: Table,
    classes: Table | int | None = None,
    *,
    pool: Table | None = None,
    scale: float = CLIP_SCALE,
    seed: int = 0,
) -> Fitted:
    """Fit features of images to their labels.

    Args:
        features: of the labelled images [L D]; one is enough.
        labels: the class of each, as its row in `classes`.
        classes: embeddings of the classes [C D]; or how many there are, where there are no texts: by default as many
            as the labels name.
        pool: features of further images like those that will be predicted, without labels: they show where images lie.
        scale: of the zero-shot logits: 100 for CLIP. Only directions of features and classes count with it.
        seed: of the folds in which the fit is judged.

    Raises:
        InvalidInputError: something given cannot be used; the message names it.
    """
    width = _wide(features)
    n_classes = None if classes is None else _count(_classes(classes))
    given = _labels(labels, len(_tensor(features, "features")), n_classes)
    known = int(given.max()) + 1 if classes is None else _classes(classes)
    unit = not isinstance(known, int)
    support = _rows(features, "features", width, unit=unit)
    others = [] if pool is None else [_rows(pool, "pool", width, unit=unit)]
    learner = _learner(Activations.concatenate([support, *others]), known, scale)
    return Fitted(learner.fitted(support, given, torch.Generator().manual_seed(seed)), width, unit)


def _learner(images: Activations, classes: Table | int, scale: float) -> Learner:
    if isinstance(classes, int):
        if classes < 2:
            raise InvalidInputError(f"there are {classes} classes; a choice needs two: add a class")
        return RegressionLearner.before_labels(images, classes)
    if not 0 < scale < float("inf"):
        raise InvalidInputError(f"the scale is {scale}: give a positive number, 100 for CLIP")
    rows = _rows(classes, "classes", images.values.shape[1], unit=False)
    model = model_of_features(rows.values, Frame.of(images), scale)
    return ModelLearner(model, model)


def _classes(given: Table | int) -> Table | int:
    return int(given) if isinstance(given, np.integer) else given


def _count(classes: Table | int) -> int:
    return classes if isinstance(classes, int) else len(_tensor(classes, "classes"))


def _wide(features: Table) -> int:
    return _tensor(features, "features").shape[1]


def _rows(given: Table, name: str, width: int, *, unit: bool) -> Activations:
    """Rows as they were given or, with `unit`, their directions.

    Raises:
        InvalidInputError: they are no finite rows of this width.
    """
    found = _tensor(given, name)
    if found.shape[1] != width:
        raise InvalidInputError(f"{name} are {found.shape[1]} wide, other features {width}: take them from one model")
    if len(bad := (~found.isfinite().all(dim=1)).nonzero()[:, 0]):
        raise InvalidInputError(f"{name} are not finite (first: row {int(bad[0])}): leave such rows out")
    return Activations(torch.nn.functional.normalize(found, dim=1) if unit else found)


def _tensor(given: Table, name: str) -> Tensor:
    try:
        found = given.detach().cpu() if isinstance(given, Tensor) else torch.from_numpy(np.array(given, np.float32))
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{name} are no table of numbers: give an array [rows, width]") from error
    if found.ndim != 2 or not found.shape[1]:
        raise InvalidInputError(f"{name} have the shape {tuple(found.shape)}: give an array [rows, width]")
    return found.float()


def _labels(given: Table, count: int, n_classes: int | None) -> Tensor:
    """Row numbers of classes.

    Raises:
        InvalidInputError: they are none, or not one for each image.
    """
    found = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
    if found.shape != (count,) or not count:
        raise InvalidInputError(f"labels have the shape {found.shape}, for {count} images: give one for each")
    whole = np.issubdtype(found.dtype, np.integer)
    if not whole or found.min() < 0 or (n_classes is not None and found.max() >= n_classes):
        rows = "0, 1, 2 ..." if n_classes is None else f"0 to {n_classes - 1}"
        raise InvalidInputError(f"labels are rows of the classes, {rows}: one of them is not")
    return torch.from_numpy(found.astype(np.int64))


def _numpy(values: Tensor) -> Floats:
    return np.asarray(values.detach())
