"""Messages in several parts: what is taken for the request, and what for another."""

import asyncio
from typing import Any

import pytest

from bot.rasa_components.passages import passages, read_passages

MEANT = {
    "the box never came": ("order_missing", 0.95, 0.9),
    "i cannot sign in": ("sign_in_trouble", 0.97, 0.9),
    "hello to you all": ("greet", 0.99, 0.9),
    "it rained all week": ("complain", 0.9, 0.3),
    "something with the bill": ("payment_failed", 0.5, 0.9),
    "maybe the bill again": ("payment_failed", 0.9, 0.4),
}


def read(text: str, whole: tuple[str, float, float]) -> tuple[str, list[str]]:
    def parsed(values: tuple[str, float, float]) -> dict[str, Any]:
        return {"intent": dict(zip(("name", "confidence", "in_scope"), values, strict=True)), "entities": []}

    async def parse(said: str) -> dict[str, Any]:
        return parsed(MEANT.get(said.lower().strip(" .!?,"), ("nlu_fallback", 0.9, 0.0)))

    first, also = asyncio.run(read_passages(parse, text, parsed(whole)))
    return first["intent"]["name"], also


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("where is my order", 0), ("Hi. Where is my order", 1), ("ok, yes, go on", 0), ("", 0),
        ("The box never came, and I cannot sign in", 2), ("It rained all week. The box never came!", 2),
        ("one two three. " * 40, 8), ("and and and", 0),
    ],
)  # fmt: skip
def test_where_a_message_is_divided(text: str, parts: int) -> None:
    assert len(passages(text)) == parts


@pytest.mark.parametrize(
    ("text", "whole", "expected"),
    [
        ("The box never came and I cannot sign in", ("order_missing", 0.6, 0.5),
         ("order_missing", ["sign_in_trouble"])),
        ("It rained all week. Hello to you all. The box never came.", ("nlu_fallback", 0.9, 0.0),
         ("order_missing", [])),
        ("It rained all week. Hello to you all.", ("nlu_fallback", 0.9, 0.0), ("nlu_fallback", [])),
        ("Hello to you all. The box never came.", ("greet", 0.9, 0.9), ("greet", [])),
        ("The box never came, something with the bill, maybe the bill again", ("order_missing", 0.9, 0.9),
         ("order_missing", [])),
        ("The box never came", ("nlu_fallback", 0.9, 0.0), ("nlu_fallback", [])),
        ("The box never came, but I cannot sign in", ("order_missing", 0.9, 0.9), ("order_missing", [])),
        ("It rained all week, but the box never came", ("nlu_fallback", 0.9, 0.0), ("order_missing", [])),
    ],
)  # fmt: skip
def test_what_is_read_from_the_parts(
    text: str, whole: tuple[str, float, float], expected: tuple[str, list[str]]
) -> None:
    assert read(text, whole) == expected
