"""Run the Rasa server with little memory. Runs in Rasa's environment, from the repository root.

    python -m bot.rasa_components.serve --model FILE --port PORT

Needs FIRSTLINE_SERVICE_TOKEN, FIRSTLINE_ACTIONS_URL and FIRSTLINE_ENCODER_DIR; takes RASA_REDIS_HOST, _PORT,
_DB, _USERNAME, _PASSWORD, _SSL. It is one process with one worker, bound to loopback.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

REQUIRED = ("FIRSTLINE_SERVICE_TOKEN", "FIRSTLINE_ACTIONS_URL", "FIRSTLINE_ENCODER_DIR")
DEFAULTS = {
    "RASA_REDIS_HOST": "127.0.0.1",
    "RASA_REDIS_PORT": "6379",
    "RASA_REDIS_DB": "0",
    "RASA_REDIS_USERNAME": "",
    "RASA_REDIS_PASSWORD": "",
    "RASA_REDIS_SSL": "false",
    "RASA_TELEMETRY_ENABLED": "false",
    "LOG_LEVEL": "WARNING",
    "LOG_LEVEL_LIBRARIES": "ERROR",
}
# Read by the C library and by numpy when the process starts, hence the second start below.
AT_START = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
HERE = Path(__file__).resolve().parent


def prepare_environment() -> None:
    """Set defaults (starting again once, for the C library to see them); refuse to run without the rest."""
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if missing:
        sys.exit(f"rasa: {', '.join(missing)} must be set.")
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if "MALLOC_ARENA_MAX" not in os.environ:
        os.environ.update({name: os.environ.get(name, value) for name, value in AT_START.items()})
        os.execv(sys.executable, [sys.executable, "-m", "bot.rasa_components.serve", *sys.argv[1:]])  # noqa: S606 (itself)


def give_back_memory() -> None:
    """Return to the system what loading left behind; what stays is not looked at by the collector again."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def main() -> None:
    """Command line; returns when the server has stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="a model .tar.gz (a link to one will do)")
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--interface", default="127.0.0.1")
    options = parser.parse_args()
    prepare_environment()
    model = options.model.resolve()
    if not model.is_file():
        sys.exit(f"rasa: there is no model at {model}; train one first.")
    warnings.simplefilter("ignore")

    from bot.rasa_components import lean, quiet_logs

    lean.install()
    import rasa.core.run
    import rasa.engine.recipes.default_components
    from rasa.core.utils import AvailableEndpoints
    from rasa.utils.common import configure_logging_and_warnings
    from rasa.utils.log_utils import configure_structlog

    lean.seal()
    level = logging.getLevelName(os.environ["LOG_LEVEL"])
    configure_logging_and_warnings(level, None, warn_only_once=True, filter_repeated_logs=True)
    configure_structlog(level)
    warnings.simplefilter("ignore")

    quiet_logs.install()

    async def loaded(app: Any, loop: Any) -> None:
        quiet_logs.install()
        give_back_memory()

    rasa.core.run.serve_application(
        model_path=str(model),
        interface=options.interface,
        port=options.port,
        credentials=str(HERE / "credentials.yml"),
        enable_api=True,
        auth_token=os.environ["FIRSTLINE_SERVICE_TOKEN"],
        endpoints=AvailableEndpoints.read_endpoints(str(HERE / "endpoints.yml")),
        server_listeners=[(loaded, "after_server_start")],
    )


if __name__ == "__main__":
    main()
