"""One Firstline per home: a lock that the system gives back when its holder dies."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from foundation.errors import Conflict

_UNKNOWN = {"pid": "unknown", "url": "an unknown address"}


class AlreadyRunning(Conflict):
    """Another Firstline serves this home; the message says where."""


@contextlib.contextmanager
def hold(home: Path, url: str, *, pause: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Hold `home` for the length of the block.

    Raises:
        AlreadyRunning: when another process holds it.
    """
    (home / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "run" / "serve.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            where = _running_soon(home, pause)
            at = f" at {where['url']} (process {where['pid']})" if where else ""
            raise AlreadyRunning(
                f"Firstline already runs on {home}{at}.",
                hint="Stop that one, or set FIRSTLINE_HOME (and PORT) to run another beside it.",
            ) from None
        note = home / "run" / "serve.json"
        note.write_text(json.dumps({"pid": os.getpid(), "url": url}))
        try:
            yield
        finally:
            note.unlink(missing_ok=True)


def _running_soon(home: Path, pause: Callable[[float], None]) -> dict[str, str] | None:
    """Give one that has just taken the lock the moment it needs to write down where it serves."""
    for _ in range(20):
        where = running(home)
        if where != _UNKNOWN:
            return where
        pause(0.05)
    return dict(_UNKNOWN)


def running(home: Path) -> dict[str, str] | None:
    """Pid and URL of the Firstline that serves `home` now, or None when none does."""
    try:
        with (home / "run" / "serve.lock").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except FileNotFoundError:
        return None
    except OSError:
        pass
    try:
        found = json.loads((home / "run" / "serve.json").read_text())
        return {"pid": str(found["pid"]), "url": str(found["url"])}
    except (OSError, ValueError, KeyError):
        return dict(_UNKNOWN)
