"""Which trained model is served: `HOME/models/current.tar.gz` links to it; earlier ones are kept."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from foundation.errors import Unavailable

CURRENT = "current.tar.gz"


def current_model(home: Path) -> Path | None:
    """The model to be served, or None when none has been trained."""
    link = home / "models" / CURRENT
    return link.resolve() if link.is_file() else None


def make_current(model: Path) -> None:
    """Mark a model as the one to be served, in one step. Raises Unavailable when there is no such file."""
    if not model.is_file():
        raise Unavailable(f"There is no model {model.name}.", hint="Train it first.")
    link = model.parent / f".{CURRENT}.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(model.name)
    link.replace(model.parent / CURRENT)
