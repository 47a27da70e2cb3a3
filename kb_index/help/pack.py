"""All public articles in one answer, so that the widget can show and search them without a connection."""

import asyncio
import gzip
import hashlib
import json
import time
from dataclasses import dataclass

import structlog
from aiohttp import web

from foundation.http import Call, Endpoint
from foundation.http.fields import HeaderField
from kb_index.articles.rendering import to_html
from kb_index.articles.service import Articles
from kb_index.domain import FOR_VISITORS, Version
from kb_index.permissions import ArticleAction

log = structlog.get_logger(__name__)
MOST = 5_000_000
"""Bytes of a pack; what is beyond is left out, the longest articles first."""
_SPARE = 64
_LEVEL = 6
"""Of compression: higher ones take twice as long for two per cent."""
_KNOWN = HeaderField("If-None-Match", "The ETag of the pack that the caller has")


@dataclass(frozen=True)
class Pack:
    """What is sent, plain and compressed once for all, its ETag, and the revision that it was made of."""

    body: bytes
    compressed: bytes
    etag: str
    revision: int


class HelpPack:
    """GET /api/v1/help/pack: `{"articles": [{id, version, title, area, language, summary, updated, html}]}`.

    It is made and compressed once for each state of the published articles; who has it already is told so
    (304).
    """

    def __init__(self, articles: Articles) -> None:
        self._articles = articles
        self._made: Pack | None = None
        self._making = asyncio.Lock()

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoint."""
        text = "All public articles, for use without a connection"
        return [
            Endpoint("GET", "/api/v1/help/pack", self.pack, ArticleAction.READ_HELP, text,
                     tags=("knowledge base",),
                     gives=("application/json",), also=(304,), headers=(_KNOWN,)),
        ]  # fmt: skip

    async def pack(self, call: Call) -> web.Response:
        """Give all public articles, or 304 to who names the ETag they have."""
        made = await self._current()
        headers = {
            # Weak, since it stands for the plain bytes and the compressed ones.
            "ETag": f'W/"{made.etag}"',
            "Cache-Control": "no-cache",
            "Access-Control-Allow-Origin": "*",
            "Vary": "Accept-Encoding",
        }
        if any(tag.value in (made.etag, "*") for tag in call.request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        body = made.body
        if _takes_gzip(call.request.headers.get("Accept-Encoding", "")):
            body, headers["Content-Encoding"] = made.compressed, "gzip"
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _current(self) -> Pack:
        async with self._making:
            revision = await self._articles.revision()
            if self._made is None or self._made.revision != revision:
                versions = await self._articles.all_published(FOR_VISITORS)
                self._made = await asyncio.to_thread(_pack, versions, revision)
        return self._made


def _takes_gzip(accepted: str) -> bool:
    for coding in accepted.lower().split(","):
        name, _, weight = coding.replace(" ", "").partition(";")
        if name == "gzip":
            return weight.removeprefix("q=").strip("0.") != "" or not weight
    return False


def _pack(versions: list[Version], revision: int) -> Pack:
    body = _body(versions)
    compressed = gzip.compress(body, _LEVEL, mtime=0)
    return Pack(body, compressed, hashlib.sha256(body).hexdigest()[:32], revision)


def _body(versions: list[Version]) -> bytes:
    started = time.monotonic()
    left = MOST - _SPARE
    taken: dict[str, str] = {}
    for version in sorted(versions, key=lambda one: (len(one.draft.body), one.article_id)):
        article = json.dumps(_article(version), ensure_ascii=False)
        left -= len(article.encode()) + 1
        if left < 0:
            break
        taken[version.article_id] = article
    if len(taken) < len(versions):
        log.warning("help_pack_incomplete", articles=len(versions), taken=len(taken))
    log.debug("help_pack_made", articles=len(taken), seconds=round(time.monotonic() - started, 3))
    return f'{{"articles": [{",".join(taken[key] for key in sorted(taken))}]}}'.encode()


def _article(version: Version) -> dict[str, object]:
    draft = version.draft
    return {
        "id": version.article_id,
        "version": version.version,
        "title": draft.title,
        "area": draft.area,
        "language": draft.language,
        "summary": draft.summary,
        "updated": version.created_at.date().isoformat(),
        "html": to_html(draft.body),
    }
