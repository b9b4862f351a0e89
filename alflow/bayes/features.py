"""A model of features that somebody else has made: image and class embeddings, without the towers behind them.

Axes: C classes, D width of the embeddings.
"""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.field import Frame
from alflow.bayes.gaussian import check_classes
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.model import Model
from alflow.embeddings import Activations, LastLayers

_CERTAIN: Final = 1e8  # prior precision: an embedding then varies by 1e-4 of its length


def neutral_posterior(width: int) -> KroneckerPosterior:
    """That of a layer of which the pretraining left nothing open: D = P = width.

    Embeddings are certain, and as their factor A is that of unit vectors in all directions alike, no unit vector is
    unlike the pretraining (its novelty is 1). The field of the logits, and so prediction, parts and choice, asks
    nothing of it.
    """
    one = torch.eye(width, dtype=torch.float64)
    return KroneckerPosterior.damped(Factors(one / width, one, 1.0), prior_precision=_CERTAIN, tau=1.0)


def model_of_features(classes: Float[Tensor, "C D"], frame: Frame, scale: float) -> Model:
    """The zero-shot model whose logits are scale * cosine of image and class embedding: both last layers the identity.

    Args:
        classes: embeddings of the classes.
        frame: where the image embeddings lie.
        scale: of the logits, as the pretraining left it.

    Raises:
        InvalidInputError: there are fewer than two classes, one is zero or not finite, or two are alike.
    """
    rows, width = Activations(classes), classes.shape[1]
    check_classes(rows)
    one, posterior = torch.eye(width, dtype=classes.dtype), neutral_posterior(width)
    return Model(LastLayers(one, one, scale), posterior, posterior, rows, frame)
