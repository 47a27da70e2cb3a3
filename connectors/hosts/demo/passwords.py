"""Passwords and one-time secrets, with the standard library alone."""

import asyncio
import hashlib
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor

MIN_LENGTH = 8
_COST = 2**14
_thread = ThreadPoolExecutor(1, thread_name_prefix="kettle-scrypt")  # one at a time: each takes 16 MiB


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=8, p=1, maxmem=64 * 1024 * 1024, dklen=32)


def hash_password_now(password: str) -> str:
    """Return `scrypt$salt$hash`; takes some 40 ms of CPU, so not for the event loop."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


async def hash_password(password: str) -> str:
    """The same, off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_thread, hash_password_now, password)


async def password_matches(password: str, stored: str | None) -> bool:
    """Compare; takes as long for a user who does not exist (`stored` is None)."""

    def compare() -> bool:
        _, salt, expected = (stored or f"scrypt${'00' * 16}$").split("$")
        return (
            hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), expected) and stored is not None
        )

    return await asyncio.get_running_loop().run_in_executor(_thread, compare)


def new_secret() -> str:
    """Return a secret for a link or a cookie: 32 random bytes."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
