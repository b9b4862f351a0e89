"""The numerics of one prediction, at the size of CLIP ViT-B/32: curvature, entropies, evidence.

The written-out forms are those of the tests, in float32 on the same threads. Inputs are those of `clip_world`: the
published factors where ALFLOW_REFERENCE has them.
"""

from collections.abc import Iterator
from functools import cache, partial

import torch
from torch import Tensor

from alflow.bayes.curvature import infonce_curvature
from alflow.bayes.evidence import best_prior_precision
from alflow.bayes.field import Frame
from alflow.bayes.fit import refit
from alflow.bayes.model import Model
from alflow.bayes.spectrum import Spectrum
from alflow.bayes.uncertainty import entropy, uncertainty
from tests.bayes import written_out
from tests.bayes.clip_world import NORMS, TAU, ClipWorld, D, clip_world, factors
from tests.bench.harness import Row, at_least, at_most, case, compare, extra_megabytes, seconds, sized, timed

N = sized(100_000)
TOP = 200
MILLION = sized(1_000_000)


@cache
def world(n_classes: int) -> ClipWorld:
    return clip_world(N, n_classes)


@case
def memory() -> Iterator[Row]:
    p, variance, Q = predicted(world(65))
    uncertainty(p[:TOP], variance[:TOP], Q)  # what is made once is no part of it
    some, whole = (extra_megabytes(partial(uncertainty, p[:n], variance[:n], Q)) for n in (N // 2, N))
    yield at_most(f"memory of BALD of 100,000 images over that of 50,000 ({some:.0f} MB)", whole / some, 1.25)


@case
def curvature() -> Iterator[Row]:
    of, negatives, rows = world(65), sized(32_768), sized(2048)
    g = of.images[torch.arange(rows)].embed(of.layers.image_weight)
    # Captions at a cosine of about .2 to their images, as CLIP's are: the softmax is neither flat nor decided.
    others = of.images[torch.arange(negatives)].embed(of.layers.image_weight)
    others = others / others.norm(dim=1, keepdim=True) + 0.2 * torch.randn(
        others.shape, generator=torch.Generator().manual_seed(0)
    )
    fast = partial(infonce_curvature, g, others, 100.0)
    slow = partial(written_out.infonce_curvature, g[:16], others, 100.0)
    flops = 2.0 * negatives * D * (3 * rows + D)
    yield compare("curvature of 2,048 images, 32,768 texts", fast, slow, 150.0, flops=flops, share=16 / rows)
    few = g[:64]
    exact = written_out.infonce_curvature(few.double(), others.double(), 100.0)
    error = (infonce_curvature(few, others, 100.0) - exact).norm() / exact.norm()
    yield at_most("curvature in float32: relative error 1e-5", float(error), 1e-5)


@case
def uncertainties() -> Iterator[Row]:
    """Against 1,000 draws of all logits; overlaps of the top 200 of 2,000 with 4,096 quasi-random draws."""
    p, variance, Q = predicted(clip_world(sized(2_000), 65))
    blocks = torch.arange(len(p)).split(50)

    def drawn(rows: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        return written_out.drawn_probabilities(p[rows].log(), variance[rows], Q, 1000, generator)

    def slow() -> tuple[Tensor, Tensor]:
        totals, epistemics = zip(*(written_out.entropies(drawn(rows)) for rows in blocks), strict=True)
        return torch.cat(totals), torch.cat(epistemics)

    yield compare("BALD: 128 draws whose mean is the prediction", lambda: uncertainty(p, variance, Q), slow, 2.0)
    truth, fast = uncertainty(p, variance, Q, 4096), uncertainty(p, variance, Q)
    yield at_least("entropy: overlap of the top 200", overlap(fast.total, truth.total), 0.95)
    yield at_least("BALD: overlap of the top 200", overlap(fast.epistemic, truth.epistemic), 0.92)


@case
def prediction() -> Iterator[Row]:
    """The product's prediction after 100 labels, against that of the pretraining's posterior as published.

    Both start from activations. The product's earlier prediction, by moments of the logits, was 1.4 times as fast.
    """
    of = world(65)
    model = Model(of.layers, *of.posteriors, of.classes, Frame.of(of.images))
    labelled = torch.arange(100)
    fitted = refit(model, of.images[labelled], labelled % 65, torch.Generator().manual_seed(0))
    h, dense = of.classes.embed(of.layers.text_weight), written_out.inverses(*of.posteriors, torch.float32)

    def published() -> Tensor:
        images = of.images.values, of.images.embed(of.layers.image_weight)
        moments = written_out.published_moments(images, (of.classes.values, h), dense, of.layers.scale)
        return written_out.published_probit(moments)

    yield compare("100,000 images predicted, C=65", lambda: fitted.probabilities(of.images), published, 1.4)
    fit = partial(refit, model, of.images[labelled], labelled % 65)
    taken = seconds(lambda: fit(torch.Generator().manual_seed(0)))
    yield at_most(f"a fit of 100 labels, 65 classes, in 2 s ({taken:.2f} s)", taken, 2.0)


@case
def evidence() -> Iterator[Row]:
    made = factors("img")
    spectrum = Spectrum.of(made)
    single = type(made)(made.A.float(), made.B.float(), made.n)
    slow = partial(written_out.best_prior_precision, single, NORMS["img"], TAU)
    fast = partial(best_prior_precision, spectrum, NORMS["img"], TAU)
    yield compare("evidence, spectrum cached", fast, slow, 300.0)
    yield timed("decompose the factors of one tower", partial(Spectrum.of, made))


@case
def rescoring() -> Iterator[Row]:
    """A million images by their embeddings and features: other classes, prediction, entropy, the best 200."""
    of = world(65)
    model = Model(of.layers, *of.posteriors, of.classes, Frame.of(of.images))
    small = of.images[torch.arange(8192)]
    zero_shot, features = model.zero_shot_logits(small), model.frame.features(small.values)

    def rescore(n_images: int) -> Tensor:
        total = torch.empty(n_images)
        for start in range(0, n_images, 8192):
            rows = slice(start, min(start + 8192, n_images))
            part = slice(0, rows.stop - start)
            total[rows] = entropy(model.field.probabilities(zero_shot[part], features[part]))
        return total.topk(TOP).indices

    yield timed("a million images re-scored, C=65", lambda: rescore(MILLION))
    ratio = min(seconds(lambda: rescore(MILLION)) / seconds(lambda: rescore(MILLION // 4)) / 4 for _ in range(3))
    yield at_most("a million images over four times a quarter of them: linear", ratio, 1.2)
    extra = extra_megabytes(lambda: rescore(MILLION))
    yield at_most(f"a million images re-scored: extra memory ({extra:.0f} MB of 200)", extra, 200.0)


def predicted(of: ClipWorld) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions of all images before labels, the variances of their logits, and the covariance of the classes."""
    model = Model(of.layers, *of.posteriors, of.classes, Frame.of(of.images))
    return (
        model.probabilities(of.images),
        model.field.variance(model.frame.features(of.images.values)),
        model.class_covariance,
    )


def overlap(found: Tensor, truth: Tensor) -> float:
    """Share of the 200 largest that are among the 200 largest of the truth."""
    best = set(truth.topk(TOP).indices.tolist())
    return len(best & set(found.topk(TOP).indices.tolist())) / TOP
