"""Markdown to HTML that cannot do anything: CommonMark first, then an allow-list."""

import re
from collections.abc import Iterable, Iterator

import nh3
from markdown_it.token import Token

from kb_index.text.markdown import markdown

_TAGS = frozenset(
    re.findall(
        r"\w+",
        "a blockquote br code em h2 h3 h4 h5 h6 hr img li ol p pre strong table tbody td th thead tr ul",
    )
)
_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    **{tag: {"id"} for tag in _HEADINGS},
}
_SCHEMES = frozenset(("http", "https", "mailto", "tel"))


def to_html(body: str) -> str:
    """Render a Markdown body for a page whose title is the first-level heading.

    HTML in it is shown as text. Links go to http(s), mail, telephone and paths only. Headings begin at the
    second level and skip none. A picture from another site becomes a link, so that reading tells nobody else.
    """
    environment: dict[str, object] = {}
    renderer = markdown()
    tokens = renderer.parse(body, environment)
    _level_headings(tokens)
    for token, anchor in zip(_heading_starts(tokens), _anchors(tokens), strict=True):
        token.attrSet("id", anchor)
    for token in tokens:
        if token.children:
            token.children = list(_link_foreign_pictures(token.children))
    html = str(renderer.renderer.render(tokens, renderer.options, environment))
    return nh3.clean(
        html,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer",
    )


def anchors(body: str) -> list[str]:
    """Return the anchors of a text's headings, in order, each once: `#when-no-e-mail-comes`."""
    return list(_anchors(markdown().parse(body)))


def _heading_starts(tokens: list[Token]) -> list[Token]:
    return [token for token in tokens if token.type == "heading_open"]


def _anchors(tokens: list[Token]) -> Iterator[str]:
    seen = {"content"}
    numbers: dict[str, int] = {}
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            words = "".join(one.content for one in tokens[at + 1].children or () if one.content)
            base = "-".join(re.findall(r"[^\W_]+", words.lower())) or "section"
            anchor, number = base, numbers.get(base, 1)
            while anchor in seen:
                number += 1
                anchor = f"{base}-{number}"
            numbers[base] = number
            seen.add(anchor)
            yield anchor


def _level_headings(tokens: list[Token]) -> None:
    """The outline of a document holds only if no level is skipped (WCAG technique H42)."""
    open_levels: list[int] = []
    for token in tokens:
        if token.type == "heading_open":
            written = int(token.tag[1])
            while open_levels and open_levels[-1] >= written:
                open_levels.pop()
            open_levels.append(written)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, 1 + len(open_levels))}"


def _link_foreign_pictures(children: Iterable[Token]) -> Iterable[Token]:
    for child in children:
        source = str(child.attrGet("src") or "") if child.type == "image" else ""
        if not source or re.match(r"/(?![/\\])", source):
            yield child
            continue
        opening, text, closing = (
            Token("link_open", "a", 1),
            Token("text", "", 0),
            Token("link_close", "a", -1),
        )
        opening.attrSet("href", source)
        text.content = child.content or "Picture"
        yield from (opening, text, closing)
