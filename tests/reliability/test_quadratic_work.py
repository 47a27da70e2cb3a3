"""Small files that took much time or memory."""

import contextlib
import gc
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from foundation.errors import InvalidInput
from kb_index.articles.links import check
from kb_index.articles.rendering import to_html
from kb_index.articles.uploads import parse_html
from kb_index.text.passages import split
from tests.reliability.conftest import Note

ROOT = Path(__file__).parents[2]
Make = Callable[[int], str]
SMALL, TIMES = 4_000, 8
"""Letters of a text, and how much longer the other is."""
BOUND = 24
"""Times as long: work in proportion takes 8 times as long, quadratic work 64 times."""
NOTHING = 0.2
"""Seconds."""

MARKDOWN: dict[str, Make] = {
    "equal headings": lambda n: "# a\n" * (n // 4),
    "numbered headings": lambda n: "".join(f"# a {k}\n# a\n" for k in range(n // 12)),
    "links in a line": lambda n: "[a](b)" * (n // 6),
    "references": lambda n: "[a]: b\n\n" + "[a] " * (n // 4),
    "pictures": lambda n: "![a](b) " * (n // 8),
    "open brackets": lambda n: "[" * n,
    "open links": lambda n: "[a](" * (n // 4),
    "stars": lambda n: "*a **b " * (n // 7),
    "code marks": lambda n: "".join("`" * k + " " for k in range(1, int((2 * n) ** 0.5))),
    "quotes": lambda n: "".join(">" * k + "a\n" for k in range(1, int((2 * n) ** 0.5))),
    "lists": lambda n: "".join("  " * k + "- a\n" for k in range(int(n**0.5))),
    "rows": lambda n: "|a|b|\n|-|-|\n" + "|a|b|\n" * (n // 6),
    "sentences": lambda n: "Go on. " * (n // 7),
    "one word": lambda n: "a" * n,
}
HTML: dict[str, Make] = {
    "<a": lambda n: "<a" * (n // 2),
    "open quotes": lambda n: '<a b="' * (n // 6),
    "tabs": lambda n: "<a\t" * (n // 3),
    "comments": lambda n: "<!--" * (n // 4),
    "open items": lambda n: "<ul>" + "<li>a" * (n // 5),
    "numbered items": lambda n: "<ol>" + "<li>a</li>" * (n // 10) + "</ol>",
    "blanks": lambda n: "a" + " " * n + "b",
    "cells": lambda n: "<table><tr>" + "<td colspan=999999>a" * (n // 20),
    "definitions": lambda n: "<dl>" + "<dt>a<dd>b" * (n // 10),
}


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """CPU seconds of this thread, the best of some times: what else the machine does hardly counts."""
    taken = []
    for _ in range(times):
        gc.collect()
        started = time.thread_time()
        work()
        taken.append(time.thread_time() - started)
    return min(taken)


def read_page(body: str) -> None:
    """Import a page."""
    # Nothing may be left to read, or too much: told so is as good.
    with contextlib.suppress(InvalidInput):
        parse_html(f"<title>T</title><main>{body}x</main>".encode(), "page.html")


@pytest.mark.parametrize("name", MARKDOWN)
@pytest.mark.parametrize(
    "work", [to_html, split, lambda body: check(body, {}, ())], ids=["html", "cut", "links"]
)
def test_markdown_takes_time_in_proportion(name: str, work: Callable[[str], object]) -> None:
    _in_proportion(MARKDOWN[name], work)


@pytest.mark.parametrize("name", HTML)
def test_pages_take_time_in_proportion(name: str) -> None:
    _in_proportion(HTML[name], read_page)


def _in_proportion(make: Make, work: Callable[[str], object]) -> None:
    small, large = make(SMALL), make(TIMES * SMALL)
    work(small)
    # Timed again only when it seems to be too much: the best times of both are what the work takes.
    for times in (1, 3, 5):
        taken = seconds(lambda: work(large), times)
        # What takes no time at all says nothing.
        if taken < NOTHING or taken < BOUND * seconds(lambda: work(small), 2 * times):
            return
    pytest.fail(f"{TIMES} times the text took {taken:.2f} s, more than {BOUND} times as long")


def test_figures_of_time(figure: Note) -> None:
    headings = seconds(lambda: to_html("# a\n" * 16_000))
    figure(
        fault="16.8 quadratic work", measure="64 kB of equal headings, CPU s", before="25",
        after=round(headings, 2),
    )  # fmt: skip
    page = seconds(lambda: read_page("<a" * 20_000))
    figure(fault="16.8 quadratic work", measure="40 kB of `<a`, CPU s", before="12", after=round(page, 2))
    assert max(headings, page) < 6


def test_six_pictures_at_once(figure: Note) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.six_pictures"],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    taken = int(done.stdout)
    figure(fault="16.8 quadratic work", measure="six small PNGs at once, MB", before="1,800", after=taken)
    assert taken < 400
