"""Passwords: hashed with argon2id off the event loop, at most two at a time, of those one for a stranger.

Parameters are OWASP's for argon2id (19 MiB, 2 passes, 1 lane: "Password Storage Cheat Sheet"), so that two
at once cost 38 MiB. Rules for new passwords follow NIST SP 800-63B: length, not composition.
"""

import asyncio
import secrets
import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from foundation.errors import Unprocessable
from security.identity.fair_gate import FairGate
from security.identity.sources import Source
from security.identity.strength import is_guessable

MIN_LENGTH = 12
MAX_LENGTH = 200
_ONE_TIME_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Passwords:
    """Hashes and verifies."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._dummy = self._hasher.hash(secrets.token_urlsafe(16))
        self._gate = FairGate()

    async def hash(self, password: str) -> str:
        """Return the encoded hash to store."""
        async with self._gate.turn():
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def verify(self, encoded: str | None, password: str, *, source: Source | None = None) -> bool:
        """Tell whether `password` is the one; takes as long when there is no account (`encoded` is None).

        `source` is where a stranger's attempt comes from; None for known devices and those signed in.

        Raises:
            RateLimited: when too many strangers wait for their turn.
        """
        async with self._gate.turn(source):
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


async def check_new(password: str, *, email: str, name: str = "", more: Iterable[str] = ()) -> None:
    """Refuse a new password that is too short, too long or easily guessed.

    Own words of the person are its `email` and `name`, and `more`, such as this installation's address.

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
    if await asyncio.to_thread(is_guessable, normal, (email, name, *more)):
        raise Unprocessable(
            "This password is easy to guess.",
            hint="Take four or more unrelated words. Names, dates, rows of keys, your own address and common "
            "words with digits or signs in place of letters are tried first by those who guess.",
            code="password_guessable",
        )


def one_time_password() -> str:
    """Make a password of 16 easily read characters, about 79 bits."""
    letters = "".join(secrets.choice(_ONE_TIME_ALPHABET) for _ in range(16))
    return "-".join(letters[i : i + 4] for i in range(0, 16, 4))


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
