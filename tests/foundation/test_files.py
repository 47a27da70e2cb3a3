"""Files are whole or not there, whatever happens while they are written."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from foundation import files

KILLED = """
import sys, os
from pathlib import Path
from foundation import files
with files.replacing(Path(sys.argv[1])) as file:
    file.write(b"new" * 1000)
    file.flush()
    print("half", flush=True)
    sys.stdin.read()
"""


def test_content_mode_and_checksum(tmp_path: Path) -> None:
    path = tmp_path / "key"
    digest = files.write(path, "grün\n")
    assert path.read_bytes() == "grün\n".encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert files.sha256(path) == digest
    assert files.read_verified(path, digest) == path.read_bytes()
    files.write(path, b"public", mode=0o644)
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["key"]


def test_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "model"
    digest = files.write(path, b"x" * 5000)
    raw = bytearray(path.read_bytes())
    raw[4000] ^= 1
    path.write_bytes(raw)
    with pytest.raises(files.DamagedFile):
        files.read_verified(path, digest)
    path.write_bytes(b"x" * 4999)
    with pytest.raises(files.DamagedFile):
        files.read_verified(path, digest)


def test_what_is_there_already_wins(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    files.write(path, "first", replace=False)
    files.write(path, "second", replace=False)
    assert path.read_text() == "first"
    assert os.listdir(tmp_path) == ["secret"]


def test_an_error_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "index"
    files.write(path, "old")
    with pytest.raises(RuntimeError), files.replacing(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["index"]


def test_killed_while_writing(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    files.write(path, "old")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.send_signal(signal.SIGKILL)
    assert path.read_text() == "old"
    files.write(path, "after")
    assert path.read_text() == "after"


def test_readers_never_see_a_part(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    contents = [bytes([65 + number]) * 200_000 for number in range(4)]
    files.write(path, contents[0])
    wrong: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            if path.read_bytes() not in contents:
                wrong.append(1)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(40):
        files.write(path, contents[number % 4])
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong


def test_a_line_cut_short_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.jsonl"
    files.append_line(path, "one")
    with path.open("ab") as file:
        file.write(b'{"cut')
    files.append_line(path, "two\n")
    assert path.read_text().splitlines() == ["one", '{"cut', "two"]
    assert path.stat().st_mode & 0o777 == 0o600
