"""`make bench`: what the numerics cost at the size of CLIP ViT-B/32 (P = 768, D = 512); best of three, in seconds.

Random inputs of the right shapes: the time does not depend on the values. Run it on a machine that does nothing else.
"""
# ruff: noqa: T201 (its output is its purpose)

import time
from collections.abc import Callable

import torch
from torch import Tensor

from alflow.acquisition.batch import conditioned_batch
from alflow.acquisition.beliefs import beliefs, build_query
from alflow.bayes.curvature import Factors, infonce_curvature
from alflow.bayes.evidence import best_prior_precision
from alflow.bayes.kronecker import KroneckerPosterior, Spectrum
from alflow.embeddings import Activations, LastLayers

P, D, P_TEXT = 768, 512, 512
GENERATOR = torch.Generator().manual_seed(0)


def main() -> None:
    """Print the table."""
    layers = LastLayers(normal(D, P) / P**0.5, normal(D, P_TEXT) / P_TEXT**0.5, scale=100.0)
    image, text = factors(P), factors(P_TEXT)
    posteriors = (KroneckerPosterior.damped(image, 4000.0, 10.0), KroneckerPosterior.damped(text, 4000.0, 10.0))
    spectrum = Spectrum.of(image)
    report("decompose the factors of one tower", lambda: Spectrum.of(image))
    report("evidence, spectrum cached", lambda: best_prior_precision(spectrum, 63.66, 10.0))
    g, others = normal(256, D), normal(32_768, D)
    report("curvature of 256 images, 32,768 texts", lambda: infonce_curvature(g, others, 100.0))
    pool, target = Activations(normal(20_000, P)), Activations(normal(1_000, P))
    for n_classes in (10, 65, 1000):
        classes = Activations(normal(n_classes, P_TEXT))
        report(
            f"beliefs of 20,000 images, {n_classes} classes", lambda c=classes: beliefs(pool, c, layers, *posteriors)
        )
    classes = Activations(normal(65, P_TEXT))
    asked, aimed = beliefs(pool, classes, layers, *posteriors), beliefs(target, classes, layers, *posteriors)
    query = build_query(asked, aimed, aimed[torch.arange(100)], classes, layers, *posteriors)
    report("batch of 20 from 20,000, 65 classes", lambda: conditioned_batch(query, 20))


def normal(*shape: int) -> Tensor:
    """Standard normal numbers in float32."""
    return torch.randn(shape, generator=GENERATOR)


def factors(width: int) -> Factors:
    """Factors of 10,000 pairs whose spectrum falls, as that of real activations does."""
    scales = torch.linspace(0, -6, width).exp()
    activations, slopes = normal(10_000, width) * scales, normal(10_000, D)
    return Factors((activations.T @ activations).double(), (slopes.T @ slopes).double(), 10_000)


def report(name: str, work: Callable[[], object]) -> None:
    """Time the work three times and print the best."""
    seconds = []
    for _ in range(3):
        before = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - before)
    print(f"{name:<45} {min(seconds):9.4f} s", flush=True)


if __name__ == "__main__":
    main()
