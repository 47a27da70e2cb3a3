"""Finds working interpreters by trying them: a name on PATH can be a shim that fails when it is called."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

Version = Tuple[int, int]
RASA: Sequence[Version] = ((3, 10),)
APP: Sequence[Version] = ((3, 11), (3, 12), (3, 13))

_PROBE = (
    "import sys, json, importlib.util, ssl, ctypes, sqlite3, zlib; "
    "print(json.dumps([sys.executable, sys.base_prefix == sys.prefix, *sys.version_info[:3], "
    "sys.implementation.name, importlib.util.find_spec('ensurepip') is not None]))"
)
_SYSTEM = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")
_SECONDS = 15


class Python(NamedTuple):
    """A working interpreter; Debian's have no pip of their own until `python3-venv` is installed."""

    path: str
    version: Tuple[int, int, int]
    has_pip: bool


def find(
    wanted: Sequence[Version],
    env: Mapping[str, str],
    tried: Dict[str, Optional[Python]],
    need_pip: bool = False,
) -> Optional[Python]:
    """Return the first working interpreter, versions in the order given; `tried` remembers across calls."""
    for version in wanted:
        for candidate in candidates(version, env):
            found = _try(candidate, env, tried)
            if found and found.version[:2] == version and (found.has_pip or not need_pip):
                return found
    return None


def candidates(version: Version, env: Mapping[str, str]) -> Iterator[str]:
    """Yield the places where an interpreter of `version` may be, each once."""
    seen = set()
    for path in _places(version, env):
        if path not in seen and os.access(path, os.X_OK) and not os.path.isdir(path):
            seen.add(path)
            yield path


def _places(version: Version, env: Mapping[str, str]) -> Iterator[str]:
    name = f"python{version[0]}.{version[1]}"
    folders = [folder for folder in env.get("PATH", "").split(os.pathsep) if folder]
    for folder in folders:
        yield os.path.join(folder, name)
    yield from _pyenv(version, env)
    yield from _uv(version, env)
    for folder in _SYSTEM:
        yield os.path.join(folder, name)
    for found in [*sorted(Path("/opt").glob("*/bin")), *sorted(Path("/usr/local").glob("*/bin"))]:
        yield str(found / name)
    for folder in [*folders, *_SYSTEM]:
        for plain in ("python3", "python"):
            yield os.path.join(folder, plain)


def _pyenv(version: Version, env: Mapping[str, str]) -> Iterator[str]:
    roots = [env.get("PYENV_ROOT", ""), os.path.join(env.get("HOME", ""), ".pyenv"), "/opt/pyenv"]
    prefix = f"{version[0]}.{version[1]}."
    for root in roots:
        versions = Path(root or "/nonexistent") / "versions"
        try:
            installed = [folder for folder in versions.iterdir() if folder.name.startswith(prefix)]
        except OSError:
            continue
        for folder in sorted(installed, key=lambda one: _numbers(one.name), reverse=True):
            yield str(folder / "bin" / "python")


def _uv(version: Version, env: Mapping[str, str]) -> Iterator[str]:
    home = env.get("UV_PYTHON_INSTALL_DIR") or os.path.join(
        env.get("XDG_DATA_HOME") or os.path.join(env.get("HOME", ""), ".local", "share"), "uv", "python"
    )
    pattern = f"cpython-{version[0]}.{version[1]}.*/bin/python{version[0]}.{version[1]}"
    for path in sorted(Path(home).glob(pattern), reverse=True):
        yield str(path)


def _numbers(name: str) -> List[int]:
    return [int(part) for part in re.findall(r"\d+", name)]


def _try(path: str, env: Mapping[str, str], tried: Dict[str, Optional[Python]]) -> Optional[Python]:
    if path not in tried:
        tried[path] = _call(path, env)
    return tried[path]


def works(path: str, env: Mapping[str, str]) -> bool:
    """Whether the interpreter at `path` can be called and has what an environment needs."""
    return _call(path, env) is not None


def _call(path: str, env: Mapping[str, str]) -> Optional[Python]:
    try:
        answer = subprocess.run(
            [path, "-I", "-c", _PROBE],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=_SECONDS, env=dict(env), check=True,
        )  # fmt: skip
        executable, is_base, major, minor, micro, implementation, has_pip = json.loads(answer.stdout.decode())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if implementation != "cpython" or not executable:
        return None
    # An environment made from another environment breaks when that one goes: use what lies beneath.
    resolved = os.path.realpath(executable) if not is_base else executable
    return Python(resolved, (major, minor, micro), bool(has_pip))
