"""The definitions, written out: what the reduced forms are compared with, in tests and in `make bench`."""

from math import pi, sqrt

import torch
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.kronecker import KroneckerPosterior
from tests.bayes.paper import LogitMoments


def softmax_hessian(z: Tensor) -> Tensor:
    p = z.softmax(0)
    return p.diag() - torch.outer(p, p)


def sigmoid_hessian(z: Tensor) -> Tensor:
    return (torch.sigmoid(z) * torch.sigmoid(-z)).diag()


def cosine_jacobian(row: Tensor, unit_others: Tensor, scale: float) -> Tensor:
    """Of the logits of one embedding [D], in the embedding: [M D]."""
    unit = row / row.norm()
    return scale * (unit_others - torch.outer(unit_others @ unit, unit)) / row.norm()


def infonce_curvature(g: Tensor, others: Tensor, scale: float) -> Tensor:
    """Sum over rows of J^T (diag(p) - p p^T) J: one [M D] Jacobian and one [D D] term for each datum."""
    Y = torch.nn.functional.normalize(others, dim=1)
    total = g.new_zeros(g.shape[1], g.shape[1])
    for row in g:
        J = cosine_jacobian(row, Y, scale)
        p = (scale * Y @ (row / row.norm())).softmax(0)
        mean = p @ J
        total += J.T @ (p[:, None] * J) - torch.outer(mean, mean)
    return total


def published_moments(
    images: tuple[Tensor, Tensor],
    classes: tuple[Tensor, Tensor],
    inverses: tuple[Tensor, Tensor, Tensor, Tensor],
    scale: float,
    rows: int = 8192,
) -> LogitMoments:
    """ProbCosine as published: a variance for each element of each embedding, the sums over them as matrix products.

    Args:
        images: activations [N P] and embeddings [N D].
        classes: the same of the classes.
        inverses: Ainv [P P] and the diagonal of Binv [D] of the images, then of the classes.
        scale: of the logits.
        rows: a chunk.
    """
    Ainv, b, Ainv_t, b_t = inverses
    h, var_h = classes[1], _element_variances(classes[0], Ainv_t, b_t)
    norm_h = (h.square() + var_h).sum(1, keepdim=True)
    means, variances = [], []
    for values, g in zip(torch.split(images[0], rows), torch.split(images[1], rows), strict=True):
        var_g = _element_variances(values, Ainv, b)  # [rows D]
        second = g.square() + var_g
        norm_g = second.sum(1, keepdim=True)
        means.append(scale * (g / norm_g.sqrt()) @ (h / norm_h.sqrt()).T)
        terms = second @ var_h.T + var_g @ h.square().T
        variances.append(scale**2 * terms / (norm_g * norm_h.T))
    return LogitMoments(torch.cat(means), torch.cat(variances))


def inverses(image: KroneckerPosterior, text: KroneckerPosterior, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """The arguments of `published_moments`: dense inverses of the damped factors."""
    found = []
    for posterior in (image, text):
        A, B = posterior.spectrum.factors.published_form()
        for factor, X in (("A", A), ("B", B)):
            damped = sqrt(posterior.tau) * X + sqrt(posterior.prior_precision) * torch.eye(len(X), dtype=X.dtype)
            inverse = torch.linalg.inv(damped)
            found.append((inverse if factor == "A" else inverse.diagonal()).to(dtype).contiguous())
    return tuple(found)


def _element_variances(values: Tensor, Ainv: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("ij,jk,ik->i", values, Ainv, values)[:, None] * b


def drawn_probabilities(mean: Tensor, variance: Tensor, Q: Tensor, n_draws: int, generator: torch.Generator) -> Tensor:
    """[N K C]: softmax of draws of all logits, with covariance v Q in each row; one noise for all rows."""
    room = 1e-9 * torch.eye(len(Q), dtype=torch.float64)
    root = torch.linalg.cholesky(Q.double() + room * Q.double().diagonal().mean())
    noise = (torch.randn(n_draws, len(Q), dtype=torch.float64, generator=generator) @ root.T).to(mean.dtype)
    return (mean[:, None] + variance.sqrt()[:, None, None] * noise).softmax(-1)


def entropies(draws: Tensor) -> tuple[Tensor, Tensor]:
    """Total and epistemic entropy of draws [N K C]: H(mean p) and H(mean p) - mean H(p)."""
    mean = draws.mean(1)
    total = -torch.xlogy(mean, mean).sum(1)
    return total, total + torch.xlogy(draws, draws).sum(2).mean(1)


def log_evidence(A: Tensor, B: Tensor, norm: float, tau: float, log_precision: Tensor) -> Tensor:
    """Of the damped posterior, by the log-determinants of the dense factors."""
    P, D = len(A), len(B)
    root = (log_precision / 2).exp()
    on_a = torch.logdet(sqrt(tau) * A + root * torch.eye(P, dtype=A.dtype))
    on_b = torch.logdet(sqrt(tau) * B + root * torch.eye(D, dtype=B.dtype))
    prior = 0.5 * (P * D * log_precision - log_precision.exp() * norm)
    return prior - 0.5 * (D * on_a + P * on_b)


def best_prior_precision(factors: Factors, norm: float, tau: float, steps: int = 20) -> float:
    """Lambda of the highest evidence by Newton steps on dense log-determinants, differentiated automatically."""
    A, B = factors.published_form()
    log_precision = torch.tensor(0.0, dtype=A.dtype)
    for _ in range(steps):
        log_precision.requires_grad_(True)
        (slope,) = torch.autograd.grad(log_evidence(A, B, norm, tau, log_precision), log_precision, create_graph=True)
        (bend,) = torch.autograd.grad(slope, log_precision)
        log_precision = (log_precision - (slope / bend).clamp(-2, 2)).detach()
    return float(log_precision.exp())


def published_probit(moments: LogitMoments) -> Tensor:
    """The paper's probabilities, which see a constant that is added to all logits."""
    return (moments.mean / (1 + pi / 8 * moments.variance).sqrt()).softmax(1)


def squared_wasserstein(left: Tensor, right: Tensor) -> Tensor:
    """Squared Euclidean distance of every lifted row [N E] from every other [M E]."""
    return (left[:, None] - right).square().sum(2)
