"""Markdown that says much with little: the work and what comes out stay in proportion to the text."""

import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from foundation.errors import InvalidInput
from kb_index.articles.links import check, targets
from kb_index.articles.rendering import anchors, to_html
from kb_index.domain import MAX_HEADINGS, Draft, Version
from kb_index.help.rendered import RenderedArticles
from kb_index.text.markdown_units import LONGEST_HEADING, units
from kb_index.text.passages import split
from tests.kb_index.conftest import NOW

DRAFT = Draft("Title", "billing", "en", "Body.")


def steps(work: Callable[[], object]) -> int:
    """Count the lines of our own code that run."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if "kb_index" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "# a\n" * n,
        lambda n: "a\n=\n" * n,
        lambda n: "".join(f"# a {k}\n\n# a\n" for k in range(n)),
        lambda n: "[a](/help/b) " * n,
        lambda n: "# a\n\nb\n\n" * n,
    ],
)
@pytest.mark.parametrize("work", [anchors, targets, lambda body: check(body, {}, ()), split])
def test_twice_the_text_is_twice_the_work(make: Callable[[int], str], work: Callable[[str], object]) -> None:
    work(make(10))
    small, large = steps(lambda: work(make(150))), steps(lambda: work(make(300)))
    assert large <= 2.2 * small + 50


def test_anchors_stay_what_they_were() -> None:
    assert anchors("# a\n\n# a\n\n# a 2\n\n# a\n\n# a 2\n\n# content\n") == [
        "a", "a-2", "a-2-2", "a-3", "a-2-3", "content-2"
    ]  # fmt: skip


def test_the_text_of_a_link_ends_with_the_link() -> None:
    body = "a\n[one ![p](/help/images/p.png)](/help/x) b [two](/help/y)\n![q](/q.png)"
    found = [(link.url, link.text, link.line) for link in check(body, {}, ())]
    assert found == [
        ("/help/x", "one p", 2), ("/help/images/p.png", "p", 2), ("/help/y", "two", 2), ("/q.png", "q", 3)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        "[a]: /" + "b" * 50_000 + "\n\n" + "[a] " * 30_000,
        "[a]: /" + "b" * 1_900 + "\n\n" + "[a] " * 30_000,
        "[a]: /b '" + "c" * 1_900 + "'\n\n" + "![a] " * 30_000,
        ("|a" * 255 + "|\n" + "|-" * 255 + "|\n" + "|a\n" * 255 + "\n") * 60,
    ],
)
def test_html_does_not_outgrow_its_text(body: str) -> None:
    """65 million characters and more, before."""
    assert len(to_html(body)) < 4_000_000


def test_many_small_tables_come_to_an_end() -> None:
    table = "|a" * 40 + "|\n" + "|-" * 40 + "|\n" + "|a\n" * 800 + "\n"
    assert to_html(table * 20).count("<td") < 150_000


def test_usual_tables_and_references_are_as_before() -> None:
    html = to_html("|a|b|\n|-|-|\n|c|\n\n[x]: https://example.com/y 'z'\n\n[x] and [x]")
    assert html.count("<td") == 2
    assert html.count('<a href="https://example.com/y" title="z"') == 2


def test_a_long_heading_is_not_repeated_with_every_passage() -> None:
    found = units("# " + "long " * 10_000 + "\n\n" + "Text.\n\n" * 500)
    assert max(len(unit.heading) for unit in found) <= LONGEST_HEADING


def test_too_many_headings_are_refused_with_what_to_do() -> None:
    replace(DRAFT, body="# a\n\ntext\n\n" * MAX_HEADINGS).checked()
    for heading in ("# a\n", "a\n===\n", "####\n"):
        with pytest.raises(InvalidInput) as caught:
            replace(DRAFT, body=heading * (MAX_HEADINGS + 1)).checked()
        assert caught.value.hint


async def test_an_article_is_rendered_once_for_each_version(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def render(body: str) -> str:
        made.append(body)
        return body * 100

    monkeypatch.setattr("kb_index.help.rendered.to_html", render)
    kept = RenderedArticles(most=1200)

    def version(number: int) -> Version:
        return Version("a", number, replace(DRAFT, body="body"), NOW, "x")  # type: ignore[arg-type]

    for number in (1, 1, 2, 1, 2):
        assert await kept.html(version(number)) == "body" * 100
    assert len(made) == 2
    for number in (3, 4, 1):
        await kept.html(version(number))
    assert len(made) == 5
