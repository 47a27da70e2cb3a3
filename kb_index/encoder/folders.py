"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def put_in_place(work: Path, out: Path) -> None:
    """Swap the folder by renaming: readers see the old export or the new one, never a mixture."""
    for path in work.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    if not out.exists():
        work.rename(out)
        return
    old = out.with_name(f".{out.name}-old-{os.getpid()}")
    out.rename(old)
    work.rename(out)
    shutil.rmtree(old, ignore_errors=True)
