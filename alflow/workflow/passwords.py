"""Passwords and tokens: what is kept of them, and how they are checked.

Passwords are hashed with argon2id (RFC 9106, its second recommended option: 64 MiB, 3 passes, 4 lanes). Tokens are
drawn with 256 random bits, so one SHA-256 keeps them as safe.
"""

import hashlib
import secrets
from functools import cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alflow.errors import InvalidInputError

SHORTEST: Final = 10
LONGEST: Final = 256
_HASHER: Final = PasswordHasher()
_AT_ONCE: Final = BoundedSemaphore(2)  # 64 MiB each: a flood of tries must not fill the memory


def hash_password(password: str) -> str:
    """The hash to store, with its salt and parameters.

    Raises:
        InvalidInputError: the password is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInputError(f"a password needs {SHORTEST} to {LONGEST} characters")
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Whether this is the password; without a stored hash the same work is done for nothing, and the answer is no."""
    with _AT_ONCE:
        try:
            return _HASHER.verify(stored or _nobodys(), password[: LONGEST + 1]) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than those of today."""
    return _HASHER.check_needs_rehash(stored)


def new_token() -> str:
    """A secret for a cookie or a link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a token: 64 hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_hex(32))
