"""JSON for hostile input: what two parsers could read differently is refused."""

import json
import math
from typing import Any, NoReturn

from bot.foundation.errors import InvalidInput

MAX_DEPTH = 32


def parse_json(raw: bytes) -> Any:
    """Parse UTF-8 JSON.

    Refuses duplicate keys, NaN and infinities (`1e999` is one), bad UTF-8, U+0000, lone surrogates and
    nesting deeper than `MAX_DEPTH`.

    Raises:
        InvalidInput: with a sentence that says what is wrong and does not repeat the input.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("The body is not valid UTF-8.", hint="Send JSON encoded as UTF-8.") from None
    _check_depth(text)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except InvalidInput:
        raise
    except (ValueError, RecursionError):
        raise InvalidInput("The body is not valid JSON.", hint="Check quotes, commas and brackets.") from None
    check_text(value)
    return value


def check_text(value: Any) -> None:
    """Refuse U+0000 and lone surrogates in any string inside `value`.

    Raises:
        InvalidInput: when one is found.
    """
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if "\x00" in item:
                raise InvalidInput("The text holds the character U+0000.", hint="Remove it and send again.")
            if any("\ud800" <= c <= "\udfff" for c in item):
                raise InvalidInput(
                    "The text holds half of a surrogate pair.", hint="Send whole Unicode characters."
                )
        elif isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _check_depth(text: str) -> None:
    depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidInput("The body is nested too deeply.", hint=f"At most {MAX_DEPTH} levels.")
        elif character in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise InvalidInput("An object names the same key twice.", hint="Name each key once.")
    return result


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_constant(digits)


def _no_constant(_: str) -> NoReturn:
    raise InvalidInput("NaN and infinities are not JSON.", hint="Send a finite number or null.")
