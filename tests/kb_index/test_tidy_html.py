"""Hostile and careless pages: what comes out is well-formed, holds what can be read, and took one pass."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import InvalidInput
from kb_index.articles.tidy_html import DEEPEST, tidy
from kb_index.articles.uploads import parse_html

_VOID = ("br", "hr", "img", "meta")


class Balance(HTMLParser):
    """Fails unless every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.deepest = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _VOID:
            self.open.append(tag)
            self.deepest = max(self.deepest, len(self.open))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def check(page: str) -> str:
    """Tidy a page and hold the result against what it promises."""
    made = tidy(page)
    balance = Balance()
    balance.feed(made)
    balance.close()
    assert balance.open == []
    assert balance.deepest <= DEEPEST
    return made


PIECES = ["<", ">", "</", "a", "b", "p", "li", "ul", "ol", "td", "script", "title", "nav", " ", "=", '"', "'"]
PIECES += [
    "<!--",
    "-->",
    "<![CDATA[",
    "<?",
    "/",
    "&",
    "&lt;",
    "&#60;",
    "x",
    "\n",
    "<p>",
    "</p>",
    "<li>",
    "<a ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_anything_comes_out_well_formed(page: str) -> None:
    check(page)


@pytest.mark.parametrize(
    ("page", "made"),
    [
        ("<p>one<p>two", "<p>one</p><p>two</p>"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"),
        (
            "<table><tr><td>a<td>b<tr><td>c</table>",
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
        ),
        ("<b>a<i>b</b>c</i>", "<b>a<i>b</i></b>c"),
        ("a < b &amp;&lt; c", "a &lt; b &amp;&lt; c"),
        ("<a", "&lt;a"),
        ('<a href="x>y', '&lt;a href="x&gt;y'),
        ("<a href='/help/x' onclick=\"alert(1)\">y</a>", '<a href="/help/x">y</a>'),
        ('<a title="1 &gt; 0 < 2">y</a>', '<a title="1 &gt; 0 &lt; 2">y</a>'),
        ("<script>if (a < b) '</p>'</script>after", "after"),
        ("<script>never closed <p>gone", ""),
        ("<nav>a<nav>b</nav>c</nav>after", "after"),
        ("<!-- a <p> --><!doctype html><?x y?>after", "after"),
        ("<!-- never closed <p>gone", ""),
        ("<span>kept</span><custom-tag>too</custom-tag>", "kepttoo"),
        ("<td colspan=999999999999>a", '<td colspan="20">a</td>'),
        ("<td colspan=x>a", '<td colspan="1">a</td>'),
        ("<pre>a   b\n c</pre>d   e", "<pre>a   b\n c</pre>d e"),
        ("<P>One</P>", "<p>One</p>"),
        ("</p></b>a", "a"),
        ("<br/>a<hr>", "<br>a<hr>"),
    ],
)
def test_what_becomes_of(page: str, made: str) -> None:
    assert check(page) == made


def test_too_deep_is_refused() -> None:
    with pytest.raises(InvalidInput):
        tidy("<div>" * (DEEPEST + 1))
    check("<div>" * DEEPEST)
    check("<div></div>" * 10_000)


def test_a_page_that_the_old_parser_rejected_is_read() -> None:
    """It raised an error that nobody caught."""
    page = b"<html><title>T</title><body><p>before</p><![</body>"
    assert "before" in parse_html(page, "t.html").draft.body


def test_numbered_lists_keep_their_numbers() -> None:
    page = b"<title>T</title><ol start=3><li>a<li><p>b</p><p>c</p></li><li></li><li>d<ol><li>e</ol></ol>"
    body = parse_html(page, "t.html").draft.body
    assert [line.strip() for line in body.split("\n") if line.strip()] == [
        "3. a", "4. b", "c", "6. d", "1. e"
    ]  # fmt: skip


class Counting(str):
    """A page that counts the characters which are searched."""

    __slots__ = ()
    looked_at = 0

    def find(self, mark: str, start: int = 0) -> int:  # type: ignore[override]
        found = super().find(mark, start)
        Counting.looked_at += (len(self) if found < 0 else found) - start
        return found


@pytest.mark.parametrize(
    "make", [lambda n: "<!--" * n, lambda n: "<!" * n, lambda n: "<?" * n, lambda n: "<a" * n]
)
def test_twice_the_page_is_twice_the_search(make: Callable[[int], str]) -> None:
    counts = []
    for n in (1000, 2000):
        Counting.looked_at = 0
        tidy(Counting(make(n)))
        counts.append(Counting.looked_at)
    assert counts[1] <= 2.2 * counts[0] + 10
