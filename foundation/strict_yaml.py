"""YAML that knows its lines and has no surprises: no key twice, `no` is a word, a date is a text.

The files that operators write are read by this: size, depth and number of values are bounded, also of what
anchors repeat, and a tag that would make something else of a value is refused. `load` gives one document or
raises with file and line; `lines_of` says where in the file a model's complaints are.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError

from foundation.errors import InvalidInput

MAX_BYTES = 1_000_000
_TOLD = 20
_MAX_NODES = 100_000
_MAX_DEPTH = 40
_INT = re.compile(r"-?(0|[1-9]\d{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9]\d*)\.\d+")
_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "~": None, "": None}

_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)
"""What plain YAML may be taken for; it is a text, number, true, false or null to us all the same."""

Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """Something wrong in a file; `line` counts from 1."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass
class YamlDocument:
    """One YAML document: its value, and the line of every value and of every key by its place."""

    value: Any = None
    lines: dict[Where, int] = field(default_factory=dict)
    key_lines: dict[Where, int] = field(default_factory=dict)

    def line(self, where: Where, *, of_key: bool = False) -> int:
        """Return the line of the nearest thing at or above `where`."""
        if of_key and where in self.key_lines:
            return self.key_lines[where]
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


def read(text: str, file: str) -> tuple[list[YamlDocument], list[Problem]]:
    """Read all documents of a file; what is wrong comes as problems."""
    documents: list[YamlDocument] = []
    problems: list[Problem] = []
    try:
        for node in yaml.compose_all(text, Loader=_Shallow):
            if node is not None:
                builder = _Builder(file, problems)
                documents.append(builder.build(node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        text = f"this is no YAML: {error.problem or error.context}"
        problems.append(Problem(file, mark.line + 1 if mark else 1, text))
    except (yaml.YAMLError, RecursionError) as error:
        problems.append(Problem(file, 1, f"this is no YAML ({type(error).__name__})"))
    except _TooLarge:
        problems.append(Problem(file, 1, "this is too large or too deeply nested"))
    return documents, problems


def load(raw: bytes, file: str) -> YamlDocument:
    """Read a file of one document; an empty file is a document whose value is None.

    Raises:
        InvalidInput: naming each problem as `file:line: what is wrong`.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidInput(
            f"{file}: this is larger than {MAX_BYTES // 1_000_000} MB.", hint="Split the file."
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"{file}:{line}: this is not UTF-8.", hint="Save the file as UTF-8.") from None
    documents, problems = read(text, file)
    if not problems and len(documents) > 1:
        problems = [Problem(file, documents[1].line(()), "one document is wanted; remove the line `---`")]
    if problems:
        raise InvalidInput("; ".join(str(problem) for problem in problems[:_TOLD]) + ".")
    return documents[0] if documents else YamlDocument()


def lines_of(error: ValidationError, document: YamlDocument, file: str) -> list[Problem]:
    """Return what a model says of a document's value, each with its line; values are not repeated."""
    found = []
    for item in error.errors(include_input=False, include_url=False):
        where = tuple(item["loc"])
        unknown = item["type"] == "extra_forbidden"
        told = "there is no such key; remove it or mend its spelling" if unknown else item["msg"]
        line = document.line(where, of_key=unknown)
        found.append(Problem(file, line, f"{'.'.join(map(str, where)) or 'the file'}: {told}"))
    return found


class _TooLarge(Exception):
    pass


class _Shallow(yaml.SafeLoader):
    """Stops where nesting is too deep, before the rest is read: that takes quadratic time."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node and what is in it."""
        if self._depth > _MAX_DEPTH:
            raise _TooLarge
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


class _Builder:
    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file, self._problems, self._count = file, problems, 0
        self._document = YamlDocument()

    def build(self, node: yaml.Node) -> YamlDocument:
        self._document.value = self._value(node, ())
        return self._document

    def _value(self, node: yaml.Node, where: Where) -> Any:
        self._count += 1
        if self._count > _MAX_NODES or len(where) > _MAX_DEPTH:
            raise _TooLarge
        self._document.lines[where] = node.start_mark.line + 1
        if node.tag not in _TAGS:
            line = node.start_mark.line + 1
            self._problems.append(Problem(self._file, line, "tags such as !!python are not read; remove it"))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*where, place)) for place, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._problems.append(Problem(self._file, line, "a key must be a word or a text"))
                continue
            key = str(key_node.value)
            if key in found:
                first = self._document.key_lines[(*where, key)]
                text = f'"{key}" is here twice (first in line {first}); name each key once'
                self._problems.append(Problem(self._file, line, text))
                continue
            self._document.key_lines[(*where, key)] = line
            found[key] = self._value(value_node, (*where, key))
        return found


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
