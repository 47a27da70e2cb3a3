"""Finds links and pictures in an article that lead nowhere; what is outside is listed and not fetched."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from kb_index.articles.rendering import anchors
from kb_index.text.markdown import markdown

_ARTICLE = re.compile(r"/help/([a-z0-9-]+)/?\Z")
_IMAGE = re.compile(r"/help/images/([a-z0-9._-]+)\Z")
_PAGES = frozenset({"/", "/help", "/help/"})


@dataclass(frozen=True)
class Link:
    """A link or picture at a line of the Markdown, from 1; `problem` is None where it leads somewhere."""

    url: str
    text: str
    line: int
    problem: str | None = None

    @property
    def is_external(self) -> bool:
        """Tell whether it leaves this site."""
        return bool(urlsplit_or_none(self.url) and urlsplit(self.url).scheme)


def urlsplit_or_none(url: str) -> object | None:
    """Return the parts of an address, None where it has no readable form."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def targets(body: str) -> list[str]:
    """The ids of articles and pictures that a text leads to, each once."""
    found = (
        match[1]
        for link in _links(body)
        for pattern in (_ARTICLE, _IMAGE)
        if (match := pattern.match(unquote(link.url.partition("#")[0])))
    )
    return list(dict.fromkeys(found))


def check(body: str, articles: Mapping[str, Collection[str]], images: Collection[str]) -> list[Link]:
    """Return every link of a text with its problem.

    `articles` holds the headings' anchors of each published article by id; `images` the pictures there are.
    """
    own = frozenset(anchors(body))
    return [
        Link(one.url, one.text, one.line, _problem(one.url, own, articles, images)) for one in _links(body)
    ]


def _problem(
    url: str, own: Collection[str], articles: Mapping[str, Collection[str]], images: Collection[str]
) -> str | None:
    if urlsplit_or_none(url) is None:
        return "It is no address."
    parts = urlsplit(url)
    if parts.scheme:
        return (
            None if parts.scheme in ("http", "https", "mailto", "tel") else "Readers do not get such links."
        )
    if parts.netloc:
        return "It begins with `//`: say https or a path of this site."
    path, anchor = unquote(parts.path), unquote(parts.fragment)
    if not path:
        return None if not anchor or anchor in own else "This article has no such heading."
    if match := _IMAGE.match(path):
        return None if match[1] in images else "There is no such picture."
    if match := _ARTICLE.match(path):
        if match[1] not in articles:
            return "No published article has this address."
        held = articles[match[1]]
        return None if not anchor or anchor in held else "That article has no such heading."
    if path in _PAGES:
        return None
    return "Articles are at /help/… and pictures at /help/images/…"


def _links(body: str) -> Iterator[Link]:
    for token in markdown().parse(body):
        first = (token.map[0] if token.map else 0) + 1
        found: list[Link] = []
        words: list[str] | None = None
        for child in token.children or ():
            if child.type in ("softbreak", "hardbreak"):
                first += 1
            elif child.type == "link_open":
                words = []
                found.append(Link(str(child.attrGet("href") or ""), "", first))
                place = len(found) - 1
            elif child.type == "link_close" and words is not None:
                found[place] = replace(found[place], text="".join(words))
                words = None
            if child.type == "image":
                found.append(Link(str(child.attrGet("src") or ""), child.content, first))
            if words is not None:
                words.append(child.content)
        yield from found
