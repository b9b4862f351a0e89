"""Passwords and tokens: what is accepted, what is stored, and how they are checked.

Passwords are hashed with argon2id (RFC 9106, its second recommended option: 64 MiB, 3 passes, 4 lanes) in the Unicode
form NFKC, so that every keyboard types the same one (NIST SP 800-63B). Tokens are drawn with 256 random bits, so one
SHA-256 keeps them as safe.
"""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterable
from functools import cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from alflow.errors import InvalidInputError

SHORTEST: Final = 10
LONGEST: Final = 256
_SAFE: Final = 3  # zxcvbn's score: more than 10^8 guesses
_PIECE: Final = 24  # characters that are rated at once: zxcvbn takes seconds for many more
_WORD: Final = 2  # zxcvbn's score: what is below has less than 10^6 guesses, as single words have
_LONGEST_ORNAMENT: Final = 6
_ORNAMENTS: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_CYRILLIC_KEYS: Final = str.maketrans("йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,.")
_HASHER: Final = PasswordHasher()
_AT_ONCE: Final = BoundedSemaphore(2)  # 64 MiB each: a flood of tries must not fill the memory


def check_password(password: str, about: Iterable[str] = ()) -> None:
    """Whether a password may be chosen: long enough, and not among the first that anybody would try.

    zxcvbn tells how many guesses it takes: breached and common passwords, names, words, dates, repeated characters,
    sequences and walks over a keyboard, also with digits for letters.

    Args:
        password: as it was typed.
        about: names, addresses and similar words that an attacker would try.

    Raises:
        InvalidInputError: it is too short, too long, holds a control character, or is easy to guess.
    """
    chosen = _normal(password)
    if len(chosen) < SHORTEST or len(password) > LONGEST:
        raise InvalidInputError(f"a password needs {SHORTEST} to {LONGEST} characters")
    if any(unicodedata.category(each) in {"Cc", "Cs"} for each in chosen):
        raise InvalidInputError("a password cannot hold control characters: leave them out")
    known = _words(about)
    rest = chosen.casefold()
    for word in known:
        rest = rest.replace(word, "")
    if rest != chosen.casefold() and len(rest) < SHORTEST:
        raise InvalidInputError(
            "this password is easy to guess: it is little more than a name, a project or an address; choose another"
        )
    if why := _why_easy(chosen, known):
        raise InvalidInputError(f"this password is easy to guess ({why}): choose another, such as four random words")


def hash_password(password: str) -> str:
    """The hash to store, with its salt and parameters."""
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def is_password(stored: str | None, password: str) -> bool:
    """Whether this is the password; without a stored hash the same work is done, and the answer is no.

    Hashes that were made before the Unicode form was fixed are of what was typed.
    """
    typed = password[: LONGEST + 1]
    forms = dict.fromkeys((_normal(typed), typed))
    return any(_is_hash_of(stored or _nobodys(), form) for form in forms) and stored is not None


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than the current ones."""
    return _HASHER.check_needs_rehash(stored)


def new_token() -> str:
    """A secret for a cookie or a link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token: 64 hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _why_easy(password: str, known: list[str]) -> str:
    """What makes it easy to guess; empty where nothing does."""
    for typed in dict.fromkeys((password, password.casefold().translate(_CYRILLIC_KEYS))):
        pieces = [typed[start : start + _PIECE] for start in range(0, 3 * _PIECE, _PIECE)]
        rated = [zxcvbn(piece, known) for piece in pieces if piece]
        if all(each["score"] < _SAFE for each in rated):
            warning = str(rated[0]["feedback"]["warning"] or "too short for such simple parts").removesuffix(".")
            return warning[:1].lower() + warning[1:]
    word = _ORNAMENTS.sub("", password)
    bare = len(word) <= _PIECE and len(password) - len(word) <= _LONGEST_ORNAMENT
    if bare and zxcvbn(word, known)["score"] < _WORD:
        return "it is one word, with a year or signs around it"
    return ""


def _is_hash_of(stored: str, password: str) -> bool:
    with _AT_ONCE:
        try:
            return _HASHER.verify(stored, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _words(about: Iterable[str]) -> list[str]:
    """The parts of names and addresses, and these written as one word; longest first."""
    folded = [_normal(each).casefold() for each in about if each]
    found = {word for each in folded for word in (re.sub(r"[\W_]+", "", each), *re.split(r"[\W_]+", each))}
    return sorted((word for word in found if len(word) >= 3), key=len, reverse=True)


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_hex(32))
