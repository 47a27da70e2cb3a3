"""The help pages: plain HTML for everybody, in which nothing that an editor or a visitor writes can run."""

import gzip
from html.parser import HTMLParser
from typing import Any
from unittest.mock import Mock
from xml.etree import ElementTree

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from kb_index.articles.rendering import to_html
from kb_index.domain import Draft
from kb_index.help.style import STYLE
from tests.kb_index.conftest import Room, fill

VOID = {"meta", "input", "br", "hr", "img"}
ACTIVE = {
    "script",
    "iframe",
    "object",
    "embed",
    "svg",
    "math",
    "base",
    "link",
    "form",
    "button",
    "template",
    "style",
}


class Outline(HTMLParser):
    """Collects what matters of a page, and that its tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def names(self) -> list[str]:
        return [tag for tag, _ in self.tags]


async def get(client: TestClient[Any, Any], path: str, status: int = 200) -> str:
    async with client.get(path) as answer:
        assert answer.status == status
        assert answer.content_type == "text/html"
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return await answer.text()


async def test_the_list_leads_to_every_published_article(room: Room, client: TestClient[Any, Any]) -> None:
    await fill(room)
    await room.articles.create("draft", Draft("A draft", "billing", "en", "Not yet."), by="Erin")
    html = await get(client, "/help")
    page = Outline(html)
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert {"/help/refunds", "/help/reset-password", "/help/pause"} <= set(links)
    assert "/help/draft" not in links
    assert page.names().count("h1") == 1
    assert "<h2>Sign in</h2>" in html


async def test_a_search_needs_no_script(room: Room, client: TestClient[Any, Any]) -> None:
    await fill(room)
    html = await get(client, "/help?q=money+back")
    assert html.index("/help/refunds") < html.index("/help/pause")
    assert "within 14 days of a delivery" in html
    assert 'value="money back"' in html
    assert "Nothing was found" in await get(client, "/help?q=%3F%3F%3F")


async def test_an_article_is_a_page_with_an_outline(room: Room, client: TestClient[Any, Any]) -> None:
    await fill(room)
    html = await get(client, "/help/reset-password")
    page = Outline(html)
    assert [tag for tag in page.names() if tag in ("h1", "h2", "h3")] == ["h1", "h2", "h2"]
    assert '<time datetime="2026-04-02">2 April 2026</time>' in html
    assert f"<style>{STYLE}</style>" in html
    assert 'lang="en-GB"' in await get(client, "/help/pause")


async def test_readers_see_the_published_text_only(room: Room, client: TestClient[Any, Any]) -> None:
    await fill(room)
    changed = Draft("Refunds", "billing", "en", "Unfinished thoughts.")
    await room.articles.update("refunds", changed, base_version=1, by="Ed")
    assert "Unfinished" not in await get(client, "/help/refunds")
    await room.articles.unpublish("refunds", by="Ed")
    assert "This article is not here" in await get(client, "/help/refunds", 404)


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](java\nscript:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](vbscript:x)",
    "<javascript:alert(1)>",
    "![a](javascript:alert(1))",
    "![a](data:image/svg+xml;base64,PHN2Zz4=)",
    '[a](/x "onmouseover=alert(1)")',
    '[a](/x"onmouseover=alert(1))',
    "`</code><script>alert(1)</script>`",
    "```\n</pre><script>alert(1)</script>\n```",
    '```js" onload="alert(1)\nx\n```',
    "<!--><script>alert(1)</script>-->",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>*{display:none}</style>",
    "<base href=//evil.example>",
    "<form action=//evil.example><button>x",
    "| <script>alert(1)</script> |\n|-|\n| x |",
    "[a]: javascript:alert(1)\n\n[a]",
    "</article></main></body><script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<math><mtext></p><style><img src onerror=alert(1)></style>",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_markdown_becomes_anything_active(hostile: str) -> None:
    page = Outline(to_html(hostile))
    assert not ACTIVE & set(page.names())
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("href", "src"):
            value = attributes.get(name) or ""
            assert ":" not in value or value.startswith(("http://", "https://", "mailto:", "tel:"))


@pytest.mark.parametrize("hostile", [*HOSTILE, "\"'><script>alert(1)</script>"])
async def test_no_title_question_or_quote_becomes_anything_active(
    room: Room, client: TestClient[Any, Any], hostile: str
) -> None:
    title = " ".join(hostile.split())
    await room.write("hostile", Draft(title, "billing", "en", f"{hostile}\n\nrefund {hostile}"))
    plain = Outline(await get(client, "/help/refunds", 404)).names()
    for path in ("/help", "/help/hostile"):
        added = [tag for tag in Outline(await get(client, path)).names() if tag in ACTIVE]
        assert added == [tag for tag in plain if tag in ACTIVE]
    async with client.get("/help", params={"q": f"refund {hostile}"}) as answer:
        page = Outline(await answer.text())
    assert [tag for tag in page.names() if tag in ACTIVE] == [tag for tag in plain if tag in ACTIVE]
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_headings_skip_no_level_and_leave_the_first_to_the_title() -> None:
    html = to_html("# One\n\n#### Deep\n\n## Two\n\n###### Deeper\n\n# Three")
    assert [tag for tag in Outline(html).names() if tag[0] == "h"] == ["h2", "h3", "h3", "h4", "h2"]


def test_pictures_from_elsewhere_become_links() -> None:
    html = to_html(
        "![Logo](https://elsewhere.example/p.png) ![Own](/media/p.png) ![X](//elsewhere.example/p)"
    )
    assert '<a href="https://elsewhere.example/p.png" rel="noopener noreferrer">Logo</a>' in html
    assert '<img src="/media/p.png" alt="Own">' in html
    assert html.count("<img") == 1


def test_links_keep_their_places() -> None:
    html = to_html("[in](/help/x) [out](https://a.example/?a=1&b=2) <mailto:a@b.example> [call](tel:+491234)")
    for wanted in ('href="/help/x"', 'href="https://a.example/?a=1&amp;b=2"', 'href="mailto:a@b.example"',
                   'href="tel:+491234"'):  # fmt: skip
        assert wanted in html


async def test_visitors_and_search_engines_get_what_is_for_everyone(
    client: TestClient[Any, Any], room: Room
) -> None:
    await fill(room)
    secret = Draft("For staff <only>", "billing", "en", "Not for visitors.", audience="staff")
    await room.write("secret", secret)
    await room.write("users", Draft("For users", "billing", "en", "Users read it.", audience="users"))
    await room.write("told", Draft("Told", "billing", "en", "Text.", summary='What it "says" & why'))
    async with client.get("/help/sitemap.xml") as answer:
        assert answer.content_type == "application/xml"
        found = ElementTree.fromstring(await answer.read())
    addresses = [str(one.text) for one in found.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    names = ("refunds", "told", "pause", "reset-password")
    assert sorted(addresses) == sorted(f"https://help.example/help/{name}" for name in names)
    page = Outline(await get(client, "/help/told"))
    assert ("meta", {"name": "description", "content": 'What it "says" & why'}) in page.tags
    async with client.get("/help/told?q=x") as answer:
        assert answer.headers["Link"] == '<https://help.example/help/told>; rel="canonical"'
    for hidden in ("secret", "users"):
        await get(client, f"/help/{hidden}", 404)
        assert f"/help/{hidden}" not in await get(client, "/help?q=read+visitors")
        assert f"/help/{hidden}" not in await get(client, "/help")


async def test_all_public_articles_come_in_one_pack(room: Room, client: TestClient[Any, Any]) -> None:
    await fill(room)
    await room.write("signed-in", Draft("For users", "any", "en", "Secret.\n", audience="users"))
    await room.articles.create("draft", Draft("Not out", "any", "en", "Draft.\n"), by="Erin")
    await room.write(
        "hostile", Draft("Bad <b>", "any", "en", "<script>alert(1)</script> [x](javascript:y)\n")
    )
    answer = await client.get("/api/v1/help/pack")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    articles = {one["id"]: one for one in (await answer.json())["articles"]}
    assert sorted(articles) == ["hostile", "pause", "refunds", "reset-password"]
    assert not {tag for tag, _ in Outline(articles["hostile"]["html"]).tags} & ACTIVE
    assert "javascript:" not in articles["hostile"]["html"].replace("[x](javascript:y)", "")
    assert articles["pause"]["language"] == "en-GB"
    same = await client.get("/api/v1/help/pack", headers={"If-None-Match": answer.headers["ETag"]})
    assert (same.status, await same.read()) == (304, b"")
    await room.articles.unpublish("pause", by="Erin")
    newer = await client.get("/api/v1/help/pack", headers={"If-None-Match": answer.headers["ETag"]})
    assert newer.status == 200
    assert "pause" not in {one["id"] for one in (await newer.json())["articles"]}


async def test_a_pack_is_compressed_once_for_everybody(
    room: Room, client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        web.StreamResponse, "enable_compression", lambda *_, **__: pytest.fail("compressed for one caller")
    )
    await fill(room)
    plain = await client.get("/api/v1/help/pack", headers={"Accept-Encoding": "identity"})
    refused = await client.get("/api/v1/help/pack", headers={"Accept-Encoding": "br, gzip;q=0.0"})
    assert "Content-Encoding" not in {**plain.headers, **refused.headers}
    compress = Mock(wraps=gzip.compress)
    monkeypatch.setattr(gzip, "compress", compress)
    await room.articles.unpublish("pause", by="Erin")
    for accepted in ("gzip", "deflate, GZIP;q=0.5", "gzip"):
        packed = await client.get("/api/v1/help/pack", headers={"Accept-Encoding": accepted})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.headers["Vary"] == "Accept-Encoding"
        assert [one["id"] for one in (await packed.json())["articles"]] == ["refunds", "reset-password"]
    assert compress.call_count == 1


async def test_a_pack_stays_small(
    room: Room, client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb_index.help.pack.MOST", 4_000)
    await fill(room)
    await room.write("long", Draft("Long", "any", "en", "Very long. " * 500))
    answer = await client.get("/api/v1/help/pack")
    articles = [one["id"] for one in (await answer.json())["articles"]]
    assert articles == ["pause", "refunds", "reset-password"], "the longest is left out"
