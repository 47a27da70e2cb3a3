"""What scenarios may name, learnt from the demo application itself: it is asked, never copied."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from bot.scenarios.loader import keys_at
from bot.scenarios.vocabulary import Shape, Vocabulary, suggestion
from connectors.hosts.demo.arranging import State
from connectors.hosts.demo.rules import RULES
from connectors.hosts.demo.sample import SAMPLES, restore
from connectors.hosts.demo.state import read_state
from connectors.hosts.demo.store import Store

_WORDS = {str: "text", bool: "true or false", int: "number"}


async def demo_vocabulary() -> Vocabulary:
    """Return the sample users, every field that one of them has or that can be set, and the operations."""
    with tempfile.TemporaryDirectory(prefix="firstline-words-") as folder:
        store = Store(Path(folder) / "kettle.sqlite3")
        try:
            await store.run(restore)
            states = await store.run(lambda db: [read_state(db, sample.ref) or {} for sample in SAMPLES])
        finally:
            await store.close()
    shape = Shape()
    for state in states:
        shape.learn(state)
    settable = dict(_settable(State, ""))
    for path in settable:
        if path.endswith(".*"):
            _free(shape, path.removesuffix(".*"))
    samples = {sample.key: sample.trouble for sample in SAMPLES}
    operations = {name: rule.title for name, rule in RULES.items()}
    return Vocabulary(samples, shape, operations, wrong_state, settable)


def wrong_state(state: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Find what the application would refuse, as it would itself."""
    try:
        State.model_validate(state)
    except ValidationError as error:
        found = error.errors(include_url=False)
    else:
        return
    for one in found:
        at = tuple(one["loc"])
        if one["type"] == "extra_forbidden":
            owner = ".".join(str(step) for step in at[:-1]) or "the state"
            known = suggestion(str(at[-1]), keys_at(at[:-1], State))
            yield at, f'{owner} has no "{at[-1]}" that can be set{known}'
        else:
            yield at, f"{'.'.join(str(step) for step in at)}: {one['msg'].replace('Input should', 'must')}"


def _free(shape: Shape, path: str) -> None:
    for name in path.split("."):
        shape = shape.fields.setdefault(name, Shape())
    shape.free = True


def _settable(model: type[BaseModel], path: str) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        yield from _kinds(field.annotation, f"{path}.{name}" if path else name)


def _kinds(kind: Any, path: str) -> Iterator[tuple[str, str]]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from _kinds(inner[0], path)
    elif origin in (Union, UnionType) and any(_is_part(one) for one in inner):
        yield from (found for one in inner if one is not type(None) for found in _kinds(one, path))
    elif origin is list and _is_part(inner[0]):
        yield path, "a new list"
        yield from _kinds(inner[0], f"{path}[]")
    elif origin is dict:
        yield f"{path}.*", _word(inner[1])
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from _settable(kind, path)
    else:
        yield path, _word(kind)


def _is_part(kind: Any) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Annotated, list):
        return _is_part(inner[0])
    return origin is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))


def _word(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _word(inner[0])
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_word(one) for one in inner if one is not type(None)))
    return f"list of {_word(inner[0])}" if origin is list else _WORDS.get(kind, "value")
