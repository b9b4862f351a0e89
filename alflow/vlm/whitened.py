"""The MAP fit of a projection in coordinates where its prior is white.

Axes: N items, C classes, D joint width, P activation width, r = min(N, P).

    minimise  - sum_n log p(y_n | s cos(g_n, h) + b) + 1/2 |change|^2 + 1/2 ((log s - log s0) / .7)^2

The prior has a Kronecker covariance Binv (x) Ainv. With u = phi Ainv^1/2 and the eigenvectors of Binv as output
coordinates, a standard normal `change` moves embeddings by Binv^1/2 change u. Only the span of the rows u_n matters, so
`change` is [D r], and a step of the optimiser costs a few N r D operations.
"""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Self

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.bayes.kronecker import KroneckerPosterior
from alflow.embeddings import Activations, LastLayers

_LOG_SCALE_SD = 0.7
_BIAS_SD = 2.0
_MAX_LOG_SCALE = 10.0  # 14 deviations: only a step of the line search gets there, and must find a number, not NaN
_MAX_STEPS = 20
_TOLERANCE = 1e-3  # nats


@dataclass(frozen=True)
class Solution:
    """Change of the projection in standard deviations of its prior, and changes of the head."""

    change: Float[Tensor, "D r"]
    log_scale: float
    bias: float


@dataclass(frozen=True)
class Problem:
    """A support set in white coordinates.

    Attributes:
        coordinates: of the whitened activations in their span.
        back: turns such coordinates into rows of weights.
        basis, root: eigenvectors and standard deviations of the prior over outputs.
        g: pretrained embeddings in that basis.
        h: normalised class embeddings in that basis.
        labels: rows of h.
        layers: scale, bias and likelihood to start from.
    """

    coordinates: Float[Tensor, "N r"]
    back: Float[Tensor, "r P"]
    basis: Float[Tensor, "D D"]
    root: Float[Tensor, " D"]
    g: Float[Tensor, "N D"]
    h: Float[Tensor, "C D"]
    labels: Int64[Tensor, " N"]
    layers: LastLayers

    @classmethod
    def of(
        cls,
        support: Activations,
        labels: Int64[Tensor, " N"],
        classes: Float[Tensor, "C D"],
        layers: LastLayers,
        posterior: KroneckerPosterior,
    ) -> Self:
        """Change coordinates: once, for all folds and reaches."""
        weight = layers.image_weight
        row_root = posterior.row_root.to(weight.dtype)
        orthonormal, coordinates = torch.linalg.qr((support.values.to(weight.dtype) @ row_root).T)  # [P r], [r N]
        basis = posterior.spectrum.output_basis.to(weight.dtype)
        return cls(
            coordinates=coordinates.T.contiguous(),
            back=(row_root @ orthonormal).T,
            basis=basis,
            root=posterior.output_spectrum.sqrt().to(weight.dtype),
            g=support.embed(weight) @ basis,
            h=torch.nn.functional.normalize(classes.to(weight.dtype), dim=1) @ basis,
            labels=labels,
            layers=layers,
        )

    def __getitem__(self, rows: Bool[Tensor, " N"]) -> Self:
        return replace(self, coordinates=self.coordinates[rows], g=self.g[rows], labels=self.labels[rows])

    @property
    def reach(self) -> float:
        """By how many nats the prior lets the logits of these items move.

        Root mean square over items and classes, to first order and without what moves all classes alike.
        """
        apart = self.h - self.h.mean(dim=0)
        of_rows = self.coordinates.square().sum(dim=1).mean() / self.g.square().sum(dim=1).mean()
        of_classes = (apart * self.root).square().sum(dim=1).mean()
        return self.layers.scale * sqrt(of_rows * of_classes)

    def with_reach(self, reach: float) -> Self:
        """The same prior, made wider or narrower."""
        return replace(self, root=self.root * (reach / self.reach))

    def solve(self) -> Solution:
        """Minimise the loss by L-BFGS from the prior's mean, in at most 20 steps.

        The limit is part of the method: the very weakest priors are left a little before their optimum, in the
        cross-validation as in the final fit.
        """
        change = self.g.new_zeros(self.g.shape[1], self.coordinates.shape[1])
        head = self.g.new_zeros(2)
        optimiser = torch.optim.LBFGS(
            [change, head], max_iter=_MAX_STEPS, tolerance_change=_TOLERANCE, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            loss, change.grad, head.grad = self.loss(change, head)
            return loss

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        log_scale, bias = head.tolist()
        return Solution(change, log_scale, bias)

    def loss(
        self, change: Float[Tensor, "D r"], head: Float[Tensor, "2"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "D r"], Float[Tensor, "2"]]:
        """Negative log posterior up to a constant, and its gradients; `head` holds changes of log scale and bias.

        Without automatic differentiation: the matrices are small and a fit asks hundreds of times.
        """
        moved = self._moved(change)
        length = moved.norm(dim=1, keepdim=True).clamp_min(1e-12)
        unit = moved / length
        cosines = unit @ self.h.T  # [N C]
        scale = self.layers.scale * head[0].clamp(max=_MAX_LOG_SCALE).exp()
        misfit, of_logits = self._misfit(scale * cosines + (self.layers.bias + head[1]))
        of_unit = scale * of_logits @ self.h  # [N D]
        of_moved = (of_unit - (of_unit * unit).sum(dim=1, keepdim=True) * unit) / length
        of_change = (of_moved * self.root).T @ self.coordinates + change
        variances = head.new_tensor([_LOG_SCALE_SD**2, _BIAS_SD**2])
        of_log_scale = (of_logits * cosines).sum() * scale * (head[0] < _MAX_LOG_SCALE)
        of_head = torch.stack([of_log_scale, of_logits.sum()]) + head / variances
        prior = change.square().sum() + (head.square() / variances).sum()
        return misfit + 0.5 * prior, of_change, of_head

    def embeddings(self, solution: Solution) -> Float[Tensor, "N D"]:
        """G of these items under a solution, in the ordinary basis."""
        return self._moved(solution.change) @ self.basis.T

    def weight_change(self, solution: Solution) -> Float[Tensor, "D P"]:
        """W - W0."""
        return self.basis @ (self.root[:, None] * solution.change) @ self.back

    def _moved(self, change: Float[Tensor, "D r"]) -> Float[Tensor, "N D"]:
        return self.g + (self.coordinates @ change.T) * self.root

    def _misfit(self, logits: Float[Tensor, "N C"]) -> tuple[Float[Tensor, ""], Float[Tensor, "N C"]]:
        """Negative log likelihood and its gradient."""
        answers = torch.nn.functional.one_hot(self.labels, logits.shape[1]).to(logits.dtype)
        if self.layers.likelihood == "softmax":  # blind to the bias, which its prior keeps in place
            log_p = logits.log_softmax(dim=1)
            return -(answers * log_p).sum(), log_p.exp() - answers
        return -torch.nn.functional.logsigmoid((2 * answers - 1) * logits).sum(), logits.sigmoid() - answers
