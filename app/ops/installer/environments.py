"""The three environments, made from lock files; a stamp in each says what it was made from."""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from app.ops.installer import pythons
from app.ops.installer.console import Console, Failed
from app.ops.installer.pythons import Python

_UV = "uv"
_STAMP = ".firstline.json"
_UNFINISHED = ".firstline-unfinished"
_BREW = "or on macOS `brew install python@{0}`"


class Installation(NamedTuple):
    """Where things are: the checkout, the data folder and the environment of this process."""

    root: Path
    home: Path
    env: Mapping[str, str]

    def lock(self, name: str) -> Path:
        """Path of a lock file."""
        return self.root / "app" / "ops" / "locks" / (name + ".txt")


class Environment:
    """One virtual environment in the checkout."""

    def __init__(self, place: Installation, folder: str) -> None:
        self.path = place.root / folder
        self._place = place

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / "bin" / "python"

    def has(self, lock: str) -> bool:
        """Whether all of `lock` is installed in it, by an interpreter that is still there."""
        stamp = self._stamp()
        return (
            bool(stamp)
            and stamp.get("path") == str(self.path)
            and os.access(str(stamp.get("python")), os.X_OK)
            and self.python.exists()
            and stamp.get("locks", {}).get(lock) == digest([self._place.lock(lock)])
        )

    def note(self, lock: str, python: str) -> None:
        """Write down that `lock` is installed."""
        locks = dict(self._stamp().get("locks", {}), **{lock: digest([self._place.lock(lock)])})
        text = json.dumps({"path": str(self.path), "python": python, "locks": locks})
        temporary = self.path / (_STAMP + ".new")
        temporary.write_text(text)
        os.replace(str(temporary), str(self.path / _STAMP))

    def base(self) -> Optional[str]:
        """The interpreter it was made with, when that is still there."""
        python = self._stamp().get("python")
        return python if python and os.access(python, os.X_OK) and self.python.exists() else None

    def prepare(self, python: Python, console: Console, uv: Optional[Path] = None) -> None:
        """Make the environment unless a sound one is there; one left half made is made anew."""
        unfinished = self.path / _UNFINISHED
        stamp = self._stamp()
        moved = bool(stamp) and stamp.get("path") != str(self.path)
        if self.path.exists() and (unfinished.exists() or moved or not self._works()):
            shutil.rmtree(str(self.path))
        if not self.path.exists():
            maker = [str(uv), "venv", "--python"] if uv else []
            argv = (
                [*maker, python.path, str(self.path)]
                if uv
                else [python.path, "-I", "-m", "venv", str(self.path)]
            )
            console.run(argv, self._place.env, self._place.root)
        unfinished.touch()

    def finish(self, lock: str, python: str) -> None:
        """Write down that the environment is whole."""
        self.note(lock, python)
        if (self.path / _UNFINISHED).exists():
            (self.path / _UNFINISHED).unlink()

    def _works(self) -> bool:
        wanted = pythons.APP if self.path.name != ".venv-rasa" else pythons.RASA
        try:
            version = (self.path / "pyvenv.cfg").read_text()
        except OSError:
            return False
        return any(
            f"version = {major}.{minor}" in version or f"version_info = {major}.{minor}" in version
            for major, minor in wanted
        ) and pythons.works(str(self.python), self._place.env)

    def _stamp(self) -> Dict[str, Any]:  # values are checked where they are used
        try:
            found = json.loads((self.path / _STAMP).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def digest(paths: Sequence[Path]) -> str:
    """Hash of files, and of all files in folders, with their names."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for file in files:
            total.update(f"\0{file.relative_to(path) if path.is_dir() else file.name}\0".encode())
            try:
                total.update(file.read_bytes())
            except OSError:
                total.update(b"missing")
    return total.hexdigest()


class Environments:
    """Finds interpreters and fills the environments."""

    def __init__(self, place: Installation, console: Console) -> None:
        self._place = place
        self._console = console
        self._tried = {}  # type: Dict[str, Optional[Python]]
        self.app = Environment(place, ".venv")
        self.rasa = Environment(place, ".venv-rasa")
        self.encoder = Environment(place, ".venv-encoder")

    def interpreter(self, wanted: Sequence[pythons.Version], need_pip: bool = True) -> Python:
        """Return a working interpreter of one of the versions.

        Raises:
            Failed: when there is none; the text says what to do.
        """
        found = pythons.find(wanted, self._place.env, self._tried, need_pip) or self._by_uv(wanted)
        if found is None:
            raise Failed(_missing(wanted))
        return found

    def has_rasa_python(self) -> bool:
        """Whether this machine has an interpreter for Rasa."""
        return pythons.find(pythons.RASA, self._place.env, self._tried) is not None

    def install_uv(self) -> None:
        """Make the app's environment, with uv in it."""
        python = self.interpreter(pythons.APP)
        self.app.prepare(python, self._console)
        argv = [str(self.app.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
                "--progress-bar", "off", "-r", str(self._place.lock("uv"))]  # fmt: skip
        self._console.run(argv, self._place.env, self._place.root)
        self.app.finish("uv", python.path)

    def install_app(self) -> None:
        """Install what the app needs, and the command `firstline`."""
        self._uv_install(self.app, "app")
        write_command(self._place, self.app)
        self.app.note("app", self.app.base() or sys.executable)

    def lacks_command(self) -> bool:
        """Whether `firstline` is missing, or is one that an earlier version wrote."""
        return not has_command(self._place, self.app)

    def install_command(self) -> None:
        """Write `firstline`."""
        write_command(self._place, self.app)

    def install_dev(self) -> None:
        """Install what tests and checks need besides."""
        self._uv_install(self.app, "dev")
        self.app.note("dev", self.app.base() or sys.executable)

    def install_rasa(self) -> None:
        """Install Rasa."""
        python = self.interpreter(pythons.RASA, need_pip=False)
        self.rasa.prepare(python, self._console, self.uv)
        self._uv_install(self.rasa, "rasa")
        self.rasa.finish("rasa", python.path)

    def install_encoder(self) -> None:
        """Install torch and sentence-transformers, by pip: it finds a CPU build where uv takes CUDA's."""
        python = self.interpreter(pythons.APP)
        self.encoder.prepare(python, self._console)
        argv = [str(self.encoder.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
                "--progress-bar", "off", "-r", str(self._place.lock("encoder"))]  # fmt: skip
        self._console.run(argv, self._place.env, self._place.root)
        self.encoder.finish("encoder", python.path)

    def install_node(self) -> None:
        """Install Node.js and npm from a wheel into the app's environment."""
        self._uv_install(self.app, "node")
        self.app.note("node", self.app.base() or sys.executable)

    @property
    def uv(self) -> Path:
        """Path of uv."""
        return self.app.path / "bin" / _UV

    def _uv_install(self, environment: Environment, lock: str) -> None:
        argv = [str(self.uv), "pip", "install", "--python", str(environment.python), "--no-progress",
                "-r", str(self._place.lock(lock))]  # fmt: skip
        self._console.run(argv, self._place.env, self._place.root)

    def _by_uv(self, wanted: Sequence[pythons.Version]) -> Optional[Python]:
        """Let uv download an interpreter where a network allows it; not for long."""
        uv = str(self.uv) if self.uv.exists() else shutil.which(_UV, path=self._place.env.get("PATH"))
        if uv is None:
            return None
        version = "{}.{}".format(*wanted[0])
        folder = self._place.home / "python"
        env = dict(self._place.env, UV_PYTHON_INSTALL_DIR=str(folder), UV_HTTP_TIMEOUT="15")
        try:
            self._console.run(
                [uv, "python", "install", "--no-bin", version], env, self._place.root, seconds=120
            )
        except Failed:
            return None
        return pythons.find(wanted[:1], dict(env, PATH=""), {})


def _command(place: Installation, environment: Environment) -> str:
    """The text of `firstline`; the rooms stay in the checkout, so it only points there."""
    return (
        "#!/bin/sh\n"
        '\'\'\'exec\' "{python}" "$0" "$@"\n'
        "' '''\n"
        "import sys\n\nsys.path.insert(0, {root!r})\nfrom app.cli.main import main\n\nsys.exit(main())\n"
    ).format(python=environment.python, root=str(place.root))


def has_command(place: Installation, environment: Environment) -> bool:
    """Whether the environment has `firstline` as it would be written now."""
    try:
        return (environment.path / "bin" / "firstline").read_text() == _command(place, environment)
    except OSError:
        return False


def write_command(place: Installation, environment: Environment) -> None:
    """Write `firstline` into the environment."""
    script = environment.path / "bin" / "firstline"
    temporary = script.with_name("firstline.new")
    temporary.write_text(_command(place, environment))
    temporary.chmod(0o755)
    os.replace(str(temporary), str(script))


def _missing(wanted: Sequence[pythons.Version]) -> str:
    version = "{}.{}".format(*wanted[0])
    what = "Python 3.10, which Rasa needs," if wanted is pythons.RASA else "Python 3.11 or newer"
    ways: List[str] = [
        f"`pyenv install {version}`",
        f"`apt-get install python{version}-venv`",
        _BREW.format(version),
    ]
    return (
        f"No working {what} was found on PATH, in pyenv or in the usual folders: install it (for example "
        f"with {', '.join(ways)}) and run the same command again."
    )
