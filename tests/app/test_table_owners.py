"""A table has one owner: the room that declares it. Others read what it publishes, and write nothing."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from app.schema.tables import metadata

ROOT = Path(__file__).parents[2]
ROOMS = ("foundation", "app", "bot.conversation", "bot.scenarios", "bot.training", "actions", "kb_index",
         "escalation", "connectors", "security", "insights")  # fmt: skip
_STATEMENT = re.compile(r"\b(?:from|join|update|into)\s+(?:only\s+)?\"?([a-z_]+)\"?", re.IGNORECASE)
_SQL = re.compile(r"\b(?:select\b.+\bfrom|insert\s+into|update\b.+\bset|delete\s+from)\b", re.I | re.S)


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for top in sorted({room.split(".")[0] for room in ROOMS}):
        for file in sorted((ROOT / top).rglob("*.py")):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            # Migrations are the history of all tables; Rasa's components know nothing of ours.
            if not name.startswith(("app.schema", "bot.rasa_components")):
                yield name, ast.parse(file.read_text())


def _room(module: str) -> str:
    return next((room for room in ROOMS if f"{module}.".startswith(f"{room}.")), "bot")


def declarations(tree: ast.AST) -> Iterator[str]:
    """The names of the tables that a module declares, in full or by some of their columns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func).split(".")[-1]
            first = node.args[0]
            if called in ("Table", "table", "TableClause") and isinstance(first, ast.Constant):
                yield str(first.value)


def imported(module: str, tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What a module imports: (module, name in it)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def named_in_sql(tree: ast.AST) -> Iterator[str]:
    """Tables that SQL in a module's texts names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.search(node.value):
            yield from _STATEMENT.findall(node.value)


def _owners() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for module, tree in _modules():
        for name in declarations(tree):
            found[name].append(module)
    return found


def test_every_table_is_declared_once() -> None:
    owners = _owners()
    assert {name: modules for name, modules in owners.items() if len(modules) > 1} == {}
    # Nothing is declared in a way that the search above does not see, and the roof owns nothing.
    assert set(metadata.tables) <= set(owners)
    assert [name for name, (module, *_) in owners.items() if _room(module) == "app"] == []


def test_tables_do_not_leave_their_room() -> None:
    owners = _owners()
    homes = {module for modules in owners.values() for module in modules}
    strays = []
    for module, tree in _modules():
        for source, name in imported(module, tree):
            whole = f"{source}.{name}"
            for home in homes & {source, whole}:
                if _room(home) != _room(module):
                    strays.append(f"{module} imports {home}")
            if name and _room(source) not in (_room(module), "bot") and _is_table(source, name):
                strays.append(f"{module} imports the table {name} from {source}")
    assert strays == []


def _is_table(module: str, name: str) -> bool:
    if module.split(".")[0] not in {room.split(".")[0] for room in ROOMS}:
        return False
    return isinstance(getattr(importlib.import_module(module), name, None), sa.Table)


def test_no_text_of_sql_names_the_table_of_another_room() -> None:
    owners = {name: _room(modules[0]) for name, modules in _owners().items()}
    strays = [
        f"{module} names {name}"
        for module, tree in _modules()
        for name in named_in_sql(tree)
        if name in owners and owners[name] != _room(module)
    ]
    assert strays == []


def test_the_search_sees_every_way_to_declare_a_table() -> None:
    text = (
        'a = sa.Table("a", metadata)\nb = sa.table("b", sa.column("id"))\nc = Table("c", m)\nd = table("d")'
    )
    assert list(declarations(ast.parse(text))) == ["a", "b", "c", "d"]
    sql = 'x = "select id from cases join turns on true"'
    assert list(named_in_sql(ast.parse(sql))) == [
        "cases",
        "turns",
    ]
