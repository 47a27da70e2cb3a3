"""Train the assistant in Rasa's environment, only when something that shapes it has changed.

    python -m bot.training.trainer --home DIR [--force]

A model is `HOME/models/<fingerprint>.tar.gz`; `HOME/models/current.tar.gz` links to the one to be served.
Earlier models are kept. The fingerprint covers config.yml, domain.yml, data/training, what the workflows add
to them, the components that shape a model, and the encoder.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from actions.framework.registry import Registry
from bot.training.model_registry import make_current
from bot.training.workflow_data import Composed, compose
from foundation.errors import Conflict, FirstlineError, Unavailable, Unprocessable

ROOT = Path(__file__).resolve().parents[2]
SHAPING = ("classifier.py", "encoding.py", "featurizer.py", "intent_model.py", "train.py")
RASA = "rasa 3.6.21"
LONGEST = 900.0
INVALID = 2
# Memory and time: one thread for each library, no allocator arenas for threads that do nothing.
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RASA_MAX_CACHE_SIZE": "0",
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_INTER_OP_PARALLELISM_THREADS": "1",
    "TF_INTRA_OP_PARALLELISM_THREADS": "1",
    "TQDM_DISABLE": "1",
}
PASSED_ON = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "LD_LIBRARY_PATH", "FIRSTLINE_FULL_RASA")

Progress = Callable[[str], None]


class InvalidAssistant(Unprocessable):
    """The configuration, the domain or the examples are wrong; `problems` are sentences for the trainer."""

    code = "invalid_assistant"

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            "The assistant cannot be trained: " + " ".join(problems),
            hint="Correct config.yml, domain.yml or data/training and train again.",
            extra={"problems": problems},
        )
        self.problems = problems


class TrainingBroke(FirstlineError):
    """Training stopped for a reason that is not in the training data."""

    code = "training_broke"


@dataclass(frozen=True)
class Assistant:
    """What is trained, and with what: the checkout, Rasa's Python and the encoder folder."""

    home: Path
    root: Path = ROOT
    python: Path = field(default=ROOT / ".venv-rasa" / "bin" / "python")
    encoder: Path | None = None

    @property
    def encoder_dir(self) -> Path:
        """The encoder folder (HOME/encoder unless another is named)."""
        return self.encoder or self.home / "encoder"

    @property
    def models(self) -> Path:
        """Where models are kept."""
        return self.home / "models"

    def sources(self) -> list[Path]:
        """The files that shape a model, in a fixed order."""
        components = self.root / "bot" / "rasa_components"
        data = sorted(
            path for path in (self.root / "data" / "training").rglob("*") if path.suffix in (".yml", ".yaml")
        )
        return [self.root / "config.yml", self.root / "domain.yml", *data, *(components / n for n in SHAPING)]

    def fingerprint(self) -> str:
        """Identity of the model that would be trained now: 16 hex digits. Raises Unavailable."""
        manifest = self.encoder_dir / "encoder.json"
        try:
            encoder = str(json.loads(manifest.read_text("utf-8"))["fingerprint"])
        except (OSError, ValueError, KeyError) as error:
            raise Unavailable(
                f"There is no exported encoder in {self.encoder_dir}.",
                hint="Export it first: `make run` does, or python -m kb_index.encoder.export --out FOLDER.",
            ) from error
        digest = hashlib.sha256(f"{RASA}\0{encoder}".encode())
        for path in self.sources():
            digest.update(f"\0{path.relative_to(self.root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        added = self.added_by_workflows()
        digest.update(f"\0{added.domain}\0{added.data}".encode())
        return digest.hexdigest()[:16]

    def added_by_workflows(self) -> Composed:
        """What the checkout's workflows add; nothing where they are not this program's, or a file is no YAML.

        A file that is no YAML is for Rasa to complain of, which names the line.
        """
        if self.root != ROOT:
            return Composed("", "")
        data = [
            path for path in self.sources() if "training" in path.parts and path.suffix in (".yml", ".yaml")
        ]
        try:
            texts = [path.read_text("utf-8") for path in (self.root / "domain.yml", *data)]
            return compose(Registry.load(), texts[0], texts[1:])
        except (yaml.YAMLError, UnicodeDecodeError):
            return Composed("", "")


@dataclass(frozen=True)
class Trained:
    """The outcome: the model's file, its fingerprint, whether it was trained now, and how long that took."""

    model: Path
    fingerprint: str
    fresh: bool
    seconds: float


async def train(
    home: Path, *, force: bool = False, progress: Progress = print, assistant: Assistant | None = None
) -> Trained:
    """Train unless a model of the present fingerprint exists, and make it the current one.

    `progress` gets short lines to show. `assistant` names other places than the checkout's own. Raises
    InvalidAssistant (with every problem found), TrainingBroke, Unavailable (no encoder or no Rasa
    environment) or Conflict (another training is running); the current model stays what it was then.
    """
    what = assistant or Assistant(home)
    started = time.monotonic()
    what.models.mkdir(parents=True, exist_ok=True)
    with _alone(what.models):
        fingerprint = what.fingerprint()
        model = what.models / f"{fingerprint}.tar.gz"
        fresh = force or not model.is_file()
        if fresh:
            await _train_into(what, model, progress)
        else:
            progress(f"Assistant model {fingerprint} is up to date")
        make_current(model)
    return Trained(model, fingerprint, fresh, time.monotonic() - started)


async def _train_into(what: Assistant, model: Path, progress: Progress) -> None:
    if not what.python.exists():
        raise Unavailable(f"Rasa's environment is missing ({what.python}).", hint="Run `make install`.")
    work = Path(tempfile.mkdtemp(prefix=".training-", dir=what.models))
    started = time.monotonic()
    try:
        new = work / model.name
        await _run(what, _laid_out(what, work), new, progress)
        await asyncio.to_thread(_sync, new)
        new.replace(model)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    progress(f"Assistant trained in {time.monotonic() - started:.0f} s: model {model.name.split('.')[0]}")


def _laid_out(what: Assistant, work: Path) -> tuple[Path, Path]:
    """The domain and the training data, with what workflows add beside the checkout's files."""
    domain, data = what.root / "domain.yml", what.root / "data" / "training"
    added = what.added_by_workflows()
    if not added.domain and not added.data:
        return domain, data
    folders = work / "domain", work / "data"
    folders[0].mkdir()
    shutil.copy(domain, folders[0])
    shutil.copytree(data, folders[1])
    (folders[0] / "workflows.yml").write_text(added.domain or 'version: "3.1"\n', "utf-8")
    if added.data:
        (folders[1] / "of_workflows.yml").write_text(added.data, "utf-8")
    return folders


async def _run(what: Assistant, files: tuple[Path, Path], out: Path, progress: Progress) -> None:
    logs = what.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    command = [str(what.python), "-W", "ignore", "-m", "bot.rasa_components.train", "--out", str(out)]
    command += ["--config", str(what.root / "config.yml")]
    command += ["--domain", str(files[0]), "--data", str(files[1])]
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | ENVIRONMENT
    environment["FIRSTLINE_ENCODER_DIR"] = str(what.encoder_dir.resolve())
    problems: list[str] = []
    with (logs / "training.log").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=what.root,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(LONGEST):
                async for line in _lines(process):
                    found = line.get("problems")
                    problems += [str(item) for item in found] if isinstance(found, list) else []
                    if line.get("stage") in ("importing", "validating", "training"):
                        progress(f"Assistant: {line.get('detail')} ...")
                status = await process.wait()
        except TimeoutError:
            raise TrainingBroke(f"Training did not end within {LONGEST:.0f} s.") from None
        finally:
            await _end(process)
    if status == INVALID:
        raise InvalidAssistant(list(dict.fromkeys(problems)) or ["Rasa refuses the files."])
    if status != 0:
        raise TrainingBroke(
            f"Training stopped with status {status}: {_tail(logs / 'training.log')}",
            hint=f"The whole story is in {logs / 'training.log'}.",
        )


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[dict[str, object]]:
    """The progress lines of the trainer; anything else on its standard output is skipped."""
    assert process.stdout is not None
    async for raw in process.stdout:
        with contextlib.suppress(ValueError):
            value = json.loads(raw)
            if isinstance(value, dict):
                yield value


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        lines = deque((line for line in file if line.strip()), maxlen=1)
    return lines[0].decode("utf-8", "replace").strip()[:300] if lines else "it said nothing"


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def _alone(models: Path) -> Iterator[None]:
    """One training at a time in a home. Raises Conflict."""
    with (models / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("Another training is running.", hint="Wait until it has ended.") from None
        yield


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bot.training.trainer", description=__doc__)
    parser.add_argument("--home", required=True, type=Path)
    parser.add_argument("--encoder", type=Path, help="folder of the exported encoder (default: HOME/encoder)")
    parser.add_argument("--python", type=Path, help="Rasa's Python (default: .venv-rasa/bin/python)")
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args(arguments)
    home = options.home.resolve()
    what = Assistant(home, encoder=options.encoder)
    if options.python:
        what = Assistant(home, encoder=options.encoder, python=options.python)
    try:
        asyncio.run(train(home, force=options.force, assistant=what))
    except FirstlineError as error:
        print(f"{error}" + (f" {error.hint}" if error.hint else ""), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
