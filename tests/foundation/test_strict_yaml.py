"""What people write in YAML is read without surprises, and refused with file and line."""

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from foundation.errors import InvalidInput
from foundation.strict_yaml import MAX_BYTES, lines_of, load

BOMB = b"a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + b"".join(
    f"{name}: &{name} [{', '.join([f'*{of}'] * 10)}]\n".encode()
    for of, name in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"a: 1\nb: 2\na: 3\n", 3),
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", 4),
        (b"a: 1\nb: !!python/object/apply:os.getcwd []\n", 2),
        (b"a: !secret 1\n", 1),
        (b"a: !!binary aGk=\n", 1),
        (b"a: 1\nb: [\n", 3),
        (b"a: 1\n? [1, 2]\n: 3\n", 2),
        (b"a: 1\nb: \xff\n", 2),
        (b"a: 1\n---\nb: 2\n", 3),
        (b"a: *nothing\n", 1),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_line(raw: bytes, line: int) -> None:
    with pytest.raises(InvalidInput, match=rf"^rules\.yml:{line}: "):
        load(raw, "rules.yml")


@pytest.mark.parametrize(
    "raw", [BOMB, b"a: &a [*a]\n", b"[" * 50_000, b"- " * 50_000 + b"1", b"a: " + b"x" * MAX_BYTES]
)
def test_bombs_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"^rules\.yml:"):
        load(raw, "rules.yml")


def test_words_and_dates_stay_what_was_written() -> None:
    raw = b"off: no\nday: 2026-01-02\nnumber: 0x10\nyes: true\nnothing: ~\nhalf: 0.5\ntext: '1'\n"
    assert load(raw, "rules.yml").value == {
        "off": "no", "day": "2026-01-02", "number": "0x10", "yes": True, "nothing": None, "half": 0.5,
        "text": "1",
    }  # fmt: skip
    assert load(b"# nothing\n", "rules.yml").value is None


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    size: int


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    parts: list[Part]


def test_what_a_model_says_has_its_line_and_repeats_no_value() -> None:
    document = load(b"parts:\n  - size: 1\n  - size: hunter2\n    colour: red\n", "rules.yml")
    with pytest.raises(ValidationError) as refused:
        Whole.model_validate(document.value)
    problems = lines_of(refused.value, document, "rules.yml")
    assert [(one.file, one.line) for one in problems] == [("rules.yml", 3), ("rules.yml", 4)]
    assert not any("hunter2" in str(one) or "red" in str(one).split() for one in problems)
