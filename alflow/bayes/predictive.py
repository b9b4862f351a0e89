"""The predictive distribution, in one place: embeddings, logits, probabilities, draws and uncertainty.

Each name is defined, with its formula and source, in the file that it is imported from.
"""

from alflow.bayes.draws import JointDraws, TopDraws, centred, joint_draws, stream_top_draws, top_draws
from alflow.bayes.gaussian import GaussianEmbeddings, check_classes, gaussian_embeddings, prompt_ensemble
from alflow.bayes.logits import (
    CachedClasses,
    CachedImages,
    ClassCovariances,
    Covariance,
    LogitMoments,
    cache_classes,
    cache_images,
    cached_moments,
    cached_scales,
    class_covariances,
    joint_scales,
    logit_moments,
    stream_cache,
)
from alflow.bayes.probabilities import Scales, difference_variances, mean_field, probit, probit_raw, sigmoid_probit
from alflow.bayes.uncertainty import (
    ClassUncertainty,
    Uncertainty,
    class_uncertainty,
    drawn_entropy,
    drawn_parts,
    entropy,
    monte_carlo,
    novelty,
    parts_from_draws,
    uncertainty_parts,
    variance_share,
)

__all__ = [
    "CachedClasses",
    "CachedImages",
    "ClassCovariances",
    "ClassUncertainty",
    "Covariance",
    "GaussianEmbeddings",
    "JointDraws",
    "LogitMoments",
    "Scales",
    "TopDraws",
    "Uncertainty",
    "cache_classes",
    "cache_images",
    "cached_moments",
    "cached_scales",
    "centred",
    "check_classes",
    "class_covariances",
    "class_uncertainty",
    "difference_variances",
    "drawn_entropy",
    "drawn_parts",
    "entropy",
    "gaussian_embeddings",
    "joint_draws",
    "joint_scales",
    "logit_moments",
    "mean_field",
    "monte_carlo",
    "novelty",
    "parts_from_draws",
    "probit",
    "probit_raw",
    "prompt_ensemble",
    "sigmoid_probit",
    "stream_cache",
    "stream_top_draws",
    "top_draws",
    "uncertainty_parts",
    "variance_share",
]
