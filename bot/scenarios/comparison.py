"""Compares what was seen with what was expected; each difference is one sentence a side."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from bot.scenarios import paths
from bot.scenarios.expectations import Buttons, Card, Expect, Words
from bot.scenarios.format import Attempted, Must, Operations, Ran
from bot.scenarios.ports import PlayedTurn

_SAME = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " "})


@dataclass(frozen=True)
class Difference:
    """A check that failed: which one, what was expected and what was seen."""

    check: str
    expected: Any
    seen: Any


def plain(text: str) -> str:
    """Return a text without what makes no difference: case, kinds of quotes and dashes, runs of spaces."""
    return " ".join(text.translate(_SAME).casefold().split())


def fits(pattern: str, text: str) -> bool:
    """Tell whether a text is `pattern`, in which `*` stands for any text."""
    escaped = plain(pattern).replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(plain(text), escaped)


def turn_differences(expect: Expect, turn: PlayedTurn) -> Iterator[Difference]:
    """Compare one turn."""
    if expect.silent is not None and expect.silent == turn.answered:
        seen = "; ".join(turn.texts) if turn.answered else "no answer"
        yield Difference("silent", expect.silent, seen)
    if expect.reply is not None:
        yield from _words(expect.reply, turn.texts)
    if expect.buttons is not None:
        yield from _buttons(expect.buttons, [button["title"] for button in turn.buttons])
    for card in expect.cards:
        if not any(_is_card(card, shown) for shown in turn.cards):
            yield Difference(
                "cards", card.model_dump(exclude_unset=True), [_short(one) for one in turn.cards]
            )
    for kind in expect.no_card:
        shown = [_short(one) for one in turn.cards if fits(kind, str(one.get("type")))]
        if shown:
            yield Difference("no_card", kind, shown)
    if expect.handed_off is not None and expect.handed_off != turn.handed_off:
        yield Difference("handed_off", expect.handed_off, turn.handed_off)


def _words(wanted: Words, texts: list[str]) -> Iterator[Difference]:
    said, seen = plain("\n".join(texts)), "\n".join(texts)
    for text in wanted.contains:
        if plain(text) not in said:
            yield Difference("reply.contains", text, seen)
    if wanted.any_of and not any(plain(text) in said for text in wanted.any_of):
        yield Difference("reply.any_of", wanted.any_of, seen)
    for text in wanted.not_contains:
        if plain(text) in said:
            yield Difference("reply.not_contains", text, seen)
    for pattern in wanted.matches:
        if not re.search(pattern, seen, re.IGNORECASE):
            yield Difference("reply.matches", pattern, seen)


def _buttons(wanted: Buttons, titles: list[str]) -> Iterator[Difference]:
    for title in wanted.include:
        if not any(fits(title, shown) for shown in titles):
            yield Difference("buttons.include", title, titles)
    for title in wanted.exclude:
        if any(fits(title, shown) for shown in titles):
            yield Difference("buttons.exclude", title, titles)
    if wanted.none and titles:
        yield Difference("buttons.none", "no buttons", titles)


def _is_card(wanted: Card, shown: Mapping[str, Any]) -> bool:
    for name in ("type", "workflow", "outcome", "title"):
        expected = getattr(wanted, name)
        if expected is not None and not fits(str(expected), str(shown.get(name))):
            return False
    said = plain(" ".join(_leaves(shown)))
    return all(plain(text) in said for text in wanted.contains)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield paths.plain(value)


def _short(card: Mapping[str, Any]) -> dict[str, Any]:
    return {name: card[name] for name in ("type", "workflow", "outcome", "title", "facts") if card.get(name)}


def state_differences(
    wanted: Mapping[str, Must], before: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[Difference]:
    """Compare fields of the state."""
    for path, must in wanted.items():
        at = paths.parse(path)
        was, value = paths.look_up(before, at), paths.look_up(now, at)
        for rule in sorted(must.model_fields_set):
            if not _holds(rule, getattr(must, rule), was, value):
                name = "not" if rule == "is_not" else rule
                expected = (
                    f"other than {paths.plain(_json(was))}" if rule == "changed" else getattr(must, rule)
                )
                expected = _json(was) if rule == "unchanged" else expected
                yield Difference(f"state {path} {name}", expected, _json(value))


def _json(value: Any) -> Any:
    return repr(value) if value is paths.MISSING else value


def _holds(rule: str, wanted: Any, was: Any, value: Any) -> bool:
    present = value is not paths.MISSING
    if rule in ("changed", "unchanged"):
        return bool(value != was) == (rule == "changed")
    if rule == "exists":
        return (present and value is not None) == bool(wanted)
    if rule in ("equals", "is_not"):
        return present and _equal(value, wanted) == (rule == "equals")
    if rule == "one_of":
        return present and any(_equal(value, one) for one in wanted)
    if rule in ("contains", "not_contains"):
        return present and _holds_within(value, wanted) == (rule == "contains")
    if rule == "matches":
        return isinstance(value, str) and re.search(wanted, value) is not None
    return _ordered(rule, value, wanted)


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) != isinstance(wanted, bool):
        return False
    return bool(value == wanted)


def _holds_within(value: Any, wanted: Any) -> bool:
    if isinstance(value, str):
        return str(wanted) in value
    return isinstance(value, list | dict) and wanted in value


def _ordered(rule: str, value: Any, wanted: Any) -> bool:
    numbers = (
        isinstance(value, int | float) and isinstance(wanted, int | float) and not isinstance(value, bool)
    )
    if not numbers and not (isinstance(value, str) and isinstance(wanted, str)):
        return False
    same, less = bool(value == wanted), bool(value < wanted)
    return {
        "less_than": less,
        "at_most": less or same,
        "more_than": not less and not same,
        "at_least": not less,
    }[rule]


def operation_differences(wanted: Operations, ran: list[dict[str, Any]]) -> Iterator[Difference]:
    """Compare what support ran."""
    seen = [_spelled(one) for one in ran]
    if wanted.exactly is not None:
        same = len(ran) == len(wanted.exactly) and all(map(_is_ran, wanted.exactly, ran))
        if not same:
            yield Difference("operations.exactly", [_wanted(one) for one in wanted.exactly], seen)
    for one in wanted.include:
        if not any(_is_ran(one, entry) for entry in ran):
            yield Difference("operations.include", _wanted(one), seen)
    for name, most in wanted.at_most.items():
        count = sum(entry.get("operation") == name for entry in ran)
        if count > most:
            yield Difference("operations.at_most", f"{name} at most {most} times", seen)


def _is_ran(wanted: Ran, entry: Mapping[str, Any]) -> bool:
    return entry.get("operation") == wanted.operation and wanted.status in (None, entry.get("status"))


def _wanted(one: Ran) -> str:
    return f"{one.operation}: {one.status}" if one.status else one.operation


def _spelled(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('operation')}: {entry.get('status')}"


def attempt_differences(wanted: Iterable[Attempted], attempts: list[dict[str, Any]]) -> Iterator[Difference]:
    """Compare the log's attempts; each stands for one of those expected."""
    left = list(attempts)
    for one in wanted:
        found = next((entry for entry in left if _is_attempt(one, entry)), None)
        if found is None:
            seen = [f"{e.get('kind')} {e.get('name')}: {e.get('outcome') or 'open'}" for e in attempts]
            yield Difference("attempts", one.model_dump(exclude_unset=True), seen)
        else:
            left.remove(found)


def _is_attempt(wanted: Attempted, entry: Mapping[str, Any]) -> bool:
    named = wanted.name is None or entry.get("name") == wanted.name
    kind = wanted.kind is None or entry.get("kind") == wanted.kind
    return named and kind and (entry.get("outcome") or "open") in wanted.outcome
