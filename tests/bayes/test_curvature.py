"""The reduced forms against the sums they reduce, and against automatic differentiation."""

from math import sqrt
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from alflow.bayes.curvature import (
    Factors,
    estimate_factors,
    infonce_curvature,
    pair_factors,
    siglip_curvature,
    stream_factors,
)
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError

DATA = Path(__file__).parents[1] / "data"
SCALE, BIAS = 6.0, -1.5


def rows(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def logits(g: Tensor, others: Tensor) -> Tensor:
    """The logits of one embedding g [D]."""
    return SCALE * torch.nn.functional.normalize(others, dim=1) @ (g / g.norm()) + BIAS


def softmax_hessian(z: Tensor) -> Tensor:
    p = z.softmax(0)
    return p.diag() - torch.outer(p, p)


def sigmoid_hessian(z: Tensor) -> Tensor:
    return (torch.sigmoid(z) * torch.sigmoid(-z)).diag()


def written_out(g: Tensor, others: Tensor, hessian) -> Tensor:
    """Sum over rows of J^T Lambda J, J the analytic Jacobian of the logits in g."""
    Y = torch.nn.functional.normalize(others, dim=1)
    total = torch.zeros(g.shape[1], g.shape[1], dtype=g.dtype)
    for row in g:
        unit = row / row.norm()
        J = SCALE * Y @ (torch.eye(len(row), dtype=g.dtype) - torch.outer(unit, unit)) / row.norm()
        total += J.T @ hessian(logits(row, others)) @ J
    return total


def by_autograd(g: Tensor, others: Tensor, hessian) -> Tensor:
    total = torch.zeros(g.shape[1], g.shape[1], dtype=g.dtype)
    for row in g:
        J = torch.func.jacrev(logits)(row, others)
        total += J.T @ hessian(logits(row, others)) @ J
    return total


def curvature(g: Tensor, others: Tensor, likelihood: str) -> Tensor:
    if likelihood == "softmax":
        return infonce_curvature(g, others, SCALE)
    return siglip_curvature(g, others, SCALE, BIAS)


HESSIANS = {"softmax": softmax_hessian, "sigmoid": sigmoid_hessian}


@pytest.mark.parametrize("likelihood", HESSIANS)
def test_g1_single_datum_factors_are_the_exact_gauss_newton(likelihood: str) -> None:
    W, phi, others = rows(3, 4, seed=1), rows(1, 4, seed=2), rows(5, 3, seed=3)
    layers = LastLayers(W, W, SCALE, BIAS, likelihood)

    J = torch.func.jacrev(lambda weight: logits(weight @ phi[0], others))(W).reshape(5, -1)  # row-major [D P]
    exact = J.T @ HESSIANS[likelihood](logits(W @ phi[0], others)) @ J

    factors = pair_factors(phi, phi @ W.T, others, layers)
    torch.testing.assert_close(torch.kron(factors.B, factors.A), exact, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("likelihood", HESSIANS)
def test_g2_reduced_form_is_the_written_out_sum_and_autograd(likelihood: str) -> None:
    g, others = 3 * rows(7, 4, seed=1), rows(9, 4, seed=2)
    reduced = curvature(g, others, likelihood)
    torch.testing.assert_close(reduced, written_out(g, others, HESSIANS[likelihood]), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(reduced, by_autograd(g, others, HESSIANS[likelihood]), rtol=1e-12, atol=1e-12)


def test_curvature_meets_the_reference() -> None:
    data = load_file(DATA / "curvature.safetensors")
    scale, n = float(data["log_logit_scale"].exp()), int(data["siglip_rows"])
    infonce = infonce_curvature(data["embeddings"], data["others"], scale)
    siglip = siglip_curvature(data["embeddings"][:n], data["others"], scale, float(data["logit_bias"]))
    torch.testing.assert_close(infonce, data["infonce"], rtol=1e-9, atol=1e-9 * float(data["infonce"].abs().max()))
    torch.testing.assert_close(siglip, data["siglip"], rtol=1e-9, atol=1e-9 * float(data["siglip"].abs().max()))


def test_blocks_of_rows_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    g, others = rows(7, 4), rows(9, 4, seed=1)
    whole = infonce_curvature(g, others, SCALE)
    monkeypatch.setattr("alflow.bayes.curvature._COSINES_AT_ONCE", 18)  # two rows a block
    torch.testing.assert_close(infonce_curvature(g, others, SCALE), whole, rtol=1e-12, atol=1e-12)


def test_single_precision_is_close() -> None:
    g, others = rows(50, 16), rows(200, 16, seed=1)
    exact = infonce_curvature(g, others, SCALE)
    single = infonce_curvature(g.float(), others.float(), SCALE).double()
    assert (single - exact).norm() < 1e-5 * exact.norm()


class TestEstimate:
    layers = LastLayers(rows(4, 6, seed=1), rows(4, 5, seed=2), SCALE, BIAS)
    images, texts = Activations(rows(10, 6, seed=3), rows(10, 4, seed=9)), Activations(rows(10, 5, seed=4))

    def embeddings(self) -> tuple[Tensor, Tensor]:
        return self.images.embed(self.layers.image_weight), self.texts.embed(self.layers.text_weight)

    def test_one_batch_contrasts_everything(self) -> None:
        g, h = self.embeddings()
        image, text = estimate_factors(self.layers, self.images, self.texts, batch=10)
        torch.testing.assert_close(image.A, self.images.values.T @ self.images.values)
        torch.testing.assert_close(image.B, infonce_curvature(g, h, SCALE))
        torch.testing.assert_close(text.A, self.texts.values.T @ self.texts.values)
        torch.testing.assert_close(text.B, infonce_curvature(h, g, SCALE))
        assert image.n == text.n == 10

    def test_batches_contrast_within_themselves(self) -> None:
        g, h = self.embeddings()
        told: list[tuple[int, int | None]] = []
        image, _ = estimate_factors(self.layers, self.images, self.texts, 5, lambda *done: told.append(done))
        expected = infonce_curvature(g[:5], h[:5], SCALE) + infonce_curvature(g[5:], h[5:], SCALE)
        torch.testing.assert_close(image.B, expected)
        assert told == [(5, 10), (10, 10)]

    def test_goes_on_within_a_batch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Some rows at a time against the whole batch: the same sums, told as they grow, and taken up anywhere."""
        whole = estimate_factors(self.layers, self.images, self.texts, 5)
        monkeypatch.setattr("alflow.bayes.curvature._ROWS_AT_ONCE", 2)
        parts = list(stream_factors(self.layers, self.images, self.texts, 5))
        assert [part.done for part in parts] == [2, 4, 5, 7, 9, 10]
        for start in (None, *parts):
            *_, last = stream_factors(self.layers, self.images, self.texts, 5, start=start)
            for found, expected in zip((last.image, last.text), whole, strict=True):
                torch.testing.assert_close(found.A, expected.A)
                torch.testing.assert_close(found.B, expected.B)
                assert found.n == 10

    def test_chosen_negatives_join_every_batch(self) -> None:
        everything = torch.arange(10)
        in_batches = estimate_factors(self.layers, self.images, self.texts, 3, negatives=everything)
        at_once = estimate_factors(self.layers, self.images, self.texts, 10)
        for part, whole in zip(in_batches, at_once, strict=True):
            torch.testing.assert_close(part.B, whole.B)
            torch.testing.assert_close(part.A, whole.A)

    def test_no_pair_is_left_alone(self) -> None:
        """Three pairs in batches of two: a batch of one would have no curvature at all."""
        three = torch.arange(3)
        image, _ = estimate_factors(self.layers, self.images[three], self.texts[three], batch=2)
        g, h = self.embeddings()
        torch.testing.assert_close(image.B, infonce_curvature(g[:3], h[:3], SCALE))

    def test_refuses_what_is_no_set_of_pairs(self) -> None:
        with pytest.raises(InvalidInputError, match="one caption for each image"):
            estimate_factors(self.layers, self.images, self.texts[torch.arange(9)], 5)
        with pytest.raises(InvalidInputError, match="at the least"):
            estimate_factors(self.layers, self.images[torch.arange(1)], self.texts[torch.arange(1)], 5)
        spoilt = self.images.values.clone()
        spoilt[4, 0] = torch.nan
        with pytest.raises(InvalidInputError, match=r"1 image activations are not finite \(first: row 4"):
            estimate_factors(self.layers, Activations(spoilt, self.images.residuals), self.texts, 5)


def test_published_form_is_sums_over_root_n() -> None:
    factors = Factors(rows(3, 3), rows(2, 2), 16)
    A, B = factors.published_form()
    torch.testing.assert_close(A, factors.A / 4)
    again = Factors.published(A, B, 16)
    torch.testing.assert_close(again.A, factors.A)
    torch.testing.assert_close(again.B, factors.B)
    assert sqrt(again.n) == 4


def test_merge_counts_weights() -> None:
    one, other = Factors(rows(3, 3), rows(2, 2), 4), Factors(rows(3, 3, seed=1), rows(2, 2, seed=1), 2)
    both = one.merge(other, weight=3)
    torch.testing.assert_close(both.A, one.A + 3 * other.A)
    torch.testing.assert_close(both.B, one.B + 3 * other.B)
    assert both.n == 10
