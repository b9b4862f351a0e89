"""The prior precision: its slope, its optimum, and the numbers published with the method."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from alflow.bayes.curvature import Factors
from alflow.bayes.evidence import best_prior_precision, evidence_slope
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.spectrum import Spectrum
from alflow.errors import InvalidInputError
from tests.bayes import paper
from tests.bayes.conftest import random_factors
from tests.bayes.paper import Weights, log_evidence

FACTORS = random_factors(6, 4, 40, torch.Generator().manual_seed(0))
SPECTRUM = Spectrum.of(FACTORS)
NORM, TAU = 3.0, 10.0


def test_g4_slope_is_the_central_difference() -> None:
    evidence, slope = log_evidence(SPECTRUM, NORM, TAU), evidence_slope(SPECTRUM, NORM, TAU)
    for log_precision in (-8.0, -1.0, 0.5, 3.0, 6.0):
        difference = (evidence(log_precision + 1e-4) - evidence(log_precision - 1e-4)) / 2e-4
        assert slope(log_precision) == pytest.approx(difference, abs=1e-6, rel=1e-6)


@pytest.mark.parametrize("form", ["damped", "exact", "published"])
def test_g4_optimum_is_that_of_a_grid(form: str) -> None:
    of_form = paper.best_prior_precision(SPECTRUM, NORM, TAU, form)
    evidence = log_evidence(SPECTRUM, NORM, TAU, form)
    grid = np.linspace(-20, 20, 40_001)
    on_grid = grid[np.argmax([evidence(point) for point in grid])]
    for best in (of_form, best_prior_precision(FACTORS, NORM, TAU) if form == "damped" else of_form):
        assert abs(np.log(best) - on_grid) <= 0.5001e-3  # half a step
    assert evidence_slope(SPECTRUM, NORM, TAU)(np.log(best_prior_precision(FACTORS, NORM, TAU))) == pytest.approx(
        0, abs=1e-6
    )


@pytest.mark.parametrize("form", ["damped", "exact"])
def test_evidence_uses_the_log_determinant_of_the_posterior(form: str) -> None:
    evidence = log_evidence(SPECTRUM, NORM, TAU, form)
    for precision in (0.1, 20.0):
        damped = Weights.damped(KroneckerPosterior.damped(SPECTRUM, precision, TAU))
        weights = damped if form == "damped" else Weights.exact(SPECTRUM, precision, TAU)
        prior = 0.5 * (24 * np.log(precision) - precision * NORM)
        assert evidence(np.log(precision)) == pytest.approx(prior - 0.5 * weights.logdet, rel=1e-12)


def test_no_optimum_is_said_to_be_none() -> None:
    nothing = Factors(torch.zeros(3, 3), torch.zeros(2, 2), 5)
    with pytest.raises(InvalidInputError, match="no maximum"):
        best_prior_precision(nothing, NORM, TAU)
    with pytest.raises(InvalidInputError, match="no maximum"):
        best_prior_precision(FACTORS, 0.0, TAU)


@pytest.mark.parametrize(
    ("modality", "norm", "published", "damped", "exact"),
    [("img", 63.66, 2997.9, 3913, 5063), ("txt", 42.14, 2537.3, 4179, 5431)],
)
def test_g5_published_precisions_of_clip_vit_b32(
    modality: str, norm: float, published: float, damped: float, exact: float
) -> None:
    folder = Path(os.environ.get("ALFLOW_REFERENCE", ".")) / "laion2b_vit_b_32"
    if not (folder / f"A_{modality}_analytic.pt").exists():
        pytest.skip("ALFLOW_REFERENCE names no folder with the published factors laion2b_vit_b_32")
    A, B = (
        torch.load(folder / f"{name}_{modality}_analytic.pt", weights_only=True, map_location="cpu") for name in "AB"
    )
    spectrum = Spectrum.of(Factors.published(A, B, 327_680))
    assert paper.best_prior_precision(spectrum, norm, 10, "published") == pytest.approx(published, rel=5e-4)
    assert best_prior_precision(spectrum, norm, 10) == pytest.approx(damped, rel=5e-4)
    assert paper.best_prior_precision(spectrum, norm, 10, "exact") == pytest.approx(exact, rel=5e-4)
