"""The interpreter search tries each candidate, and what cannot be called is passed over."""

import sys
from pathlib import Path

import pytest

from app.ops.installer import pythons
from app.ops.installer.console import Console, Failed
from app.ops.installer.environments import Environments, Installation

HERE = sys.version_info[:2]


def fake(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def answer(version: str, implementation: str = "cpython", pip: bool = True) -> str:
    numbers = ", ".join(version.split("."))
    return f"""echo '["'"$0"'", true, {numbers}, "{implementation}", {str(pip).lower()}]'"""


def find(wanted: list[tuple[int, int]], env: dict[str, str], need_pip: bool = False) -> str | None:
    found = pythons.find(wanted, env, {}, need_pip)
    return found.path if found else None


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the interpreters of this machine out of sight."""
    monkeypatch.setattr(pythons, "_SYSTEM", ())
    glob = Path.glob

    def only_ours(folder: Path, pattern: str) -> list[Path]:
        return list(glob(folder, pattern)) if folder.is_relative_to(tmp_path) else []

    monkeypatch.setattr(Path, "glob", only_ours)


def test_a_shim_that_fails_is_passed_over_for_a_version_that_pyenv_has(tmp_path: Path) -> None:
    shims = tmp_path / "shims"
    fake(shims / "python3.10", 'echo "pyenv: python3.10: command not found" >&2; exit 127')
    good = fake(tmp_path / "pyenv" / "versions" / "3.10.13" / "bin" / "python", answer("3.10.13"))
    env = {"PATH": str(shims), "PYENV_ROOT": str(tmp_path / "pyenv")}
    assert find([(3, 10)], env) == str(good)


def test_a_name_that_lies_about_its_version_is_passed_over(tmp_path: Path) -> None:
    fake(tmp_path / "a" / "python3.10", answer("3.12.1"))
    good = fake(tmp_path / "b" / "python3.10", answer("3.10.4"))
    assert find([(3, 10)], {"PATH": f"{tmp_path / 'a'}:{tmp_path / 'b'}"}) == str(good)


def test_a_plain_python3_will_do_when_it_is_the_right_version(tmp_path: Path) -> None:
    good = fake(tmp_path / "python3", answer("3.10.2"))
    assert find([(3, 10)], {"PATH": str(tmp_path)}) == str(good)


@pytest.mark.parametrize(
    "text",
    ["exit 1", "echo nonsense", "echo '[]'", answer("3.10.1", "pypy"), "kill -9 $$"],
    ids=["fails", "talks", "short", "pypy", "dies"],
)
def test_what_is_no_working_python_is_none(tmp_path: Path, text: str) -> None:
    fake(tmp_path / "python3.10", text)
    assert find([(3, 10)], {"PATH": str(tmp_path)}) is None


def test_one_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "_SECONDS", 1)
    fake(tmp_path / "a" / "python3.10", "exec sleep 60")
    good = fake(tmp_path / "b" / "python3.10", answer("3.10.4"))
    assert find([(3, 10)], {"PATH": f"{tmp_path / 'a'}:{tmp_path / 'b'}"}) == str(good)


def test_versions_are_preferred_in_the_order_given_and_pip_where_it_is_needed(tmp_path: Path) -> None:
    fake(tmp_path / "python3.11", answer("3.11.2", pip=False))
    newer = fake(tmp_path / "python3.12", answer("3.12.1"))
    wanted, env = [(3, 11), (3, 12)], {"PATH": str(tmp_path)}
    assert find(wanted, env) == str(tmp_path / "python3.11")
    assert find(wanted, env, need_pip=True) == str(newer)


def test_the_newest_patch_of_pyenv_is_taken(tmp_path: Path) -> None:
    for patch in ("3.10.9", "3.10.13", "3.10.2"):
        fake(tmp_path / "versions" / patch / "bin" / "python", answer(patch))
    found = find([(3, 10)], {"PATH": "", "PYENV_ROOT": str(tmp_path)})
    assert found == str(tmp_path / "versions" / "3.10.13" / "bin" / "python")


def test_without_python_3_10_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    place = Installation(tmp_path, tmp_path / "home", {"PATH": ""})
    with pytest.raises(Failed) as caught:
        Environments(place, Console(tmp_path / "log")).interpreter(pythons.RASA, need_pip=False)
    said = str(caught.value)
    assert "Python 3.10" in said
    assert "pyenv install 3.10" in said
    assert said.count("\n") == 0
