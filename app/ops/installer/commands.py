"""What follows an installation: serving, tests, checks or formatting, each in the app's environment."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, Optional

from app.ops.installer.environments import Installation
from app.ops.installer.node import node_folder, npm_environment

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_CHECKED = [
    "foundation",
    "app",
    "bot",
    "actions",
    "kb_index",
    "escalation",
    "connectors",
    "security",
    "insights",
    "tests",
]
_FRONT_END = [
    ("API types", "types:check"),
    ("types", "check"),
    ("ESLint", "lint"),
    ("Prettier", "format:check"),
]


def follow(what: str, place: Installation, rest: List[str]) -> int:
    """Do it; returns the exit code."""
    env = dict(place.env, FIRSTLINE_HOME=str(place.home))
    if what == "serve":
        program = str(place.root / ".venv" / "bin" / "python")
        os.chdir(str(place.root))
        os.execve(program, [program, "-m", "app.cli", "serve", *rest], env)
    if what == "test":
        return _test(place, env, rest)
    if what == "check":
        return _check(place, env)
    if what == "format":
        return _format(place, env)
    return 0


def browser(env: Dict[str, str]) -> Optional[str]:
    """Path of a Chromium: CHROMIUM, or the first of the usual names on PATH."""
    given = env.get("CHROMIUM")
    if given:
        return given if os.access(given, os.X_OK) else None
    return next(
        (found for name in _BROWSERS for found in [shutil.which(name, path=env.get("PATH"))] if found), None
    )


def _test(place: Installation, env: Dict[str, str], rest: List[str]) -> int:
    env.setdefault("FIRSTLINE_ENCODER_DIR", str(place.home / "encoder"))
    argv = [str(place.root / ".venv" / "bin" / "python"), "-m", "pytest", *_workers(rest), *rest]
    found = browser(env)
    notice = ""
    if found:
        env["CHROMIUM"] = found
    elif (place.root / "tests" / "e2e").exists():
        argv += ["-m", "not e2e"]
        notice = (
            "firstline: the browser tests (tests/e2e) are left out, since there is no Chromium here. To run "
            "them: apt-get install chromium, or set CHROMIUM to one, and `make test` again."
        )
        print(notice, flush=True)
    code = _call(argv, env, place.root)
    if notice:
        print(notice, flush=True)
    return code


def _workers(rest: List[str]) -> List[str]:
    """A worker for each core where all tests run; one process, whose output reads better, for a choice."""
    cores = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 4)
    return [] if rest or cores < 2 else ["-n", str(cores), "--dist", "loadgroup"]


def _check(place: Installation, env: Dict[str, str]) -> int:
    tools = place.root / ".venv" / "bin"
    present = [folder for folder in _CHECKED if (place.root / folder).exists()]
    checks = [
        ("ruff", [str(tools / "ruff"), "check", "."]),
        ("format", [str(tools / "ruff"), "format", "--check", "."]),
        ("imports", [str(tools / "lint-imports"), "--no-cache"]),
        ("types", [str(tools / "mypy"), *present]),
    ]
    failed = []
    for name, argv in checks:
        print(f"== {name}", flush=True)
        if _call(argv, env, place.root) != 0:
            failed.append(name)
    failed += _check_front_end(place, env)
    print("check: " + (f"failed: {', '.join(failed)}" if failed else "all passed"), flush=True)
    return 1 if failed else 0


def _format(place: Installation, env: Dict[str, str]) -> int:
    ruff, web = str(place.root / ".venv" / "bin" / "ruff"), place.root / "web"
    code = _call([ruff, "check", "--fix-only", "-q", "."], env, place.root)
    code |= _call([ruff, "format", "."], env, place.root)
    node = node_folder(place.root / ".venv" / "bin", env)
    if node is not None and (web / "package.json").exists():
        npm = [str(node / "npm"), "run", "--silent", "format"]
        code |= _call(npm, npm_environment(node, env), web)
    return code


def _check_front_end(place: Installation, env: Dict[str, str]) -> List[str]:
    """Check the front end; returns what failed."""
    web = place.root / "web"
    if not (web / "package.json").exists():
        return []
    node = node_folder(place.root / ".venv" / "bin", env)
    if node is None:
        print("firstline: the front end is not checked: there is no Node.js. Remove .venv and try again.")
        return ["front end"]
    failed = []
    for name, script in _FRONT_END:
        print(f"== web: {name}", flush=True)
        npm = [str(node / "npm"), "run", "--silent", script]
        if _call(npm, npm_environment(node, env), web) != 0:
            failed.append(f"web: {name}")
    return failed


def _call(argv: List[str], env: Dict[str, str], cwd: Path) -> int:
    process = subprocess.Popen(argv, env=env, cwd=str(cwd))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it got the signal too, and ends by itself
            continue
