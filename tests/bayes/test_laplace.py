"""Agreement with laplace-torch where the two mean the same: one linear layer, then a fixed head of cosines.

Its Kronecker posterior of that layer with a softmax likelihood is ours of the same images against the classes: the
undamped one is our exact form at tau = 1, the damped one our damped form.
"""

import pytest
import torch
from torch import Tensor, nn

from alflow.bayes.curvature import Factors, pair_factors
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.spectrum import Spectrum
from alflow.embeddings import LastLayers
from tests.bayes.paper import Weights

laplace = pytest.importorskip("laplace", reason="laplace-torch is not installed")

N, C, P, D, SCALE, PRECISION = 12, 4, 5, 3, 6.0, 2.5


class CosineHead(nn.Module):
    def __init__(self, weight: Tensor, classes: Tensor) -> None:
        super().__init__()
        self.layer = nn.Linear(P, D, bias=False, dtype=weight.dtype)
        self.layer.weight.data = weight.clone()
        self.classes = nn.functional.normalize(classes, dim=1)

    def forward(self, phi: Tensor) -> Tensor:
        return SCALE * nn.functional.normalize(self.layer(phi), dim=1) @ self.classes.T


def fitted(damping: bool = False):
    """Images, weight, our factors, their posterior and the model."""
    from laplace import KronLaplace
    from laplace.curvature import CurvlinopsGGN

    generator = torch.Generator().manual_seed(0)
    phi = torch.randn(N, P, dtype=torch.float64, generator=generator)
    weight = torch.randn(D, P, dtype=torch.float64, generator=generator)
    classes = torch.randn(C, D, dtype=torch.float64, generator=generator)
    labels = torch.randint(C, (N,), generator=generator)
    model = CosineHead(weight, classes)
    theirs = KronLaplace(model, "classification", prior_precision=PRECISION, damping=damping, backend=CurvlinopsGGN)
    theirs.fit(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(phi, labels), batch_size=N))
    return phi, weight, pair_factors(phi, phi @ weight.T, classes, LastLayers(weight, weight, SCALE)), theirs, model


def test_exact_posterior_of_one_layer_is_that_of_laplace_torch() -> None:
    """From the data on: curvature, log-determinant and the variance of the logits."""
    phi, weight, factors, theirs, model = fitted()
    ours = Weights.exact(Spectrum.of(factors), PRECISION, 1.0)
    assert ours.logdet == pytest.approx(float(theirs.log_det_posterior_precision), rel=1e-4)

    J = torch.func.jacrev(lambda W: SCALE * nn.functional.normalize(phi[:2] @ W.T, dim=1) @ model.classes.T)(weight)
    covariance = torch.stack([ours.times(row, 1) for row in J.flatten(0, 1)])  # [2C D P]
    expected = (J.flatten(0, 1).flatten(1) @ covariance.flatten(1).T).reshape(2, C, 2, C)
    _, variance = theirs._glm_predictive_distribution(phi[:2])
    for n in range(2):
        torch.testing.assert_close(variance[n].double(), expected[n, :, n], rtol=1e-4, atol=1e-6)


def test_damped_posterior_is_that_of_laplace_torch() -> None:
    """From its own factors on, since damping sees how n is shared out between them."""
    from laplace.utils.matrix import KronDecomposed

    _, weight, _, theirs, _ = fitted(damping=True)
    (pair,) = theirs.H_facs.kfacs
    B, A = pair
    # Its sum with the prior forgets the damping (laplace-torch 0.3), so the precision is put together here.
    precision = KronDecomposed(theirs.H.eigenvectors, theirs.H.eigenvalues, torch.tensor([PRECISION]), damping=True)
    ours = Weights.damped(KroneckerPosterior.damped(Factors.published(A, B, N), PRECISION, 1.0))
    assert ours.logdet == pytest.approx(float(precision.logdet()), rel=1e-4)
    product = precision.bmm(weight.reshape(1, 1, -1), exponent=-1).reshape(D, P)
    torch.testing.assert_close(ours.times(weight, 1), product.double(), rtol=1e-4, atol=1e-6)
