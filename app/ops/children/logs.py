"""Log files of children: appended to by the child itself, so they outlive Firstline, and bounded in size."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LARGEST = 8 * 2**20
"""Bytes after which a log is moved to `<name>.log.1`, so one child never holds more than twice this."""


@dataclass(frozen=True)
class LogFile:
    """The log of one child."""

    path: Path

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Give a handle to append to, readable by the owner only."""
        self.bound()
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)

    def bound(self, largest: int = LARGEST) -> None:
        """Copy a log that is too long aside and empty it; the writer appends, so it goes on at the start."""
        try:
            if self.path.stat().st_size <= largest:
                return
        except FileNotFoundError:
            return
        shutil.copy2(self.path, self.path.with_name(f"{self.path.name}.1"))
        os.truncate(self.path, 0)

    def tail(self, lines: int) -> str:
        """Return the last lines, joined by ` | ` so that they fit a sentence."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - 8192))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        found = [line.strip() for line in text.splitlines() if line.strip()]
        return " | ".join(found[-lines:])[-1500:]
