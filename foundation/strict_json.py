"""JSON for hostile input: what two parsers could read differently is refused, and work is bounded.

What a document costs grows with its values rather than its bytes, so both are limited: the bytes by whoever
reads the body, depth and values here, before anything is built of them.
"""

import json
import math
import re
from typing import Any, NoReturn

from foundation.errors import InvalidInput

MAX_DEPTH = 32
MAX_VALUES = 5_000
"""Values in a document, those in lists and objects at any depth counted alike; each key has one."""

# A string that does not end runs to the end of the text, so that no quote is looked at twice.
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"?+|[^"\[\]{},]++|[\[\]{},]', re.DOTALL)
_PIECES = 8
"""More than any value of a valid document has: a key, a colon, what opens and closes it, a comma, blanks."""


def parse_json(raw: bytes, *, max_values: int = MAX_VALUES, max_depth: int = MAX_DEPTH) -> Any:
    """Parse UTF-8 JSON.

    Refuses duplicate keys, NaN and infinities (`1e999` is one), bad UTF-8, U+0000, lone surrogates, nesting
    deeper than `max_depth` and more than `max_values` values.

    Raises:
        InvalidInput: with a sentence that says what is wrong and does not repeat the input.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("The body is not valid UTF-8.", hint="Send JSON encoded as UTF-8.") from None
    _check_size(text, max_values, max_depth)
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
            _check_string(item)
        elif isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _check_string(text: str) -> None:
    if "\x00" in text:
        raise InvalidInput("The text holds the character U+0000.", hint="Remove it and send again.")
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(
            "The text holds half of a surrogate pair.", hint="Send whole Unicode characters."
        ) from None


def _check_size(text: str, max_values: int, max_depth: int) -> None:
    depth, values = 0, 1
    for number, match in enumerate(_STRUCTURE.finditer(text)):
        if number > _PIECES * max_values or depth < 0:
            raise InvalidInput("The body is not valid JSON.", hint="Check quotes, commas and brackets.")
        first = text[match.start()]
        if first in "[{":
            depth += 1
            values += 1
            if depth > max_depth:
                raise InvalidInput("The body is nested too deeply.", hint=f"At most {max_depth} levels.")
        elif first in "]}":
            depth -= 1
        elif first == ",":
            values += 1
        if values > max_values:
            raise InvalidInput("The body holds too many values.", hint=f"At most {max_values} in all.")


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
