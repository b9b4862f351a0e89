"""BAIT: the batch that leaves least error of a linear head over all images, by its Fisher information.

With F(x) the Fisher information of a label of x about the head, the batch S minimises

    tr(M^-1 F),   M = I + L / (L + B) mean_labelled F(x) + B / (L + B) sum_{x in S} F(x),   F = mean_all F(x)

The matrices of C classes have (C D)^2 entries. Following Huseljic et al. the label is taken as whether the predicted
class is right, whose information is F(x) = p (1 - p) x x^T = a a^T with p the largest probability: D^2 entries, of rank
one, and for two classes what the full form says of the difference of their weights.

Axes: N pool rows, L labelled rows, D width of the points, C classes, B picks.

References:
    Ash et al., Gone Fishing: Neural Active Learning with Fisher Embeddings, arXiv 2106.09675, algorithm 1.
    Huseljic et al., Fast Fishing: Approximating BAIT for Efficient and Scalable Deep Active Image Classification, arXiv
    2404.08981.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition
from alflow.acquisition.greedy import greedy

OVERSAMPLING = 2
"""Rows that are picked forward for each that stays."""


def bait(pool: Float[Tensor, "N D"], labelled: Float[Tensor, "L D"], budget: int) -> Acquisition:
    """Twice the budget forward, each pick the largest drop of tr(M^-1 F), then backward what is missed least.

    The score of a row is the drop at the moment it was picked. Costs N D a pick.

    Args:
        pool: a of each row (`root_information`).
        labelled: a of each labelled row.
        budget: B; a smaller pool is taken whole.
    """
    share = budget / (len(labelled) + budget)
    whole = torch.cat([pool, labelled]).double()
    precision = torch.eye(pool.shape[1], dtype=torch.float64)
    if len(labelled):
        precision += (1 - share) / len(labelled) * labelled.double().T @ labelled.double()
    state = _State(share**0.5 * pool.double(), precision.inverse(), whole.T @ whole / len(whole))

    def after(row: int) -> Float[Tensor, " N"]:
        state.change(row, 1)
        return state.drops()

    found = greedy(state.drops(), after, OVERSAMPLING * budget)
    rows = found.rows.tolist()
    if len(rows) > budget:
        state.change(rows[-1], 1)
    while len(rows) > budget:
        missed = state.losses()[rows].flip(0)  # of equals the latest goes
        state.change(rows.pop(len(rows) - 1 - int(missed.argmin())), -1)
    stays = torch.isin(found.rows, torch.tensor(rows, dtype=torch.int64))
    return Acquisition(found.rows[stays], found.scores[stays], found.all_scores)


def root_information(probabilities: Float[Tensor, "N C"], points: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """The vector a = sqrt(p (1 - p) D) x of each unit vector x, so that F(x) = a a^T.

    The factor D gives every feature the mean square 1, which the prior precision 1 of the head takes for granted.
    """
    largest = probabilities.amax(dim=1).clamp(0, 1)
    return (points.shape[1] * largest * (1 - largest)).sqrt()[:, None] * points


class _State:
    """M^-1, and by Woodbury's identity what every row would change: q = a^T M^-1 a and n = a^T M^-1 F M^-1 a."""

    def __init__(self, rows: Float[Tensor, "N D"], inverse: Float[Tensor, "D D"], fisher: Float[Tensor, "D D"]) -> None:
        self.rows, self.inverse, self.fisher = rows, inverse, fisher
        half = rows @ inverse
        self.quadratic = (half * rows).sum(dim=1)
        self.numerator = (half @ fisher * half).sum(dim=1)

    def drops(self) -> Float[Tensor, " N"]:
        """Of tr(M^-1 F), by adding each row."""
        return self.numerator / (1 + self.quadratic)

    def losses(self) -> Float[Tensor, " N"]:
        """Of tr(M^-1 F), by taking each row out again; for rows that are in M."""
        return self.numerator / (1 - self.quadratic).clamp_min(torch.finfo(torch.float64).eps)

    def change(self, row: int, sign: int) -> None:
        """M + a a^T (1) or M - a a^T (-1) of a row: M^-1 - u u^T / d with u = M^-1 a and d = a . u + sign."""
        u = self.inverse @ self.rows[row]
        d = float(self.rows[row] @ u) + sign
        along, fisher_u = self.rows @ u, self.fisher @ u
        across = self.rows @ (self.inverse @ fisher_u)
        self.numerator = self.numerator - 2 * along * across / d + along.square() * float(u @ fisher_u) / d**2
        self.quadratic = self.quadratic - along.square() / d
        self.inverse = self.inverse - torch.outer(u, u) / d
