"""The public help centre: server-rendered pages that need no script."""

import base64
import hashlib
from html import escape
from itertools import groupby

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from bot.foundation.http import Access, Call, Endpoint
from kb_index.domain import Hit, Listed
from kb_index.rendering import to_html
from kb_index.search import ArticleSearch
from kb_index.service import Articles

_STYLE = """
:root{color-scheme:light dark;--bg:#f7f7f4;--surface:#fff;--ink:#1b1f1d;--muted:#5a625e;
--line:#dcdfd9;--accent:#0b6b57}
@media (prefers-color-scheme:dark){:root{--bg:#141816;--surface:#1c211f;--ink:#e9ece9;--muted:#a3aba6;
--line:#323a36;--accent:#5cc9ad}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);
font:1rem/1.6 system-ui,-apple-system,"Segoe UI",sans-serif}
header,main,footer{max-width:46rem;margin:0 auto;padding:1rem 1.25rem}header{padding-top:1.5rem}
a{color:var(--accent);text-underline-offset:.15em}h1{line-height:1.2;font-size:1.75rem;margin:.5rem 0 1rem}
h2{font-size:1.2rem;margin:2rem 0 .5rem}form{display:flex;gap:.5rem}
input,button{font:inherit;padding:.6rem .8rem;border:1px solid var(--line);border-radius:.5rem;
min-height:2.75rem}
input{flex:1;min-width:0;background:var(--surface);color:var(--ink)}
button{background:var(--accent);color:var(--bg);border-color:var(--accent);font-weight:600;cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
article{background:var(--surface);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem 1.5rem}
article>:first-child{margin-top:0}img{max-width:100%}pre{overflow:auto}
.muted{color:var(--muted)}ul.plain{list-style:none;padding:0}ul.plain li{padding:.35rem 0}
table{border-collapse:collapse}td,th{border:1px solid var(--line);padding:.35rem .6rem;text-align:left}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "img-src 'self' https: data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}


class HelpQuery(BaseModel):
    """What to look for; empty for the list."""

    model_config = ConfigDict(extra="ignore")
    q: str = Field(default="", max_length=4000)


class HelpPages:
    """GET /help and /help/{id}."""

    def __init__(self, articles: Articles, search: ArticleSearch) -> None:
        self._articles = articles
        self._search = search

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        public, tag = Access.public(), ("pages",)
        return [
            Endpoint("GET", "/help", self.index, public, "The help centre", query=HelpQuery, tags=tag),
            Endpoint("GET", "/help/{id}", self.article, public, "A help article", tags=tag),
        ]

    async def index(self, call: Call) -> web.Response:
        """List articles by area, or show what was found."""
        asked = call.query.q.strip()
        if asked:
            hits = await self._search.search(asked, limit=10)
            return _page(f"Help: {asked[:80]}", asked, "<h1>Search results</h1>" + _hits(hits))
        listed = await self._articles.titles()
        return _page("Help", "", "<h1>How can we help?</h1>" + _list(listed))

    async def article(self, call: Call) -> web.Response:
        """Show an article."""
        version = await self._articles.published(call.path["id"])
        title = escape(version.draft.title)
        when = version.created_at.strftime("%-d %B %Y")
        content = (
            f'<p class="muted"><a href="/help">All help</a> / {escape(_area(version.draft.area))}</p>'
            f"<h1>{title}</h1><article>{to_html(version.draft.body)}</article>"
            f'<p class="muted">Version {version.version}, saved {when}</p>'
        )
        return _page(version.draft.title, "", content, language=version.draft.language)


def _area(area: str) -> str:
    return area.replace("-", " ").capitalize()


def _list(listed: list[Listed]) -> str:
    if not listed:
        return "<p>There are no articles yet.</p>"
    parts = []
    for area, group in groupby(listed, key=lambda one: one.area):
        items = "".join(
            f'<li><a href="/help/{escape(one.article_id)}">{escape(one.title)}</a></li>' for one in group
        )
        parts.append(f'<h2>{escape(_area(area))}</h2><ul class="plain">{items}</ul>')
    return "".join(parts)


def _hits(hits: list[Hit]) -> str:
    if not hits:
        return "<p>Nothing was found. Try other words, or ask the assistant.</p>"
    items = "".join(
        f'<li><a href="{escape(hit.url)}">{escape(hit.title)}</a>'
        f'<br><span class="muted">{escape(hit.quote)}</span></li>'
        for hit in hits
    )
    return f'<ul class="plain">{items}</ul>'


def _page(title: str, asked: str, content: str, *, language: str = "en") -> web.Response:
    html = (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f'<style>{_STYLE}</style></head><body><header><form action="/help" role="search">'
        f'<input type="search" name="q" aria-label="Search help" placeholder="Search help" '
        f'value="{escape(asked)}">'
        f"<button>Search</button></form></header><main>{content}</main></body></html>"
    )
    return web.Response(text=html, content_type="text/html", headers=_HEADERS)
