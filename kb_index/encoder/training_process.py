"""Fine-tunes the encoder in a process of its own, in the environment that holds torch."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.errors import Unavailable, Unprocessable
from kb_index.encoder.onnx_encoder import MANIFEST, SMALL, EncoderManifest

ROOT = Path(__file__).parents[2]
Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, of how much."""
_LINE = 1 << 20
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "CUDA_VISIBLE_DEVICES": "",
    "TQDM_DISABLE": "1",
}


@dataclass(frozen=True)
class TunedEncoder:
    """A folder that `OnnxEncoder` loads; `int8` is its quantised twin, if one was asked for."""

    folder: Path
    fingerprint: str
    steps: int
    int8: Path | None = None


async def tune(
    base: Path | None,
    pairs: Path,
    out: Path,
    *,
    python: Path,
    epochs: int | None = None,
    batch: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    int8: bool = False,
    expect: str | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> TunedEncoder:
    """Fine-tune `base` on the pairs of a file and export the result into the folder `out`.

    `base` is a folder that sentence-transformers loads (None: the packaged MiniLM), `pairs` holds a JSON
    object a line with `question`, `passage`, `article` and maybe `negative`, and `python` is that of the
    encoder's environment. What is None is as `kb_index.encoder.training.Recipe` has it. The child ends with
    this call, however it ends, and `out` is complete or as it was.

    Raises:
        Unavailable: when the environment is not installed or the child dies.
        Unprocessable: when the pairs or the folder cannot be used; the message says why.
    """
    if not await asyncio.to_thread(python.is_file):
        raise Unavailable("The encoder's environment is not installed.",
                          hint="`make run` installs it.")  # fmt: skip
    argv = [str(python), "-m", "kb_index.encoder.training", "--pairs", str(pairs), "--out", str(out)]
    given: dict[str, object] = {
        "base": base,
        "epochs": epochs,
        "batch": batch,
        "seed": seed,
        "threads": threads,
    }
    given["expect"] = expect
    argv += [part for name, value in given.items() if value is not None for part in (f"--{name}", str(value))]
    child = await asyncio.create_subprocess_exec(
        *argv,
        *(["--int8"] if int8 else []),
        cwd=ROOT,
        env={**(environment or {}), **_OFFLINE},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE,
    )
    try:
        steps, last, noise = await _listen(child, progress)
    finally:
        await _end(child)
    if "error" in last:
        raise Unprocessable(str(last["error"]), hint=last.get("hint") or "")
    if child.returncode or "done" not in last:
        raise Unavailable(f"The training ended with status {child.returncode}: {noise[-300:].strip()}",
                          hint="The encoder in use stays. Free memory, and run it again.")  # fmt: skip
    twin = out.with_name(out.name + SMALL) if int8 else None
    return TunedEncoder(out, EncoderManifest.read(out).fingerprint, steps, twin)


async def _listen(
    child: asyncio.subprocess.Process, progress: Progress | None
) -> tuple[int, dict[str, Any], str]:
    """Read what the child says until it ends: steps done, its last word, and what it wrote to stderr."""
    assert child.stdout is not None
    assert child.stderr is not None
    noise = asyncio.create_task(child.stderr.read())
    steps, last = 0, dict[str, Any]()
    async for line in child.stdout:
        try:
            last = json.loads(line)
        except ValueError:
            continue
        if "step" in last:
            steps = int(last["step"])
            if progress is not None:
                progress("training", steps, int(last["of"]))
    await child.wait()
    return steps, last, (await noise).decode(errors="replace")


async def exported(
    folder: Path, cache: Path, *, python: Path, environment: Mapping[str, str] | None = None
) -> Path:
    """Return `folder` if it is an exported encoder; else export it, once, into a folder in `cache`.

    Raises:
        Unavailable: when the encoder's environment is needed and not installed.
        Unprocessable: when sentence-transformers cannot load the folder; the message says why.
    """
    if await asyncio.to_thread((folder / MANIFEST).is_file):
        return folder
    if not await asyncio.to_thread(python.is_file):
        raise Unavailable("The encoder's environment is not installed.",
                          hint="`make run` installs it.")  # fmt: skip
    folder = await asyncio.to_thread(folder.resolve)
    out = cache / f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    child = await asyncio.create_subprocess_exec(
        *(str(python), "-m", "kb_index.encoder.export", "--model", str(folder), "--out", str(out)),
        cwd=ROOT,
        env={**(environment or {}), **_OFFLINE},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, noise = await child.communicate()
    finally:
        await _end(child)
    if child.returncode:
        lines = noise.decode(errors="replace").strip().splitlines() or ["it says nothing"]
        raise Unprocessable(f"{folder.name} cannot be exported: {lines[-1].removeprefix('encoder: ')}",
                            hint="Name a folder that SentenceTransformer(...).save() wrote.")  # fmt: skip
    return out


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
