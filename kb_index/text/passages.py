"""Cuts an article into passages: the stretches that are embedded, found and quoted from.

A passage is a run of blocks under one heading. MiniLM reads 256 tokens and was trained on about 128: a
passage aims at `TARGET_TOKENS` and stays under `MAX_TOKENS`, so title and heading fit before it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby

from kb_index.domain import Passage
from kb_index.text.markdown_units import Unit, units

SPLITTING = "2"
"""Raise it when passages come out differently: stored ones are then made anew at the next start."""
TARGET_TOKENS = 100
MAX_TOKENS = 170
_TAIL = 30
Count = Callable[[str], int]
_PIECES = re.compile(r"\w{1,6}|[^\w\s]")


def estimate_tokens(text: str) -> int:
    """Guess the number of word pieces, a little high for English."""
    return len(_PIECES.findall(text))


def split(body: str, count: Count = estimate_tokens) -> list[Passage]:
    """Cut a Markdown body into passages, in order; every word that readers see is in exactly one.

    `count` gives the tokens of a text; an encoder's own count fits best.
    """
    passages: list[Passage] = []
    for _, section in groupby(units(body), key=lambda unit: unit.heading):
        passages += [_join(run) for run in _runs(list(section), count)]
    return passages


def _runs(section: list[Unit], count: Count) -> Iterator[list[Unit]]:
    """Cut a section between blocks where that is possible, else between sentences."""
    sizes = [count(unit.shown) for unit in section]
    blocks: Counter[int] = Counter()
    for unit, tokens in zip(section, sizes, strict=True):
        blocks[unit.block] += tokens
    rest = sum(sizes)
    run: list[Unit] = []
    size = 0
    for number, (unit, tokens) in enumerate(zip(section, sizes, strict=True)):
        new_block = number == 0 or section[number - 1].block != unit.block
        full = size + tokens > MAX_TOKENS
        enough = size >= TARGET_TOKENS or size + blocks[unit.block] > MAX_TOKENS
        if run and (full or (new_block and enough and rest > _TAIL)):
            yield run
            run, size = [], 0
        run.append(unit)
        size += tokens
        rest -= tokens
    if run:
        yield run


def _join(run: list[Unit]) -> Passage:
    lines = (" ".join(unit.shown for unit in block) for _, block in groupby(run, key=lambda unit: unit.block))
    return Passage(run[0].heading, "\n".join(lines), run[0].start, run[-1].end)
