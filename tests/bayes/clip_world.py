"""A world of the size and spread of CLIP ViT-B/32: its published factors where they are at hand, else falling spectra.

Activations are drawn with the second moments that factor A holds. Cosines of an image with the classes spread by about
.05, as CLIP's do; every image leans towards a class, some hardly, some a lot.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.evidence import best_prior_precision
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.spectrum import Spectrum
from alflow.embeddings import Activations, LastLayers

P, P_T, D, PAIRS, TAU = 768, 512, 512, 327_680, 10.0
NORMS = {"img": 63.66, "txt": 42.14}  # squared norms of the projections of that model
LEAN = 0.15  # how far an image leans towards its class, in units of the embedding's length, times a uniform number


@dataclass(frozen=True)
class ClipWorld:
    layers: LastLayers
    image_posterior: KroneckerPosterior
    text_posterior: KroneckerPosterior
    images: Activations
    classes: Activations

    @property
    def posteriors(self) -> tuple[KroneckerPosterior, KroneckerPosterior]:
        return self.image_posterior, self.text_posterior


def clip_world(n_images: int, n_classes: int, seed: int = 0) -> ClipWorld:
    """float32 throughout, but for the posteriors."""
    generator = torch.Generator().manual_seed(seed)
    image, text = posterior("img"), posterior("txt")
    layers = LastLayers(_weight(P, "img", generator), _weight(P_T, "txt", generator), scale=100.0)
    classes = _activations(text.spectrum, n_classes, generator)
    h = torch.nn.functional.normalize(classes.embed(layers.text_weight), dim=1)
    values = _activations(image.spectrum, n_images, generator).values
    g = values @ layers.image_weight.T
    chosen = torch.randint(n_classes, (n_images,), generator=generator)
    lean = LEAN * torch.rand(n_images, 1, generator=generator) * g.norm(dim=1, keepdim=True)
    towards = (lean * h[chosen]) @ torch.linalg.pinv(layers.image_weight).T
    return ClipWorld(layers, image, text, Activations(values + towards), classes)


def has_reference() -> bool:
    """Whether the published factors are at hand."""
    return (_folder() / "A_img_analytic.pt").exists()


@cache
def posterior(side: str) -> KroneckerPosterior:
    """Damped, with the prior precision of the highest evidence."""
    spectrum = Spectrum.of(factors(side))
    return KroneckerPosterior.damped(spectrum, best_prior_precision(spectrum, NORMS[side], TAU), TAU)


@cache
def factors(side: str) -> Factors:
    """The published factors of one tower, or random ones whose spectra fall by a power law."""
    if has_reference():
        files = (_folder() / f"{name}_{side}_analytic.pt" for name in "AB")
        A, B = (torch.load(file, weights_only=True, map_location="cpu") for file in files)
        return Factors.published(A, B, PAIRS)
    generator = torch.Generator().manual_seed(1)
    width = {"img": P, "txt": P_T}[side]
    return Factors.published(_falling(width, 5e5, generator), _falling(D, 5e2, generator), PAIRS)


def _falling(width: int, trace: float, generator: torch.Generator) -> Tensor:
    basis = torch.linalg.qr(torch.randn(width, width, dtype=torch.float64, generator=generator)).Q
    values = torch.arange(1, width + 1, dtype=torch.float64) ** -1.2
    return (basis * (values / values.sum() * trace)) @ basis.T


def _weight(width: int, side: str, generator: torch.Generator) -> Tensor:
    weight = torch.randn(D, width, generator=generator)
    return weight * (NORMS[side] ** 0.5 / weight.norm())


def _activations(spectrum: Spectrum, rows: int, generator: torch.Generator) -> Activations:
    """Normal rows whose second moments are A / n."""
    deviations = (spectrum.a / spectrum.factors.n**0.5).sqrt()
    noise = torch.randn(rows, len(deviations), generator=generator)
    return Activations(noise @ (spectrum.row_basis * deviations).T.float())


def _folder() -> Path:
    return Path(os.environ.get("ALFLOW_REFERENCE", ".")) / "laion2b_vit_b_32"
