"""Files that are whole or not there: written aside, flushed to the disk, renamed, and checked by SHA-256."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
_AT_ONCE = 1 << 20


class DamagedFile(ValueError):
    """A file does not have the checksum that it should have."""


@contextmanager
def replacing(path: Path, *, mode: int = PRIVATE, replace: bool = True) -> Iterator[BinaryIO]:
    """Give a file to write (and read back) that takes the place of `path` when the block ends well.

    Readers, and whoever comes after a crash or a loss of power, see the old content or the new, never a part.
    Without `replace`, a file that is there already wins and what was written is dropped.

    Raises:
        OSError: when it cannot be written; `path` is as it was then.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp")
    aside = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replace:
            aside.replace(path)
        else:
            with contextlib.suppress(FileExistsError):
                os.link(aside, path)
        sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def write(path: Path, content: bytes | str, *, mode: int = PRIVATE, replace: bool = True) -> str:
    """Write a whole file (text as UTF-8) as `replacing` does; returns the SHA-256 of `content`, in hex.

    Raises:
        OSError: when it cannot be written; `path` is as it was then.
    """
    raw = content.encode() if isinstance(content, str) else content
    with replacing(path, mode=mode, replace=replace) as file:
        file.write(raw)
    return hashlib.sha256(raw).hexdigest()


def append_line(path: Path, line: str) -> None:
    """Add a line and wait until it is on the disk; a file that is made by this is private.

    A line that was cut short by a crash is ended first, so that it spoils no other.

    Raises:
        OSError: when it cannot be written.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        cut = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
        file.write((b"\n" if cut else b"") + line.rstrip("\n").encode() + b"\n")
        os.fsync(file.fileno())


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex, read in pieces.

    Raises:
        OSError: when it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()


def read_verified(path: Path, expected: str) -> bytes:
    """Read a whole file whose SHA-256 is known.

    Raises:
        DamagedFile: when it has another.
        OSError: when it cannot be read.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise DamagedFile(f"{path.name} does not have the checksum that it should have")
    return content


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, without which a rename may not outlive a loss of power.

    Raises:
        OSError: when the folder cannot be opened; that it cannot be flushed, as on some systems, is no error.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
