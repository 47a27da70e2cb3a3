"""The words that the host application under test understands: samples, fields of its state, operations."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from bot.scenarios.paths import Index, Name, Path, Where


@dataclass
class Shape:
    """What a value of the state looks like: an object's fields, a list's entries, or a scalar's kinds."""

    fields: dict[str, "Shape"] = field(default_factory=dict)
    entries: "Shape | None" = None
    kinds: set[str] = field(default_factory=set)
    free: bool = False
    """Whether there may be other fields than those that are known."""

    def learn(self, value: Any) -> None:
        """Take in one more example."""
        if isinstance(value, Mapping):
            for name, item in value.items():
                self.fields.setdefault(str(name), Shape()).learn(item)
        elif isinstance(value, list):
            self.entries = self.entries or Shape()
            for item in value:
                self.entries.learn(item)
        else:
            self.kinds.add(_KINDS.get(type(value), "text"))


_KINDS = {bool: "true or false", int: "number", float: "number", str: "text", type(None): "null"}


Place = tuple[str | int, ...]
WrongState = Callable[[Mapping[str, Any]], Iterable[tuple[Place, str]]]


@dataclass(frozen=True)
class Vocabulary:
    """What may be named. `samples` and `operations` map a name to what people should know of it."""

    samples: Mapping[str, str]
    state: Shape
    operations: Mapping[str, str]
    wrong_state: "WrongState" = lambda state: ()
    """Finds what cannot be set in a user's state."""
    settable: Mapping[str, str] = field(default_factory=dict)
    """Fields that can be set, by path, and to what."""

    @classmethod
    def of(
        cls, samples: Mapping[str, str], states: Iterable[Mapping[str, Any]], operations: Mapping[str, str]
    ) -> "Vocabulary":
        """Learn the fields from example states; they are also all that can be set."""
        shape = Shape()
        for state in states:
            shape.learn(state)
        return cls(samples, shape, operations, lambda state: _wrong(state, shape, (), ""))

    def wrong_path(self, path: Path) -> str | None:
        """Tell why a path leads nowhere in any state; None when it may lead somewhere."""
        shape, walked = self.state, ""
        for step in path:
            if isinstance(step, Name):
                if step.name in shape.fields:
                    shape = shape.fields[step.name]
                elif shape.free or (step.name == "count" and shape.entries is not None):
                    shape = Shape()
                else:
                    return _no_field(step.name, shape, walked)
                walked = f"{walked}.{step.name}" if walked else step.name
                continue
            if shape.entries is None:
                return f"{walked} is no list, so {_bracket(step)} makes no sense"
            shape = shape.entries
            if isinstance(step, Where) and step.name not in shape.fields:
                return _no_field(step.name, shape, f"an entry of {walked}")
        return None


def _wrong(value: Any, shape: Shape, where: tuple[str | int, ...], walked: str) -> Iterable[Any]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in shape.fields:
                inner = f"{walked}.{name}" if walked else str(name)
                yield from _wrong(item, shape.fields[name], (*where, name), inner)
            else:
                yield (*where, name), _no_field(str(name), shape, walked)
    elif isinstance(value, list):
        if shape.entries is None:
            yield where, f"{walked} is no list"
            return
        for place, item in enumerate(value):
            yield from _wrong(item, shape.entries, (*where, place), f"an entry of {walked}")


def _no_field(name: str, shape: Shape, walked: str) -> str:
    owner = walked or "the state"
    if not shape.fields:
        return f"{owner} has no fields" if shape.entries is None else f"{owner} is a list: say which, as [0]"
    return f'{owner} has no "{name}"{suggestion(name, shape.fields)}'


def _bracket(step: Index | Where) -> str:
    return f"[{step.at}]" if isinstance(step, Index) else f"[{step.name}={step.value}]"


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` or the list of what there is, as the end of a sentence."""
    names = list(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    start = f'; did you mean "{near[0]}"?' if near else ";"
    return f"{start} There is: {', '.join(names)}" if near else f"{start} there is: {', '.join(names)}"
