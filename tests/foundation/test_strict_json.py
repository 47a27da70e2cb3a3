import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import InvalidInput
from foundation.strict_json import MAX_DEPTH, parse_json

plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_json_can_say_is_read_as_it_was_written(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a":1,"a":2}',
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b'{"a":[-1e400]}',
        b"1" * 5000,
        b'"\xff"',
        b'"\\u0000"',
        b'{"\\u0000":1}',
        b'"\\ud800"',
        b'["\\udfff"]',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 100_000,
    ],
)
def test_hostile_json_is_refused_without_echo(raw: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_json(raw)
    assert len(refused.value.message) < 100


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    text = "[" * 100 + '\\"' + "{" * 100
    assert parse_json(json.dumps({"text": text}).encode()) == {"text": text}
