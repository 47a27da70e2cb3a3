"""Secrets that are made once and kept in a file only its owner can read."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path


def read_or_make(path: Path, size: int = 32) -> str:
    """Return the secret in `path`, making one of `size` random bytes (as base64url) when there is none."""
    with contextlib.suppress(FileNotFoundError):
        if text := path.read_text("ascii").strip():
            return text
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(size) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
    return path.read_text("ascii").strip()
