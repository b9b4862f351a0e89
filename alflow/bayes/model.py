"""One value for the model: the last layers of both towers, the posterior of each, and the classes it tells apart."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from jaxtyping import Float
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.gaussian import GaussianEmbeddings, gaussian_embeddings
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.logits import ClassCovariances, class_covariances
from alflow.bayes.spectrum import Spectrum
from alflow.embeddings import Activations, LastLayers


@dataclass(frozen=True)
class Model:
    """Everything that a prediction depends on, zero-shot or fitted.

    Attributes:
        layers: projections, scale and bias; the posteriors are centred at the projections.
        image_posterior, text_posterior: of the two projections.
        classes: inputs of the text projection, one row a class [C P_t].
    """

    layers: LastLayers
    image_posterior: KroneckerPosterior
    text_posterior: KroneckerPosterior
    classes: Activations

    def images(self, rows: Activations, features: Float[Tensor, "N P"] | None = None) -> GaussianEmbeddings:
        """Gaussian embeddings of images; `features` are those of `KroneckerPosterior.features`, if at hand."""
        return gaussian_embeddings(rows, self.layers.image_weight, self.image_posterior, features=features)

    @cached_property
    def texts(self) -> GaussianEmbeddings:
        """Gaussian embeddings of the classes."""
        return gaussian_embeddings(self.classes, self.layers.text_weight, self.text_posterior)

    @cached_property
    def covariances(self) -> ClassCovariances:
        """Q, S and tr(Binv Binv_t) of the classes."""
        posteriors = (self.image_posterior, self.text_posterior)
        return class_covariances(*posteriors, self.texts, self.classes, self.layers.scale)

    def fitted(self, layers: LastLayers, image_factors: Factors, spread: float) -> Self:
        """This model after a fit: other layers, further image factors, covariances times the spread."""
        image = replace(self.image_posterior, spectrum=Spectrum.when_asked(image_factors))
        return replace(
            self,
            layers=layers,
            image_posterior=image.tempered(spread),
            text_posterior=self.text_posterior.tempered(spread),
        )
