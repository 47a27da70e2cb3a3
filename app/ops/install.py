"""Installs and prepares what is missing, then becomes the command that was asked for.

    python3 -m app.ops.install [--dev] [--only app] [--then serve|test|check|format]

Standard library only, for any Python from 3.8 on. What is done is stamped with a hash of what it was made
from, so a second run finds nothing to do. FIRSTLINE_HOME is where encoder, models and logs go (.firstline).
"""

import argparse
import fcntl
import os
import signal
import sys
from pathlib import Path
from typing import List, Sequence

from app.ops.installer import steps as all_steps
from app.ops.installer.commands import follow
from app.ops.installer.console import Console, Failed, fail
from app.ops.installer.environments import Environments, Installation
from app.ops.installer.preflight import look_ahead
from app.ops.installer.step_graph import run

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Command line."""
    options = _parse(arguments)
    home = Path(
        os.path.abspath(os.path.expanduser(os.environ.get("FIRSTLINE_HOME") or str(ROOT / ".firstline")))
    )
    place = Installation(ROOT, home, _environment())
    _leave_environment(place)
    console = Console(home / "logs" / "install.log")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for folder in (home, home / "logs", home / "run"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if options.then == "serve":
            look_ahead(os.environ, home)
        _install(place, console, options.dev, options.only)
    except Failed as error:
        return fail(error, console.log)
    except OSError as error:
        within = str(error.filename or "").startswith(str(home))
        advice = "Set FIRSTLINE_HOME to a folder that this account may write, on a disk with room."
        return fail(
            Failed(
                f"{error.filename or 'A file'}: {error.strerror or error}.",
                advice if within else "Mend that and try again.",
            ),
            console.log,
        )
    except KeyboardInterrupt:
        print("\nfirstline: stopped; what is done is kept.", file=sys.stderr)
        return 130
    return follow(options.then, place, list(options.rest))


def _install(place: Installation, console: Console, dev: bool, only: str) -> None:
    with (place.home / "run" / "install.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            console.say("waiting for another installation in the same folder ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        console.inherited = (lock.fileno(),)
        environments = Environments(place, console)
        steps = all_steps.plan(place, console, environments, dev=dev, only=only)
        if (
            any(step.name == "rasa" and step.needed() for step in steps)
            and not environments.has_rasa_python()
        ):
            # Say so before minutes pass; uv, which may be able to fetch one, comes first.
            run([step for step in steps if step.name == "uv"], console)
            environments.interpreter(all_steps.RASA, need_pip=False)
        if run(steps, console):
            console.say("everything is installed")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m app.ops.install", description=__doc__)
    parser.add_argument("--dev", action="store_true", help="what tests and checks need, too")
    parser.add_argument("--only", choices=("everything", "app"), default="everything")
    parser.add_argument("--then", choices=("nothing", "serve", "test", "check", "format"), default="nothing")
    parser.add_argument("rest", nargs="*", help="passed on")
    return parser.parse_args(arguments)


def _environment() -> "dict[str, str]":
    """Our environment without what would lead the programs we call astray."""
    left_out = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT",
                "UV_PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "__PYVENV_LAUNCHER__")  # fmt: skip
    env = {key: value for key, value in os.environ.items() if key not in left_out}
    env.setdefault("UV_NATIVE_TLS", "true")  # the certificates that the machine trusts, as pip does
    return env


def _leave_environment(place: Installation) -> None:
    """Go on with the interpreter beneath when this one is in an environment that may be made anew."""
    inside = Path(sys.prefix) in (place.root / ".venv", place.root / ".venv-encoder")
    base = getattr(sys, "_base_executable", sys.executable)
    if inside and base and os.path.realpath(base) != str(sys.executable) and base != sys.executable:
        argv: List[str] = [base, "-m", "app.ops.install", *sys.argv[1:]]
        if not Environments(place, Console(place.home / "x")).app.has("app"):
            os.chdir(str(place.root))
            os.execve(base, argv, dict(os.environ))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
