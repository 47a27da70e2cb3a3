"""Letters of people of all kinds, with what must not be kept marked: every mark is gone after masking."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from security.privacy.masking import mask
from security.privacy.masking_personal import mask_personal

_LETTERS = Path(__file__).parents[2] / "benchmarks" / "masking_letters"
_MARK = re.compile(r"\[\[(\w+):(.*?)\]\](?!\])", re.DOTALL)
_BY_MODEL = {"person", "street"}


def _letters(name: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for line in (_LETTERS / name).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        text = line.partition("\t")[2]
        if name == "tricks.txt":
            text = text.encode("ascii").decode("unicode_escape")
        else:
            text = text.replace("\\n", "\n").replace("\\t", "\t")
        yield _MARK.sub(lambda mark: mark[2], text), [(m[1], m[2]) for m in _MARK.finditer(text)]


@pytest.mark.parametrize("name", ["first.txt", "second.txt", "third.txt", "tricks.txt"])
def test_what_letters_tell_in_confidence_is_masked(name: str) -> None:
    by_model, missed = [], []
    for text, marks in _letters(name):
        masked = mask_personal(text)
        for kind, value in marks:
            if kind in _BY_MODEL:
                by_model.append(value in masked)
            elif value in masked:
                missed.append((kind, text))
    assert missed == []
    assert sum(by_model) <= 0.2 * len(by_model)


STAYS = [
    "I ordered K-20451 and paid INV-3071 with 2 coupons",
    "press ctrl+F7 to sign in",
    "typed my order number K-20451 and it says error KT-1004",
    "the code editor shows 2 errors, version 10.2.3.4",
    "changed it to 3pm on Monday, 12.50 EUR",
    "I entered 20451 as order number, login works",
    "Thanks!2 more questions about the sign in page / checkout",
    "my account 20451 is about tea",
    "delivery 4 December 2025 between 10:00 and 12:00, 1,249.00 EUR",
    "utm_source1 and order_id2 are fields, C#7 and R&D2024 are none",
    "the first 4 of 2023 then 2024 then 2025 orders",
]


@pytest.mark.parametrize("text", STAYS)
def test_what_no_secret_is_stays(text: str) -> None:
    assert mask(text) == text
