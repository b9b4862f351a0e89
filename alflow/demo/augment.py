"""Make drawings of known styles look like drawings of a style nobody has seen: batched, in float32, on tensors.

Axes: N pictures, channels red, green, blue (and alpha, straight), H x W pixels, values in [0, 1].
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)

_LUMA = torch.tensor([0.299, 0.587, 0.114])


def vary(drawings: Float[Tensor, "N 4 H W"], side: int, generator: torch.Generator) -> Float[Tensor, "N 3 side side"]:
    """Move, recolour, outline, and lay on a background: another picture of the same thing every time."""
    moved = _move(drawings, side, generator)
    colour, alpha = moved[:, :3] / moved[:, 3:].clamp(min=1e-3), moved[:, 3:]
    colour = _recolour(colour.clamp(0, 1), generator)
    colour = _ink_edges(colour, alpha, generator)
    picture = _background(len(drawings), generator) * (1 - alpha) + colour * alpha
    return _blur(_outline(picture, alpha, generator), generator).clamp(0, 1)


def normalised(pictures: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N 3 H W"]:
    """Pixels in [0, 1] as the image tower wants them."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return (pictures - mean) / std


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Float[Tensor, "N 1 1 1"]:
    return torch.empty(n, 1, 1, 1).uniform_(low, high, generator=generator)


def _chance(n: int, share: float, generator: torch.Generator) -> Float[Tensor, "N 1 1 1"]:
    return (torch.rand(n, 1, 1, 1, generator=generator) < share).float()


def _move(drawings: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Turn, shear, stretch, shift and mirror; returns premultiplied colours, so that edges stay clean."""
    n = len(drawings)
    angle, shear, x, y, zoom, stretch = (
        _uniform(n, low, high, generator).flatten()
        for low, high in ((-0.3, 0.3), (-0.15, 0.15), (-0.15, 0.15), (-0.15, 0.15), (0.85, 1.5), (-0.15, 0.15))
    )
    mirror = 1 - 2 * _chance(n, 0.5, generator).flatten()
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    theta = torch.stack(
        [
            torch.stack([mirror * cos * (1 + stretch), sin + shear, x], dim=1),
            torch.stack([-mirror * sin, cos * (1 - stretch), y], dim=1),
        ],
        dim=1,
    )  # [N 2 3]
    premultiplied = torch.cat([drawings[:, :3] * drawings[:, 3:], drawings[:, 3:]], dim=1)
    grid = functional.affine_grid(theta, [n, 4, side, side], align_corners=False)
    return functional.grid_sample(premultiplied, grid, align_corners=False)


def _recolour(colour: Tensor, generator: torch.Generator) -> Tensor:
    """Mix the channels a little, change saturation, brightness and contrast; now and then flatten to few tones."""
    n = len(colour)
    mix = torch.eye(3) + 0.12 * torch.randn(n, 3, 3, generator=generator)
    colour = torch.einsum("nij,njhw->nihw", mix / mix.sum(dim=2, keepdim=True).clamp(min=0.5), colour)
    grey = torch.einsum("i,nihw->nhw", _LUMA, colour)[:, None]
    saturation = _uniform(n, 0.5, 1.6, generator) * (1 - _chance(n, 0.12, generator))
    colour = grey + (colour - grey) * saturation
    colour = ((colour - 0.5) * _uniform(n, 0.7, 1.4, generator) + 0.5 + _uniform(n, -0.1, 0.15, generator)).clamp(0, 1)
    flat = _chance(n, 0.3, generator)
    tones = _uniform(n, 2, 5, generator).round()
    return flat * (colour * tones).round() / tones + (1 - flat) * colour


def _ink_edges(colour: Tensor, alpha: Tensor, generator: torch.Generator) -> Tensor:
    """Draw dark lines where colours meet, as a pen would; some of these pictures lose their colours altogether."""
    n = len(colour)
    grey = torch.einsum("i,nihw->nhw", _LUMA, colour * alpha)[:, None]
    local_range = functional.max_pool2d(grey, 3, 1, 1) + functional.max_pool2d(-grey, 3, 1, 1)
    ink = ((local_range - _uniform(n, 0.08, 0.3, generator)) * 8).clamp(0, 1) * _chance(n, 0.45, generator)
    paper = _chance(n, 0.15, generator) * (ink.amax(dim=(1, 2, 3), keepdim=True) > 0)
    return (colour * (1 - paper) + paper) * (1 - ink)


def _background(n: int, generator: torch.Generator) -> Tensor:
    """Mostly white, sometimes any plain colour."""
    plain = torch.rand(n, 3, 1, 1, generator=generator)
    white = _chance(n, 0.7, generator)
    return white + (1 - white) * plain


def _outline(picture: Tensor, alpha: Tensor, generator: torch.Generator) -> Tensor:
    """A black contour one or two pixels wide around half of the drawings."""
    n = len(picture)
    thin, thick = functional.max_pool2d(alpha, 3, 1, 1), functional.max_pool2d(alpha, 5, 1, 2)
    choice = _chance(n, 0.5, generator)
    grown = choice * thin + (1 - choice) * thick
    eroded = -functional.max_pool2d(-alpha, 3, 1, 1)
    contour = (grown - eroded).clamp(0, 1) * _chance(n, 0.5, generator)
    return picture * (1 - contour)


def _blur(picture: Tensor, generator: torch.Generator) -> Tensor:
    soft = functional.avg_pool2d(picture, 3, 1, 1, count_include_pad=False)
    share = _uniform(len(picture), 0, 0.7, generator) * _chance(len(picture), 0.3, generator)
    return picture + share * (soft - picture)
