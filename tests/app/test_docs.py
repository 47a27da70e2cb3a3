"""docs/running.md names the settings and commands that exist, and no others."""

import ast
import re
from pathlib import Path

import typer

from app.cli.main import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "running.md").read_text()


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_column(text: str) -> str:
    return "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| "))


def test_the_settings_are_those_that_are_read() -> None:
    source = ast.parse((ROOT / "app" / "settings.py").read_text())
    texts = {node.value for node in ast.walk(source) if isinstance(node, ast.Constant)}
    read = {text for text in texts if isinstance(text, str) and re.fullmatch(r"[A-Z][A-Z_]{3,}", text)}
    passed_on = {"PATH", "HOME", "USER", "LANG", "TMPDIR", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH"}
    passed_on |= {"SSL_CERT_FILE", "SSL_CERT_DIR", "FIRSTLINE_FULL_RASA"}
    documented = set(re.findall(r"`([A-Z_]+)`", first_column(section("Settings"))))
    assert documented == read - passed_on


def test_the_commands_are_those_that_exist() -> None:
    command = typer.main.get_command(app)
    known = {name: getattr(one, "commands", {}) for name, one in command.commands.items()}  # type: ignore[attr-defined]
    documented = set()
    for words in re.findall(r"`([a-z][^`]*)`", first_column(section("Command line"))):
        name, *rest = words.split()
        assert name in known, words
        if known[name]:
            assert rest
            assert rest[0] in known[name], words
        documented.add(name)
    assert documented == set(known)


def test_what_is_kept_on_purpose_is_listed_as_it_is_declared() -> None:
    from security.privacy.kept_words import KEPT

    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    section = text.partition("### What is kept on purpose")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{one.place}` | {one.what} | {one.why} |" for one in KEPT]
