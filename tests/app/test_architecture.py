"""The rooms are as docs/ARCHITECTURE.md says, and a package or a port that nobody placed is refused."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
CONTRACTS: dict[str, Any] = {one.get("id", one["name"]): one for one in LINTER["contracts"]}
NOT_ROOMS = {"data", "docs", "tests", "web"}
# What a connector may know of a room. `actions.host` is what the state of a host's user is.
FOR_CONNECTORS = re.compile(r"(.*\.)?(ports|domain|errors)|actions\.host")


def rows(title: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    section = TEXT.partition(f"\n{title}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def neighbours(layer: str) -> list[str]:
    return sorted(re.split(r"\s*[|:,]\s*", layer))


def imports(path: Path) -> Iterator[str]:
    """Names of modules that a file imports; `from a import b` gives a and a.b."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def test_the_table_of_rooms_is_the_linters_order() -> None:
    table: dict[int, list[str]] = {}
    for level, room, _ in rows("## Rooms"):
        if level.isdigit():
            table.setdefault(int(level), []).append(room.strip("`").replace("/", "."))
    assert [sorted(table[level]) for level in sorted(table, reverse=True)] == [
        neighbours(layer) for layer in CONTRACTS["house"]["layers"]
    ]


def test_the_table_of_layers_is_the_linters() -> None:
    table = {
        room.strip("`").replace("/", "."): [neighbours(layer) for layer in re.findall(r"`([^`]+)`", layers)]
        for room, layers in rows("### Inside the rooms")
    }
    linted = {
        one["containers"][0]: [neighbours(layer) for layer in one["layers"]]
        for one in LINTER["contracts"]
        if one["type"] == "layers" and "containers" in one
    }
    assert table == {room: [[*layer] for layer in layers] for room, layers in linted.items()}


def test_every_package_is_placed() -> None:
    top = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert top == set(LINTER["root_packages"])
    placed = {room for layer in CONTRACTS["house"]["layers"] for room in neighbours(layer)}
    assert {room.split(".")[0] for room in placed} == top
    assert all("exhaustive" in one for one in LINTER["contracts"] if "containers" in one)


def test_every_port_is_held_to_name_no_library() -> None:
    found = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for room in LINTER["root_packages"]
        for path in (ROOT / room).rglob("ports.py")
        if room != "app"
    }
    assert found == set(CONTRACTS["Ports name no library"]["source_modules"])


def test_connectors_know_ports_domain_and_errors_alone() -> None:
    rooms = set(LINTER["root_packages"]) - {"foundation", "connectors"}
    for path in (ROOT / "connectors").rglob("*.py"):
        for name in imports(path):
            if name.split(".")[0] in rooms:
                module = name if (ROOT / f"{name.replace('.', '/')}.py").exists() else name.rpartition(".")[0]
                assert FOR_CONNECTORS.fullmatch(module), (path, name)


def test_the_top_level_is_fixed() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert folders - {"__pycache__"} == set(LINTER["root_packages"]) | NOT_ROOMS


def test_what_is_said_to_be_where_is_there() -> None:
    for file in ("docs/ARCHITECTURE.md", "docs/CONTRIBUTING.md", "README.md"):
        for name in re.findall(r"`([a-z_]+(?:/[a-z0-9_.-]+)+/?)`", (ROOT / file).read_text("utf-8")):
            if name.split("/")[0] in {*LINTER["root_packages"], *NOT_ROOMS}:
                assert (ROOT / name).exists(), (file, name)
