"""Which encoder the search uses: the installed one, its 8-bit twin, or one that was tuned from it.

    $FIRSTLINE_HOME/kb-encoder/current.json         names the tuned encoder in use, and what it was tuned from
    $FIRSTLINE_HOME/kb-encoder/<fingerprint>/       an exported encoder, complete, never changed

The installed encoder ($FIRSTLINE_HOME/encoder) is only read: the assistant's model was trained on its
vectors.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from foundation import files
from foundation.errors import Conflict, FirstlineError
from kb_index.encoder.onnx_encoder import SMALL, EncoderManifest, OnnxEncoder

POINTER, LOCK, WORK = "current.json", ".lock", ".work"
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class EncoderStore:
    """`folder` holds what was tuned, `base` is the installed encoder."""

    folder: Path
    base: Path

    def current(self) -> Path:
        """Return the folder of the encoder to use: the tuned one, if it is whole and was tuned from the
        installed one as that is now; else the installed one, in 8 bits where that was found to be as good."""
        try:
            pointer = json.loads((self.folder / POINTER).read_text("utf-8"))
            tuned = self.folder / str(pointer["fingerprint"])
            if (
                tuned.parent == self.folder
                and pointer["base"] == EncoderManifest.read(self.base).fingerprint
                and EncoderManifest.read(tuned).fingerprint == pointer["fingerprint"]
            ):
                return tuned
        except (OSError, ValueError, KeyError, TypeError, FirstlineError):
            pass
        return self._installed()

    def _installed(self) -> Path:
        small = self.base.with_name(self.base.name + SMALL)
        try:
            full = EncoderManifest.read(self.base).fingerprint
            return small if EncoderManifest.read(small).fingerprint == full + SMALL else self.base
        except FirstlineError:
            return self.base

    def load(self) -> OnnxEncoder:
        """Load the encoder to use; one that turns out broken is passed over for the installed one.

        Raises:
            Unavailable: when the installed one cannot be loaded either.
        """
        folder = self.current()
        if folder != self.base:
            try:
                return OnnxEncoder(folder)
            except FirstlineError as error:
                log.warning("encoder_not_loaded", reason=str(error))
        return OnnxEncoder(self.base)

    def report(self) -> dict[str, Any]:
        """Return what was measured when the tuned encoder in use was chosen; empty when none is in use."""
        if self.current().parent != self.folder:
            return {}
        found: dict[str, Any] = json.loads((self.folder / POINTER).read_text("utf-8")).get("report", {})
        return found

    def put_copy(self, exported: Path) -> Path:
        """Use a copy of an exported encoder from now on; see `put`."""
        with self.work() as work:
            copy = work / "copy"
            shutil.copytree(exported, copy)
            return self.put(copy, {"used": "chosen"})

    def put(self, made: Path, report: Mapping[str, Any]) -> Path:
        """Move a finished encoder in and use it from now on. Killed at any moment, the old one stays or the
        new one is in use, whole."""
        manifest = EncoderManifest.read(made)
        kept = self.folder / manifest.fingerprint
        if not kept.exists():
            for path in made.iterdir():
                _sync(path)
            made.rename(kept)
            _sync(self.folder)
        base = EncoderManifest.read(self.base).fingerprint
        note = {"fingerprint": manifest.fingerprint, "base": base, "report": dict(report)}
        files.write(self.folder / POINTER, json.dumps(note, indent=2) + "\n")
        return kept

    def put_back(self) -> None:
        """Use the installed encoder again."""
        (self.folder / POINTER).unlink(missing_ok=True)

    @contextlib.contextmanager
    def work(self) -> Iterator[Path]:
        """Give an empty folder to tune in; it goes at the end, and so does what a killed one has left.

        Raises:
            Conflict: when another process tunes.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / LOCK).open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Conflict(
                    "The encoder is being tuned already.", hint="Wait until that has ended."
                ) from None
            self._tidy()
            folder = self.folder / WORK
            folder.mkdir(mode=0o700)
            try:
                yield folder
            finally:
                self._tidy()

    def _tidy(self) -> None:
        """Remove all but the encoder in use; one that a process has loaded goes on in its memory."""
        kept = {POINTER, LOCK, self.current().name}
        for path in self.folder.iterdir():
            if path.name in kept:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
