"""Which class names are uncertain: how far each is from what the pretraining read, whatever the image.

Axes: N images, C classes, D width of the joint embedding.
"""

from jaxtyping import Float
from torch import Tensor

from alflow.bayes.model import Model


def name_deviations(model: Model, embeddings: Float[Tensor, "N D"]) -> Float[Tensor, " C"]:
    """Standard deviation of the logit of a typical image that comes from the class's name alone.

    By the posterior of the text projection, s sqrt(k_t(c, c) mean r / E|h|^2) with r = g^T Binv_t g / E|g|^2.

    Args:
        model: its text posterior.
        embeddings: g / sqrt(E|g|^2) of images; their mean r is that of the typical image.
    """
    text, classes = model.text_posterior, model.texts
    along = (embeddings @ text.spectrum.output_basis.to(embeddings.dtype)).square()
    r = along @ text.output_spectrum.to(embeddings.dtype)
    typical = r.mean() if len(r) else r.new_zeros(())
    return model.layers.scale * (classes.variance_scale * typical).sqrt() / classes.expected_norm
