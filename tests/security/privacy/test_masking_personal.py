"""Names of people and street addresses are masked in chat as people write it; what support needs stays."""

import asyncio
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from security.privacy.masking import mask
from security.privacy.masking_personal import (
    LONGEST_FOR_MODEL,
    mask_personal,
    mask_personal_aside,
    mask_personal_json,
    warm_up,
)

PEOPLE = [
    ("my name is jane doe", "my name is [person]"),
    ("Hi, this is bob from accounting", "Hi, this is [person] from accounting"),
    ("Please call Mrs. Priya Raman about it", "Please call Mrs. [person] about it"),
    ("thanks, maria gonzalez", "thanks, [person]"),
    ("I'm Amanda's daughter", "I'm [person]'s daughter"),
    ("Name: Hans Müller", "Name: [person]"),
    ("Regards,\nLudovico Marchetti", "Regards,\n[person]"),
    ("Martim A Pereira called", "[person] called"),
]
STREETS = [
    ("I live at 12 Baker Street, ok?", "I live at [street], ok?"),
    ("ship it to 742 evergreen terrace, springfield il 62704 please", "ship it to [street] please"),
    ("it is Hauptstraße 12a, 80331 München", "it is [street]"),
    ("12 rue de la Paix, 75002 Paris", "[street]"),
    ("Flat 6\nGary Crossroad\nHallport\nSL17 0HJ", "[street]"),
    ("P.O. Box 1234", "[street]"),
    ("205 Joseph Summit Suite 746\nNorth Shelby, CO 33675", "[street]"),
    ("my zip code is 90210", "my zip code is [street]"),
]
KEPT = [
    "What does KT-1010 mean?",
    "Mails from Kettle do not arrive",
    "i want to mark the order as paid may i",
    "I paid 20 dollars for 3 items on the high street",
    "wanna see the order, can ya help",
    "12 Months free, then 14 days to return",
    "We deliver to Canada",
]


@pytest.mark.parametrize(("text", "masked"), PEOPLE + STREETS)
def test_finds_people_and_streets(text: str, masked: str) -> None:
    assert mask_personal(text) == masked


@pytest.mark.parametrize("text", KEPT)
def test_leaves_what_support_needs(text: str) -> None:
    assert mask_personal(text) == text


def test_names_that_the_caller_knows_are_found_anywhere() -> None:
    assert mask_personal("ask kettlewick zorb", ["Zorb Kettlewick"]) == "ask [person]"


def test_json_is_masked_in_depth() -> None:
    value = {"note": ["my name is jane doe", 4], "password": "x"}
    assert mask_personal_json(value) == {"note": ["my name is [person]", 4], "password": "[secret]"}


async def test_several_at_once_off_the_loop() -> None:
    results = await asyncio.gather(*(mask_personal_aside("this is bob from accounting") for _ in range(8)))
    assert set(results) == {"this is [person] from accounting"}


def test_beyond_what_the_model_reads_the_lists_still_find() -> None:
    text = "a " * (LONGEST_FOR_MODEL // 2 + 10) + "my name is jane doe"
    assert mask_personal(text).endswith("my name is [person]")


def test_loading_waits_for_nobody_and_importing_loads_no_model() -> None:
    imported = "security.privacy.masking, security.privacy.masking_personal"
    code = f"import sys, {imported}; sys.exit('spacy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    warm_up().join(timeout=60)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([t for t, _ in PEOPLE + STREETS] + KEPT), max_size=4).map(". ".join)
    | st.text(max_size=60)
)
def test_never_raises_and_masks_at_least_what_the_quick_mask_does(text: str) -> None:
    masked = mask_personal(text)
    assert mask(masked) == masked
