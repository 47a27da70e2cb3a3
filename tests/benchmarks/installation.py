"""Which installation a benchmark measures: that of FIRSTLINE_HOME, PORT and FIRSTLINE_ENCODER_DIR.

Imported after the checkout was put on `sys.path`, as each benchmark does.
"""

import argparse
import sys
from pathlib import Path

from app.settings import Settings
from foundation.errors import FirstlineError


def installed() -> Settings:
    """Read the settings as the product does, or end with one sentence that says what is wrong."""
    try:
        return Settings.from_env()
    except FirstlineError as error:
        sys.exit(f"{error.message} {error.hint or ''}".strip())


def encoder_folder(folder: str) -> Path:
    """Take an argument that names an exported encoder.

    Raises:
        ArgumentTypeError: when there is none, with what to do.
    """
    if not (Path(folder) / "model.onnx").exists():
        raise argparse.ArgumentTypeError(
            f"there is no encoder in {folder}: run `make install`, or set FIRSTLINE_HOME"
        )
    return Path(folder)


def default_encoder() -> str:
    """The installation's encoder, as the default of an argument of type `encoder_folder`."""
    return str(installed().encoder_dir)


def check_running(home: Path) -> Path:
    """Return `home`, or end with what to do when nothing runs on it."""
    if not (home / "run" / "serve.json").exists():
        sys.exit(f"No Firstline runs on {home}: start it with `make run`, or name its folder with --home.")
    return home
