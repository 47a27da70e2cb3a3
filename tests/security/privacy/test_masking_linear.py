"""Masking does work in proportion to the length of a text, by form and by counting."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from security.privacy.masking import mask
from security.privacy.masking_streets import find_streets
from security.privacy.masking_text import Canvas
from security.privacy.masking_urls import mask_url

MODULES = sorted(
    path.stem
    for path in Path(importlib.import_module("security").__path__[0]).joinpath("privacy").glob("masking*.py")
)
_parser: Any = re._parser


def _patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in MODULES:
        for name, value in vars(importlib.import_module(f"security.privacy.{module}")).items():
            if isinstance(value, re.Pattern):
                yield f"{module}.{name}", value


def _endless(tree: Any) -> Iterator[Any]:
    """Yield what repeats without bound and may be taken back, which is what makes a search quadratic."""
    for operation, argument in tree:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            _, most, inner = argument
            if most is _parser.MAXREPEAT and not _is_one_class(inner):
                yield argument
            yield from _endless(inner)
        elif name == "POSSESSIVE_REPEAT":
            yield from _endless(argument[2])
        elif name == "SUBPATTERN":
            yield from _endless(argument[3])
        elif name == "BRANCH":
            for branch in argument[1]:
                yield from _endless(branch)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from _endless(argument[1])


def _is_one_class(inner: Any) -> bool:
    return len(inner) == 1 and str(inner[0][0]) in ("IN", "LITERAL", "NOT_LITERAL", "CATEGORY", "ANY")


@pytest.mark.parametrize(("name", "pattern"), list(_patterns()), ids=[name for name, _ in _patterns()])
def test_no_group_repeats_without_bound(name: str, pattern: re.Pattern[str]) -> None:
    assert not list(_endless(_parser.parse(pattern.pattern, pattern.flags)))


def _calls(function: Any, text: str) -> int:
    count = 0

    def count_one(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(count_one)
    try:
        function(text)
    finally:
        sys.setprofile(None)
    return count


PIECES = [
    "my password ",
    "code 1",
    "1 2 3 ",
    "4111 1111 1111 111",
    "a@b.",
    "DE89 ",
    "born 1.1.90 ",
    "12 Main Street, ",
    "\u200b1",
    "https://a/b?c=d ",
    "12345678 is my account number ",
    "pass is ",
    "x is my pw ",
    "+49 171 1234567 ",
]


@pytest.mark.parametrize("piece", PIECES)
def test_four_times_the_text_is_four_times_the_work(piece: str) -> None:
    mask(piece * 10)
    short, long = _calls(mask, piece * 200), _calls(mask, piece * 800)
    assert long <= 4.4 * short + 2000


@pytest.mark.parametrize("piece", ["12 Main Street, ", "Apt 1, ", "Haupt ", "12 A B C ", "address is 12 A "])
def test_streets_are_linear_too(piece: str) -> None:
    def streets(text: str) -> None:
        Canvas(text).apply(find_streets)

    assert _calls(streets, piece * 800) <= 4.4 * _calls(streets, piece * 200) + 2000


@pytest.mark.parametrize("piece", ["a/", "a=b&", "%25", "1", "-", "#", "a;"])
def test_addresses_of_pages_are_linear(piece: str) -> None:
    short, long = _calls(mask_url, "https://x/" + piece * 100), _calls(mask_url, "https://x/" + piece * 400)
    assert long <= 4.4 * short + 500
