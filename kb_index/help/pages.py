"""The public help centre: server-rendered pages that need no script."""

from collections.abc import Sequence
from html import escape
from itertools import groupby

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from foundation.errors import NotFound
from foundation.http import Call, Endpoint
from kb_index.articles.service import Articles
from kb_index.domain import FOR_VISITORS, Hit, Listed, Version
from kb_index.help.rendered import RenderedArticles
from kb_index.help.style import HEADERS, STYLE
from kb_index.permissions import ArticleAction
from kb_index.ports import Filter
from kb_index.search.service import ArticleSearch, clean_question

_RESULTS = 10
HTML = ("text/html",)


class HelpQuery(BaseModel):
    """What to look for; empty for the list."""

    model_config = ConfigDict(extra="ignore")
    q: str = Field(default="", description="A question or words; only the beginning of a long one is read")


class HelpPages:
    """GET /help, /help/{id} and /help/sitemap.xml; `public_url` is where readers find this server."""

    def __init__(self, articles: Articles, search: ArticleSearch, public_url: str) -> None:
        self._articles = articles
        self._search = search
        self._public_url = public_url.rstrip("/")
        self._rendered = RenderedArticles()

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        read, tag = ArticleAction.READ_HELP, ("pages",)
        return [
            Endpoint(
                "GET", "/help", self.index, read, "The help centre", query=HelpQuery, tags=tag, gives=HTML
            ),
            Endpoint(
                "GET",
                "/help/sitemap.xml",
                self.sitemap,
                read,
                "All help articles",
                tags=tag,
                gives=("application/xml",),
            ),
            Endpoint(
                "GET", "/help/{id}", self.article, read, "A help article", tags=tag, gives=HTML, also=(404,)
            ),
        ]

    async def index(self, call: Call) -> web.Response:
        """List articles by area, or show what was found."""
        asked = clean_question(call.query.q)
        if asked:
            found = await self._search.find(asked, limit=_RESULTS, where=Filter(audiences=FOR_VISITORS))
            return _page("Search results", _found(asked, found.hits), asked=asked)
        return _page("How can we help?", _list(await self._articles.titles(FOR_VISITORS)))

    async def article(self, call: Call) -> web.Response:
        """Show an article."""
        try:
            version = await self._articles.published(call.path["id"], FOR_VISITORS)
        except NotFound:
            sorry = '<p>It may have been renamed or taken back. <a href="/help">See all articles</a>.</p>'
            return _page("This article is not here", sorry, status=404)
        html = await self._rendered.html(version)
        return _page(
            version.draft.title,
            _article(version, html),
            language=version.draft.language,
            about=version.draft.summary,
            address=f"{self._public_url}/help/{version.article_id}",
        )

    async def sitemap(self, call: Call) -> web.Response:
        """List the articles that visitors may read, for search engines."""
        listed = await self._articles.titles(FOR_VISITORS)
        addresses = "".join(
            f"<url><loc>{escape(self._public_url)}/help/{escape(one.article_id)}</loc>"
            f"<lastmod>{one.written_at:%Y-%m-%d}</lastmod></url>"
            for one in listed
        )
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{addresses}</urlset>'
        )
        return web.Response(text=text, content_type="application/xml", headers={"Cache-Control": "no-cache"})


def _area(area: str) -> str:
    return area.replace("-", " ").capitalize()


def _article(version: Version, html: str) -> str:
    when = version.created_at
    day = f'<time datetime="{when:%Y-%m-%d}">{when.day} {when:%B %Y}</time>'
    return (
        f'<article>{html}</article><p class="quiet">{escape(_area(version.draft.area))} · Updated {day}</p>'
    )


def _list(listed: list[Listed]) -> str:
    if not listed:
        return "<p>There are no articles yet.</p>"
    parts = []
    for area, group in groupby(listed, key=lambda one: one.area):
        items = "".join(
            f'<li lang="{escape(one.language)}">'
            f'<a href="/help/{escape(one.article_id)}">{escape(one.title)}</a></li>'
            for one in group
        )
        parts.append(f'<h2>{escape(_area(area))}</h2><ul class="list">{items}</ul>')
    return "".join(parts)


def _found(asked: str, hits: Sequence[Hit]) -> str:
    if not hits:
        return "<p>Nothing was found. Try other words, or ask the assistant.</p>"
    items = "".join(
        f'<li><a href="{escape(hit.url)}">{escape(hit.title)}</a>'
        f'<p class="quiet">{escape(hit.quote)}</p></li>'
        for hit in hits
    )
    return f'<p class="quiet">For “{escape(asked[:200])}”</p><ul class="list">{items}</ul>'


def _page(
    title: str,
    content: str,
    *,
    asked: str = "",
    language: str = "en",
    status: int = 200,
    about: str = "",
    address: str = "",
) -> web.Response:
    head = f'<meta name="description" content="{escape(about)}">' if about else ""
    headers = {**HEADERS, "Link": f'<{address}>; rel="canonical"'} if address else HEADERS
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Help</title>{head}<style>{STYLE}</style></head><body>"
        '<a class="skip" href="#content">Skip to content</a>'
        '<header><a class="home" href="/help">Help</a><form action="/help" role="search">'
        f'<input type="search" name="q" aria-label="Search help" placeholder="Search help" maxlength="1000" '
        f'value="{escape(asked)}"><button>Search</button></form></header>'
        f'<main id="content" lang="{escape(language)}"><h1>{escape(title)}</h1>{content}</main>'
        '<footer class="quiet"><a href="/help">All articles</a></footer></body></html>'
    )
    return web.Response(text=html, status=status, content_type="text/html", headers=headers)
