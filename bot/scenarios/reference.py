"""The tables of docs/scenarios.md, made of the form and the demo application, so that the page cannot rot."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.scenarios.expectations import Form
from bot.scenarios.format import FORMS
from bot.scenarios.vocabulary import Shape, Vocabulary


def reference(vocabulary: Vocabulary) -> str:
    """Return all tables as Markdown: keys, sample users, operations, fields of the state."""
    parts = [_keys(form) for form in FORMS]
    parts.append(_table("Sample users", ("sample", "trouble"), vocabulary.samples.items()))
    parts.append(_table("Operations", ("operation", "what it does"), vocabulary.operations.items()))
    parts.append(_state(vocabulary))
    return "\n\n".join(parts) + "\n"


def _keys(form: type[Form]) -> str:
    head = f"{(form.__doc__ or '').strip()}\n\n| key | kind | |\n|---|---|---|"
    rows = [
        f"| `{field.alias or name}` | {_kind(field)} | {field.description or ''}{_default(field)} |"
        for name, field in form.model_fields.items()
    ]
    return "\n".join([f"### {form.__name__}", "", head, *rows])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "; required"
    plain = isinstance(field.default, str | int | float) and not isinstance(field.default, bool)
    return f" ({field.default})" if plain and field.default != "" else ""


def _kind(field: FieldInfo) -> str:
    return _spell(field.annotation)


def _spell(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _spell(inner[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_spell(one) for one in inner if one is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{str(one).lower() if isinstance(one, bool) else one}`" for one in inner)
    if origin is list:
        return f"list of {_spell(inner[0])}"
    if origin is dict:
        return f"names to {_spell(inner[1])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    names = {str: "text", bool: "true or false", int: "number", float: "number", Any: "any value"}
    return names.get(kind, "value")


def _state(vocabulary: Vocabulary) -> str:
    lines = ["### Fields of the state", "", "| path | kind | can be set to |", "|---|---|---|"]
    shown = dict(_fields(vocabulary.state, ""))
    for path in dict.fromkeys([*shown, *vocabulary.settable]):
        settable = vocabulary.settable.get(path, "")
        lines.append(f"| `{path}` | {shown.get(path, _unshown(path))} | {settable} |")
    return "\n".join(lines)


def _fields(shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    if shape.kinds:
        yield path, ", ".join(sorted(shape.kinds))
    if shape.entries is not None:
        yield path, "list"
        yield from _fields(shape.entries, f"{path}[]")
    for name, inner in shape.fields.items():
        yield from _fields(inner, f"{path}.{name}" if path else name)


def _table(title: str, heads: tuple[str, str], rows: Any) -> str:
    lines = [f"### {title}", "", f"| {heads[0]} | {heads[1]} |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {text} |" for name, text in rows)])


def _unshown(path: str) -> str:
    return "any name" if path.endswith("*") else "not shown"
