"""Secrets that are made once and kept in a file only its owner can read."""

import contextlib
import secrets
from pathlib import Path

from foundation import files


def read_or_make(path: Path, size: int = 32) -> str:
    """Return the secret in `path`, making one of `size` random bytes (as base64url) when there is none."""
    with contextlib.suppress(FileNotFoundError):
        if text := path.read_text("ascii").strip():
            return text
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # One that another process made meanwhile wins.
    files.write(path, secrets.token_urlsafe(size) + "\n", replace=False)
    return path.read_text("ascii").strip()
