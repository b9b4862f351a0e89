"""Text from outside: what both databases can keep, people can see, and terminals can show.

Each door calls one of these once. A *name* is one line; a *text* may have several. What can never be stored is an
`InvalidInputError`, so that nobody sends it again.
"""

import json
import re
import unicodedata
from typing import Any, Final

from alflow.errors import InvalidInputError

LONGEST_NAME: Final = 200
"""Characters of a name of a project, a class or a person."""

LONGEST_REASON: Final = 1_000
"""Characters of why somebody did something."""

_JOINERS: Final = "\u200c\u200d"  # Persian, the scripts of India and composed emoji need them
_NUL_IN_JSON: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # called letters or marks, and empty
_SELECTORS: Final = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))  # which form a character takes
_TWINS: Final = str.maketrans(  # letters of the Cyrillic and the Greek alphabet, and what they look like
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0455\u0458\u04bb\u051b\u051d\u0475\u03bf",
    "aceopxyisjhqwvo",
)
_EXCERPT: Final = 60


def plural(count: int, one: str, many: str | None = None) -> str:
    """`3 labels`, `1 class`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def clean_name(what: str, value: str, longest: int = LONGEST_NAME) -> str:
    """The name as it is kept: Unicode form NFC, single spaces, none round it.

    Args:
        what: what the message calls it, such as `a class name`.
        value: what was given.
        longest: characters it may have.

    Raises:
        InvalidInputError: it is empty, too long, has several lines, or holds a character that nobody can see.
    """
    given = unicodedata.normalize("NFC", value).strip()
    hidden = next((place for place, each in enumerate(given) if _is_hidden(each, given[:place])), None)
    if hidden is not None:
        raise InvalidInputError(
            f"{what} cannot be {quoted(given)}: it holds {_called(given[hidden])}, which is not visible; leave it out"
        )
    if all(_is_ignored(each) or each.isspace() for each in given):
        raise InvalidInputError(f"{what} is missing: it needs 1 to {longest} visible characters")
    return _of_length(what, " ".join(given.split()), longest, "visible characters")


def clean_text(what: str, value: str, longest: int) -> str:
    """The text as it is kept: Unicode form NFC, no space round it; it may be empty and have several lines.

    Raises:
        InvalidInputError: it is too long, or holds NUL, another control character or half of a surrogate pair.
    """
    text = unicodedata.normalize("NFC", value).strip()
    wrong = next((each for each in text if unicodedata.category(each) in {"Cc", "Cs"} and each not in "\n\r\t"), None)
    if wrong is not None:
        raise InvalidInputError(f"{what} cannot be {quoted(text)}: it holds {_called(wrong)}, leave it out")
    return _of_length(what, text, longest)


def clean_reason(why: str) -> str:
    """The reason as it is kept: single spaces.

    Raises:
        InvalidInputError: there is none, or a very long one.
    """
    why = clean_text("the reason", " ".join(why.split()), LONGEST_REASON)
    if not why:
        raise InvalidInputError(f"say why, in 1 to {LONGEST_REASON} characters: the history keeps it")
    return why


def check_json(what: str, value: Any, longest: int) -> None:
    """Can both databases keep this as JSON?

    Raises:
        InvalidInputError: it is too long or too deep, or holds NUL, half of a surrogate pair, NaN, an infinity or
            something that JSON does not know.
    """
    try:
        written = json.dumps(value, allow_nan=False, ensure_ascii=False)
        written.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{what} cannot be kept as JSON: {visible(str(error))[:_EXCERPT]}") from error
    if _NUL_IN_JSON.search(written):
        raise InvalidInputError(f"{what} cannot be stored: it holds {_called(chr(0))}, leave it out")
    if len(written) > longest:
        raise InvalidInputError(f"{what} has {len(written):,} characters as JSON: {longest:,} at most")


def visible(text: str, keep: str = "") -> str:
    r"""The text with every character that a terminal would obey or hide written out, as `\x1b`; but for those to keep.

    `str.isprintable` tells: it is false for control characters, line ends, text direction, and lone surrogates. It is
    for joiners too, which stay where `clean_name` lets them be.
    """
    if text.isprintable():
        return text
    shown = (
        each.isprintable() or each in keep or _joins(each, text[max(at - 1, 0) : at]) for at, each in enumerate(text)
    )
    return "".join(each if stays else _escaped(each) for each, stays in zip(text, shown, strict=True))


def quoted(value: str) -> str:
    """The beginning of a value in quotation marks, as messages show what they refuse."""
    cut = value if len(value) <= _EXCERPT else value[: _EXCERPT - 3] + "..."
    return repr(cut)


def words_of(error: Exception) -> str:
    """An error of foreign code in one line: its kind and what it says, the last line if there are several."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[-1].strip()}" if said else type(error).__name__


def likeness(name: str) -> str:
    """Equal for names that people, or a model that reads words only, take for the same.

    Unicode compatibility, capitals, joiners, Cyrillic twins of Latin letters, and how words are joined (space, `_`,
    `-`) make no difference; a `-` that joins no words does: `A-` is not `A`, `-1` is not `1`.
    """
    shown = "".join(each for each in unicodedata.normalize("NFKC", name) if not _is_ignored(each))
    folded = unicodedata.normalize("NFKC", shown.casefold()).translate(_TWINS)
    words = re.sub(r"(?<=\w)[\s_\u2010-\u2015-]+(?=\w)|[\s_]+", " ", folded).strip()
    return words or folded


def _of_length(what: str, text: str, longest: int, kind: str = "characters") -> str:
    if len(text) > longest:
        raise InvalidInputError(f"{what} may have {longest:,} {kind}: {quoted(text)} has {len(text):,}")
    return text


def _is_hidden(character: str, before: str) -> bool:
    """Whether nobody sees the character; a joiner is at home after a mark, an emoji or an Arabic letter."""
    if character.isprintable():
        return character in _BLANKS
    if character in _JOINERS and before:
        return unicodedata.bidirectional(before[-1]) != "AL" and unicodedata.category(before[-1])[0] not in "MS"
    ignored = 0xE0000 <= ord(character) <= 0xE0FFF or ord(character) & 0xFFFE == 0xFFFE
    return ignored or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _joins(character: str, before: str) -> bool:
    return character in _JOINERS and not _is_hidden(character, before)


def _is_ignored(character: str) -> bool:
    """Joiners, variation selectors and their like: what Unicode calls ignorable by default."""
    selects = any(first <= ord(character) <= last for first, last in _SELECTORS)
    return selects or unicodedata.category(character) == "Cf" or character in _BLANKS


def _called(character: str) -> str:
    code = f"U+{ord(character):04X}"
    if unicodedata.category(character) == "Cs":
        return f"{code} (half of a surrogate pair)"
    kind = "a line end" if character in "\n\r\x0b\x0c\x85\u2028\u2029" else "a control character"
    return f"{code} ({unicodedata.name(character, kind)})"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
