"""Passwords: hashed with argon2id off the event loop, at most two at a time.

Parameters are OWASP's for argon2id (19 MiB, 2 passes, 1 lane: "Password Storage Cheat Sheet"), so that two
at once cost 38 MiB. Rules for new passwords follow NIST SP 800-63B: length, not composition.
"""

import asyncio
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.foundation.errors import Unprocessable

MIN_LENGTH = 12
MAX_LENGTH = 200
_COMMON = ("password", "123456", "qwerty", "letmein", "firstline", "welcome", "iloveyou", "admin")
_ONE_TIME_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Passwords:
    """Hashes and verifies."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._dummy = self._hasher.hash(secrets.token_urlsafe(16))
        self._slots = asyncio.Semaphore(2)

    async def hash(self, password: str) -> str:
        """Return the encoded hash to store."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Tell whether `password` is the one; takes as long when there is no account (`encoded` is None)."""
        async with self._slots:
            matches = await asyncio.to_thread(self._verify, encoded or self._dummy, _normal(password))
        return matches and encoded is not None

    def _verify(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, encoded: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(encoded)


def check_new(password: str, *, email: str) -> None:
    """Refuse a new password that is too short, too long or easily guessed.

    Raises:
        Unprocessable: with what to do instead.
    """
    normal = _normal(password)
    if not MIN_LENGTH <= len(normal) <= MAX_LENGTH:
        raise Unprocessable(
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.",
            hint="Take a sentence or a few unrelated words.",
            code="password_length",
        )
    reduced = normal.lower()
    for common in (*_COMMON, email.lower(), email.partition("@")[0].lower()):
        reduced = reduced.replace(common, "") if len(common) > 3 else reduced
    if len(set(normal)) < 5 or len(reduced.strip("0123456789!.?-_")) < 4:
        raise Unprocessable(
            "This password is easy to guess.",
            hint="Take a sentence or a few unrelated words.",
            code="password_guessable",
        )


def one_time_password() -> str:
    """Make a password of 16 easily read characters, about 79 bits."""
    letters = "".join(secrets.choice(_ONE_TIME_ALPHABET) for _ in range(16))
    return "-".join(letters[i : i + 4] for i in range(0, 16, 4))


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
