"""Is a random slice still like the images it is to speak for? Two tests, together at one level.

Confidences are compared by Kolmogorov and Smirnov; embeddings by the maximum mean discrepancy with a Gaussian kernel
whose width is the median distance, and random exchanges of the two groups. Each test has half of the level, so that a
slice that was drawn out of just these images is refused with at most that chance.

Axes: n images of the slice, N others, D numbers an image, B exchanges.

References:
    Massey, The Kolmogorov-Smirnov test for goodness of fit, 1951.
    Gretton et al., A Kernel Two-Sample Test, JMLR 2012.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

Floats = NDArray[np.float64]

LEVEL: Final = 0.01
"""How often a slice that has not drifted is refused, at most."""
FEWEST: Final = 5
"""Images of the slice below which nothing can be told."""
_EXCHANGES: Final = 999
_MOST: Final = 1500  # images of a group in the kernel's table


@dataclass(frozen=True)
class Drift:
    """p-values of "the slice is a random part of these images": of the confidences and of the embeddings."""

    confidence: float
    embeddings: float

    @property
    def p_value(self) -> float:
        """Of both together (Bonferroni)."""
        return min(1.0, 2 * min(self.confidence, self.embeddings))

    @property
    def found(self) -> bool:
        """Whether the slice speaks for other images than these."""
        return self.p_value <= LEVEL


def drift(
    slice_confidence: Floats, confidence: Floats, slice_points: Floats, points: Floats, generator: np.random.Generator
) -> Drift:
    """Compare a slice [n], [n D] with the images it was drawn from or should have been, [N], [N D]."""
    if min(len(slice_confidence), len(confidence)) < FEWEST:
        return Drift(1.0, 1.0)
    by_confidence = float(ks_2samp(slice_confidence, confidence, method="auto").pvalue)
    return Drift(by_confidence, mean_discrepancy(_some(slice_points, generator), _some(points, generator), generator))


def mean_discrepancy(one: Floats, other: Floats, generator: np.random.Generator) -> float:
    """p-value of the maximum mean discrepancy of two groups of points, by exchanges between them."""
    both = np.concatenate([one, other]).astype(np.float32)
    norms = (both * both).sum(axis=1)
    squares = np.maximum(norms[:, None] + norms[None, :] - 2 * both @ both.T, 0)
    width = float(np.median(squares))
    if not width > 0:
        return 1.0
    kernel = np.exp(-squares / width)
    np.fill_diagonal(kernel, 0)  # an image is no evidence that it is like itself
    n, N = len(one), len(other)  # noqa: N806
    member = np.zeros((_EXCHANGES + 1, n + N), dtype=np.float32)
    member[0, :n] = 1
    for row in member[1:]:
        row[generator.permutation(n + N)[:n]] = 1
    toward = member @ kernel  # [B+1 n+N]
    inside = (toward * member).sum(axis=1)
    across = toward.sum(axis=1) - inside
    outside = kernel.sum() - inside - 2 * across
    found = inside / (n * (n - 1)) + outside / (N * (N - 1)) - 2 * across / (n * N)
    return float((1 + (found[1:] >= found[0]).sum()) / (1 + _EXCHANGES))


def _some(points: Floats, generator: np.random.Generator) -> Floats:
    return points if len(points) <= _MOST else points[np.sort(generator.permutation(len(points))[:_MOST])]
