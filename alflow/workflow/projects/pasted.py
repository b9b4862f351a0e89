"""Names out of a list that somebody typed or pasted: what lists put round names is not part of them."""

import re
from collections.abc import Sequence
from typing import Final

from alflow.errors import InvalidInputError

_AROUND: Final = r"[\s\u200b\u2060\ufeff]+"  # what pages and spreadsheets leave at the ends of lines, unseen
_NUMBERED: Final = re.compile(r"(\d+)[.):]\s+(\S.*)")
_BULLET: Final = re.compile(r"[-*\u2013\u2022\u00b7\u25e6]\s+(\S.*)")
_QUOTED: Final = re.compile(r"\"(.+)\"|'(.+)'|\u201c(.+)\u201d")
_BETWEEN: Final = "\t;,"


def names_of(text: str) -> list[str]:
    """The names, one a line or all in one line; numbers, bullets, quotes and commas go where every line has them.

    Raises:
        InvalidInputError: a line of several has a tab, so that it is a table without a heading.
    """
    lines = [found for line in re.split(r"\r\n|\r|\n", text) if (found := _bare(line))]
    if len(lines) == 1:
        mark = next((each for each in _BETWEEN if each in lines[0]), "\n")
        lines = [found for part in lines[0].split(mark) if (found := _bare(part))]
    if tabbed := next((line for line in lines if "\t" in line), None):
        raise InvalidInputError(
            f"there are several columns, as in {tabbed!r}: paste the one of the names, or a first line that says what "
            "each column is, such as name and prompt"
        )
    if len(lines) > 1 and all(line.endswith((",", ";")) for line in lines[:-1]):
        lines = [_bare(line.rstrip(",;")) for line in lines]
    return _unquoted(_unmarked(lines))


def _bare(line: str) -> str:
    return re.sub(f"^{_AROUND}|{_AROUND}$", "", line)


def _unmarked(lines: Sequence[str]) -> Sequence[str]:
    if len(lines) > 1 and all(found := [_NUMBERED.fullmatch(line) for line in lines]):
        parts = [each.groups() for each in found if each]
        if [int(number) for number, _ in parts] in (list(range(len(lines))), list(range(1, len(lines) + 1))):
            return [name for _, name in parts]
    if lines and all(found := [_BULLET.fullmatch(line) for line in lines]):
        return [each[1] for each in found if each]
    return lines


def _unquoted(lines: Sequence[str]) -> list[str]:
    if all(found := [_QUOTED.fullmatch(line) for line in lines]):
        return [next(filter(None, each.groups())) for each in found if each]
    return list(lines)
