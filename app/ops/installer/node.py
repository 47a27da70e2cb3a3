"""Builds the front end with the machine's Node.js, or with one from a wheel where there is none."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

from app.ops.installer.console import Console, Failed
from app.ops.installer.environments import Environments, Installation, digest

OLDEST_NODE = (20, 19)
OLDEST_NPM = (10, 0)
_LEFT_OUT = {"node_modules", "dist", ".vite", "coverage", "test-results"}


class FrontEnd:
    """The workspace `web/`: its packages and its build."""

    def __init__(self, place: Installation, console: Console, environments: Environments) -> None:
        self._place = place
        self._console = console
        self._environments = environments
        self._web = place.root / "web"

    @property
    def exists(self) -> bool:
        """Whether there is a front end in this checkout."""
        return (self._web / "package.json").exists()

    def lacks_packages(self) -> bool:
        """Whether `npm ci` has to run."""
        return _read(self._web / "node_modules" / ".firstline") != self._packages()

    def is_stale(self) -> bool:
        """Whether the build is missing or older than its sources."""
        return _read(self._web / "dist" / ".firstline") != self._sources()

    def needs_node(self) -> bool:
        """Whether Node.js has to be installed before anything can be built."""
        return (self.is_stale() or self.lacks_packages()) and self._node() is None

    def lacks_node(self) -> bool:
        """Whether there is no Node.js that checks could run on."""
        return self._node() is None

    def install(self) -> None:
        """Install the packages that package-lock.json names; their own scripts are not run."""
        if (self._web / "node_modules").exists():
            shutil.rmtree(str(self._web / "node_modules"))
        self._npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        _write(self._web / "node_modules" / ".firstline", self._packages())

    def build(self) -> None:
        """Build into web/dist."""
        sources = self._sources()
        self._npm("run", "build")
        _write(self._web / "dist" / ".firstline", sources)

    def _npm(self, *arguments: str) -> None:
        node = self._node()
        if node is None:
            raise Failed("Node.js is not there, although it was installed.", "Remove .venv and try again.")
        env = npm_environment(node, self._place.env)
        cache = env.get("npm_config_cache") or os.path.join(env.get("HOME", ""), ".npm")
        if not _writable(cache):
            env["npm_config_cache"] = str(self._place.home / "cache" / "npm")
        self._console.run([str(node / "npm"), *arguments], env, self._web)

    def _packages(self) -> str:
        return digest([self._web / "package.json", self._web / "package-lock.json"])

    def _sources(self) -> str:
        paths = [
            path
            for path in sorted(self._web.iterdir())
            if path.name not in _LEFT_OUT and path.name[:1] != "."
        ]
        return digest(paths)

    def _node(self) -> Optional[Path]:
        return node_folder(self._environments.app.path / "bin", self._place.env)


def node_folder(own: Path, env: Mapping[str, str]) -> Optional[Path]:
    """Folder of a Node.js and npm that are new enough: the machine's, or `own`, the app's environment's."""
    found = shutil.which("node", path=env.get("PATH"))
    for folder in ([Path(found).parent] if found else []) + [own]:
        if _version(folder / "node", env) >= OLDEST_NODE:
            with_node = dict(env, PATH=f"{folder}{os.pathsep}{env.get('PATH', '')}")
            if _version(folder / "npm", with_node) >= OLDEST_NPM:
                return folder
    return None


def npm_environment(node: Path, env: Mapping[str, str]) -> Dict[str, str]:
    """`env` with Node.js of the folder `node` before all others, for npm that nobody watches."""
    path = os.pathsep.join([str(node), env.get("PATH", "")])
    changed = dict(env, PATH=path, npm_config_update_notifier="false", CI="1")
    changed.pop("NODE_ENV", None)  # "production" would leave the build tools out
    return changed


def _version(program: Path, env: Mapping[str, str]) -> Tuple[int, ...]:
    try:
        answer = subprocess.run(
            [str(program), "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=30, check=True, env=dict(env),
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return (0,)
    return tuple(int(part) for part in re.findall(r"\d+", answer.stdout.decode())[:2])


def _writable(folder: str) -> bool:
    path = Path(folder)
    while not path.exists():
        path = path.parent
    return os.access(str(path), os.W_OK)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
