"""What the guides print, so that tests run the very text."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def blocks(guide: str, after: str, language: str) -> list[str]:
    """The blocks of code in this language below the words."""
    text = (ROOT / guide).read_text(encoding="utf-8").split(after, 1)[1]
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def replaced(text: str, changes: dict[str, str]) -> str:
    """The text with what is of this place alone; each of it must be there."""
    for printed, ours in changes.items():
        assert printed in text, f"the guide no longer says {printed!r}"
        text = text.replace(printed, ours)
    return text
