"""Short loops of what happens on a page, as GIF."""

import io
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import FloatRect, Page

COLOURS = 256  # with fewer, what is green on a few frames alone turns grey


@dataclass
class Film:
    """Pictures of a part of a page, each shown for some time.

    Attributes:
        clip: the part, in CSS pixels.
        width: of the film.
    """

    clip: FloatRect
    width: int
    _frames: list[Image.Image] = field(default_factory=list)
    _milliseconds: list[int] = field(default_factory=list)

    def shoot(self, page: Page, seconds: float) -> None:
        """What is on screen now, for so long."""
        shot = Image.open(io.BytesIO(page.screenshot(clip=self.clip))).convert("RGB")
        size = self.width, round(shot.height * self.width / shot.width)
        self._frames.append(shot.resize(size, Image.Resampling.LANCZOS))
        self._milliseconds.append(round(1000 * seconds))

    def save(self, path: Path) -> None:
        """One palette for all, made of all, so that nothing flickers."""
        sheet = Image.new("RGB", (self.width, sum(frame.height for frame in self._frames)))
        for place, frame in enumerate(self._frames):
            sheet.paste(frame, (0, place * frame.height))
        palette = sheet.quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
        first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in self._frames]
        first.save(path, save_all=True, append_images=others, duration=self._milliseconds, loop=0, optimize=True)
