"""Which class names are uncertain: how far each is from what the pretraining read, whatever the image.

Axes: N images, C classes, D width of the joint embedding.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.logits import class_covariances
from alflow.bayes.model import Model


def name_deviations(model: Model, embeddings: Float[Tensor, "N D"]) -> Float[Tensor, " C"]:
    """Standard deviation of the logit of a typical image that comes from the class's name alone.

    By the posterior of the text projection, sqrt(S_cc mean r): S = s^2 k_t(c, c) / E|h|^2, r = g^T Binv_t g / E|g|^2.

    Args:
        model: its text posterior.
        embeddings: g / sqrt(E|g|^2) of images; their mean r is that of the typical image.
    """
    text = model.text_posterior
    S = class_covariances(model.image_posterior, text, model.texts, model.classes, model.layers.scale).S
    along = (embeddings @ text.spectrum.output_basis.to(embeddings.dtype)).square()
    r = along @ text.output_spectrum.to(embeddings.dtype)
    return (S.diagonal() * (r.mean() if len(r) else torch.zeros((), dtype=S.dtype))).sqrt()
