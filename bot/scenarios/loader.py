"""Reads scenario files and finds everything that is wrong with them at once, each with its line."""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.scenarios import paths, values
from bot.scenarios.format import Scenario, Step
from bot.scenarios.vocabulary import Vocabulary, suggestion
from foundation import strict_yaml
from foundation.errors import InvalidInput
from foundation.strict_yaml import Problem, Where, YamlDocument

_KINDS = {
    "string_type": "must be a text (put it in quotes)",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of names to values",
    "model_type": "must be a mapping of names to values",
    "model_attributes_type": "must be a mapping of names to values",
    "missing": "is missing",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}
_PASSES = 5


@dataclass(frozen=True)
class FoundScenario:
    """A scenario and where it stands."""

    scenario: Scenario
    file: str
    line: int


@dataclass(frozen=True)
class Loaded:
    """What was read; with problems, nothing should be run."""

    scenarios: list[FoundScenario]
    problems: list[Problem]
    files: int


def load(place: Path, vocabulary: Vocabulary) -> Loaded:
    """Read a file, or all .yml and .yaml files below a folder.

    Raises:
        InvalidInput: when there is no such place, or no file in it.
    """
    files = (
        [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.suffix in (".yml", ".yaml"))
    )
    if not files:
        raise InvalidInput(
            f"There is no scenario in {place}.", hint="Name a .yml file, or a folder with such files."
        )
    scenarios: list[FoundScenario] = []
    problems: list[Problem] = []
    for file in files:
        found, wrong = _read_file(file, vocabulary)
        scenarios += found
        problems += wrong
    problems += _repeated_names(scenarios)
    return Loaded(scenarios, sorted(problems, key=lambda one: (one.file, one.line)), len(files))


def _read_file(file: Path, vocabulary: Vocabulary) -> tuple[list[FoundScenario], list[Problem]]:
    name = str(file)
    raw = file.read_bytes()
    if len(raw) > strict_yaml.MAX_BYTES:
        return [], [Problem(name, 1, "the file is larger than 1 MB; divide it")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [Problem(name, 1, "the file is not UTF-8")]
    documents, problems = strict_yaml.read(text, name)
    scenarios: list[FoundScenario] = []
    for document in documents:
        for value, where in _entries(document):
            made, wrong = _make(value, where, document, name)
            problems += wrong
            if made is not None:
                problems += _check_words(made, where, document, name, vocabulary)
                scenarios.append(FoundScenario(made, name, document.line(where)))
    if not documents and not problems:
        problems.append(Problem(name, 1, "the file holds no scenario"))
    return scenarios, problems


def _entries(document: YamlDocument) -> Iterator[tuple[Any, Where]]:
    if isinstance(document.value, list):
        for place, value in enumerate(document.value):
            yield value, (place,)
    else:
        yield document.value, ()


def _make(
    value: Any, where: Where, document: YamlDocument, file: str
) -> tuple[Scenario | None, list[Problem]]:
    if not isinstance(value, dict):
        text = 'a scenario is a mapping that begins with "scenario: its name"'
        return None, [Problem(file, document.line(where), text)]
    try:
        return Scenario.model_validate(value), []
    except ValidationError as error:
        errors = error.errors()
    return _rest(value, errors), [_problem(one, where, document, file) for one in errors]


def _rest(value: dict[str, Any], errors: list[ErrorDetails]) -> Scenario | None:
    """Take out what is wrong, so that the words in the rest can be checked as well."""
    rest = {"scenario": "-", "steps": [{"say": "-"}], "never": {"texts": ["-"]}} | copy.deepcopy(value)
    for _ in range(_PASSES):
        for error in errors:
            _take_out(rest, error["loc"])
        rest = {"scenario": "-", "steps": [{"say": "-"}]} | rest
        try:
            return Scenario.model_validate(rest)
        except ValidationError as again:
            errors = again.errors()
    return None


def _take_out(value: Any, at: tuple[int | str, ...]) -> None:
    holder, key = None, None
    for step in at:
        if isinstance(value, dict) and step in value:
            holder, key = value, step
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            break
    if holder is not None:
        holder.pop(key)


def _problem(error: ErrorDetails, where: Where, document: YamlDocument, file: str) -> Problem:
    at = tuple(error["loc"])
    kind, place = error["type"], _spell(at)
    unknown = kind == "extra_forbidden"
    line = document.line((*where, *at), of_key=unknown)
    if unknown:
        known = keys_at(at[:-1])
        holder = f" in {_spell(at[:-1])}" if at[:-1] else ""
        return Problem(file, line, f'there is no key "{at[-1]}"{holder}{suggestion(str(at[-1]), known)}')
    if kind == "literal_error" and error.get("ctx", {}).get("expected") == "True":
        return Problem(file, line, f"{place} can only be true; leave it out otherwise")
    if kind == "literal_error":
        allowed = str(error.get("ctx", {}).get("expected", "")).replace(" or ", ", ").replace("'", "")
        return Problem(file, line, f"{place} must be one of: {allowed}")
    if kind == "value_error":
        text = str(error.get("ctx", {}).get("error", error["msg"]))
        return Problem(file, line, f"{place}: {text}" if place else text)
    text = _KINDS.get(kind) or error["msg"].replace("Input should", "must").replace("String should", "must")
    return Problem(file, line, f"{place or 'the scenario'} {text}")


def _spell(at: Iterable[Any]) -> str:
    text = ""
    for step in at:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{step}"
    return text


def keys_at(at: tuple[Any, ...], form: type[BaseModel] = Scenario) -> list[str]:
    """Return the keys that are known at a place in a form."""
    model: Any = form
    for step in at:
        if isinstance(step, int):
            continue
        if isinstance(model, type) and issubclass(model, BaseModel):
            named = {field.alias or name: field for name, field in model.model_fields.items()}
            # What is no key of the form is one of the file's own, such as a path.
            model = _inner(named[step].annotation) if step in named else model
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()]
    return []


def _inner(annotation: Any) -> Any:
    """The model inside an annotation such as `list[Card]` or `Words | None`."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((found for one in get_args(annotation) if (found := _inner(one)) is not None), None)


def _repeated_names(scenarios: list[FoundScenario]) -> Iterator[Problem]:
    first: dict[str, FoundScenario] = {}
    for found in scenarios:
        name = found.scenario.scenario
        if name == "-":
            continue
        if name in first:
            other = first[name]
            text = f'a scenario named "{name}" is in {other.file}:{other.line} already; names are unique'
            yield Problem(found.file, found.line, text)
        else:
            first[name] = found


def _check_words(
    scenario: Scenario, where: Where, document: YamlDocument, file: str, vocabulary: Vocabulary
) -> Iterator[Problem]:
    def problem(at: tuple[Any, ...], text: str) -> Problem:
        return Problem(file, document.line((*where, *at), of_key=True), text)

    if scenario.user.like not in vocabulary.samples:
        known = suggestion(scenario.user.like, vocabulary.samples)
        yield problem(("user", "like"), f'there is no sample user "{scenario.user.like}"{known}')
    for at, text in _states(scenario, vocabulary):
        yield problem(at, text)
    for at, path in _paths(scenario):
        reason = _wrong_path(path, vocabulary)
        if reason is not None:
            yield problem(at, reason)
    for at, name in _operations(scenario):
        if name not in vocabulary.operations:
            yield problem(at, f'there is no operation "{name}"{suggestion(name, vocabulary.operations)}')
    for at, text in _texts(scenario.model_dump(by_alias=True, exclude_unset=True), ()):
        if (wrong := values.wrong_moment(text)) is not None:
            yield problem(at, wrong)
        for path in values.placeholders(text):
            if (reason := _wrong_path(path, vocabulary)) is not None:
                yield problem(at, f"${{{path}}}: {reason}")


def _wrong_path(path: str, vocabulary: Vocabulary) -> str | None:
    if values.placeholders(path):
        path = values.without_placeholders(path)
    try:
        return vocabulary.wrong_path(paths.parse(path))
    except paths.BadPath as error:
        return str(error)


def _states(scenario: Scenario, vocabulary: Vocabulary) -> Iterator[tuple[tuple[Any, ...], str]]:
    for at, text in _wrong_state(scenario.user.state, vocabulary):
        yield ("user", "state", *at), text
    for number, step in enumerate(scenario.steps):
        for at, text in _wrong_state(step.host or {}, vocabulary):
            yield ("steps", number, "host", *at), text


def _wrong_state(state: dict[str, Any], vocabulary: Vocabulary) -> Iterable[tuple[tuple[Any, ...], str]]:
    """What is filled in later can only be judged then, by the application itself."""
    if values.placeholders(state):
        return ()
    return vocabulary.wrong_state(values.fill(state, {}, datetime.now(UTC)))


def _paths(scenario: Scenario) -> Iterator[tuple[tuple[Any, ...], str]]:
    yield from ((("end", "state", path), path) for path in scenario.end.state)
    for place, path in enumerate(scenario.never.changes):
        yield ("never", "changes", place), path
    for number, step in enumerate(scenario.steps):
        if step.until is not None:
            yield from ((("steps", number, "until", "state", path), path) for path in step.until.state)


def _operations(scenario: Scenario) -> Iterator[tuple[tuple[Any, ...], str]]:
    wanted = scenario.end.operations
    if wanted is not None:
        for place, ran in enumerate(wanted.exactly or ()):
            yield ("end", "operations", "exactly", place), ran.operation
        for place, ran in enumerate(wanted.include):
            yield ("end", "operations", "include", place), ran.operation
        yield from ((("end", "operations", "at_most", name), name) for name in wanted.at_most)
    for place, name in enumerate(scenario.never.operations):
        yield ("never", "operations", place), name
    for number, step in enumerate(scenario.steps):
        yield from ((at, name) for at, name in _targets(number, step) if name not in _OTHER_TARGETS)


_OTHER_TARGETS = ("state", "operations", "lookup", "*")


def _targets(number: int, step: Step) -> Iterator[tuple[tuple[Any, ...], str]]:
    for target in step.faults.on if step.faults else ():
        yield ("steps", number, "faults", "on", target), target


def _texts(value: Any, at: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*at, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _texts(item, (*at, place))
